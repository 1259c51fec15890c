"""Plans: reproducible, complete, and right about what Esito must make of them."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.errors import Broken, Rejected
from contracts.instants import instant
from contracts.provider import SignedBytes
from contracts.providers import provider_named
from contracts.raw import RawCallback, Source
from contracts.update import Origin, Proof, Scheme, Statement, VerifiedUpdate
from runtime.endpoint_configuration import Endpoint, EndpointLimits
from simulator.plan import Fault, Plan, Presents, Step, Story, faults_of_stories
from simulator.planning import PLAYERS, make_plan
from simulator.scene import Scene
from workers.state_machine.decide import decide
from workers.state_machine.decision import Outcome, Rules
from workers.state_machine.snapshot import Snapshot
from workers.verifier.decode import decode_json

BODY_BYTES_MAX = 8_192
# Those whose plans need no keys; test_simulator_signed_plans.py is about the others.
PROVIDERS = ("pivot", "uaepass")
SCENE = Scene(
    endpoints={
        "e": Endpoint(
            name="e",
            provider="pivot",
            path="/e",
            limits=EndpointLimits(body_bytes_max=BODY_BYTES_MAX),
        )
    },
    public_url="https://esito.example.org",
    now=datetime(2026, 11, 21, tzinfo=UTC),
)


def a_plan(provider: str, *, transactions: int = 120, seed: int = 1) -> Plan:
    return make_plan(
        provider,
        transactions=transactions,
        faults=PLAYERS[provider].faults,
        seed=seed,
        scene=SCENE,
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_plan_of_the_same_seed_is_the_same(provider: str) -> None:
    assert a_plan(provider, seed=5) == a_plan(provider, seed=5)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_plan_of_another_seed_shares_no_transaction(provider: str) -> None:
    one, other = a_plan(provider, seed=5), a_plan(provider, seed=6)

    assert not set(one.expected().statuses) & set(other.expected().statuses)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_plan_tells_of_every_fault_and_mostly_of_none(provider: str) -> None:
    told = [story.fault for story in a_plan(provider).stories]

    assert set(told) == {None, *PLAYERS[provider].faults}
    assert told.count(None) > len(told) / 3


@pytest.mark.parametrize("fault", [Fault.STALE_TIMESTAMP, "nonsense"])
def test_plan_of_a_fault_the_provider_cannot_show_is_broken(fault: str) -> None:
    with pytest.raises(Broken, match=rf"pivot cannot show {fault}; it shows burst, "):
        make_plan("pivot", transactions=9, faults=[fault], seed=1, scene=SCENE)


def test_plan_of_an_unknown_provider_is_broken() -> None:
    with pytest.raises(Broken, match=r"does not play 'acme'; it plays pivot, uaepass"):
        make_plan("acme", transactions=9, faults=[], seed=1, scene=SCENE)


def test_faults_of_too_few_stories_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"3 transactions are the fewest"):
        faults_of_stories(2, [Fault.WRONG_KEY, Fault.OVERSIZE, Fault.BURST])


def test_burst_stories_stand_together() -> None:
    told = [story.fault is Fault.BURST for story in a_plan("pivot").stories]
    first = told.index(True)

    assert told[first : first + 30] == [True] * 30
    assert sum(told) == 30


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("seed", range(5))
def test_every_step_leads_where_the_state_machine_says(provider: str, seed: int) -> None:
    """Compare what a plan's author wrote by hand with what verifier and state machine compute."""
    plan = a_plan(provider, seed=seed)

    wrong = [
        (story.fault, step.statuses, step.anomalies, found)
        for story in plan.stories
        for step, found in computed(story, provider)
        if found != (set(step.statuses), set(step.anomalies), step.rejection)
    ]

    assert wrong == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_expected_counts_every_callback_once(provider: str) -> None:
    plan = a_plan(provider)
    expected = plan.expected()

    assert expected.accepted + sum(expected.refusals.values()) == len(plan.callbacks)
    assert expected.status_events == sum(len(step.statuses) for step in plan.steps)


def test_pivot_bodies_have_all_three_encodings_of_money() -> None:
    values = [data["amount"]["value"] for data in pivot_payloads() if "amount" in data]

    assert any(isinstance(value, int) for value in values)
    assert any(isinstance(value, str) and "." in value for value in values)
    assert any(isinstance(value, str) and value.isdigit() for value in values)


def test_pivot_bodies_have_timestamps_of_nanoseconds_and_of_seconds() -> None:
    payloads = [data for data in pivot_payloads() if "updatedAt" in data]

    assert any(len(data["updatedAt"]) == len("2026-01-05T08:00:00.123456789Z") for data in payloads)
    assert all(len(data["createdAt"]) == len("2026-01-05T08:00:00Z") for data in payloads)


def test_pivot_bodies_are_of_single_and_multiple_sessions() -> None:
    assert {data["paymentType"] for data in pivot_payloads() if "paymentType" in data} == {
        "SINGLE",
        "MULTIPLE",
    }


def test_oversize_bodies_pass_the_limit_and_others_do_not() -> None:
    for provider in PROVIDERS:
        for story in a_plan(provider).stories:
            sizes = [len(callback.body) for step in story.steps for callback in step.callbacks]
            assert (max(sizes) > BODY_BYTES_MAX) == (story.fault is Fault.OVERSIZE)


def test_values_of_different_people_differ() -> None:
    emails = [data["customer"]["email"] for data in pivot_payloads() if "customer" in data]
    sessions = {data["id"] for data in pivot_payloads() if "customer" in data}

    assert len(set(emails)) == len(sessions)


def pivot_payloads() -> Iterator[dict[str, Any]]:
    """Yield `data` of every body of Pivot's plan that is whole."""
    for story in a_plan("pivot").stories:
        if story.fault is not Fault.TAMPERED_BODY:
            for step in story.steps:
                for callback in step.callbacks:
                    yield json.loads(callback.body)["data"]


def computed(story: Story, provider: str) -> Iterator[tuple[Step, object]]:
    """Yield each step with the status events, anomalies and rejection that the code makes of it."""
    snapshots: dict[str, Snapshot] = {}
    declared = provider_named(provider)
    rules = Rules(provider=declared)
    for step in story.steps:
        statuses, anomalies, rejection = set(), set(), None
        for callback in step.callbacks:
            if callback.answer != 200:
                # The door is not part of this; what it keeps of a stale one is rejected later.
                rejection = step.rejection
                continue
            assert callback.presents is Presents.CORRECT
            signed = signed_bytes(callback.body)
            try:
                said = declared.translate(decode_json(signed))
            except Rejected as error:
                rejection = error.code
                continue
            for what in said:
                update = VerifiedUpdate(
                    provider=provider,
                    endpoint="e",
                    source=Source.CALLBACK,
                    received_at=signed.callback.received_at,
                    what=what,
                    proof=signed.proof,
                    origin=Origin(topic="t", partition=0, offset=0, sha256="", callback_id=""),
                )
                for decision in decide(snapshots.get(what.transaction_id), update, rules):
                    if decision.after is not None:
                        snapshots[what.transaction_id] = decision.after
                    if decision.outcome is Outcome.APPLIED:
                        assert isinstance(what, Statement)
                        statuses.add((what.transaction_id, what.native_status))
                    if decision.notice is not None:
                        anomalies.add((what.transaction_id, decision.notice.code))
        yield step, (statuses, anomalies, rejection)


def signed_bytes(body: bytes) -> SignedBytes:
    proof = Proof(scheme=Scheme.API_KEY, algorithm="none-over-body", key_id="k", signer="e")
    callback = RawCallback(
        body=body,
        callback_id="c",
        endpoint="e",
        source=Source.CALLBACK,
        received_at=instant(datetime(2026, 1, 5, tzinfo=UTC)),
        method="POST",
        target_uri="https://esito.example.org/",
        principal="api_key:k",
    )
    return SignedBytes(body, hashlib.sha256(body).hexdigest(), proof, callback)
