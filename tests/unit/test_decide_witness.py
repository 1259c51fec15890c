"""Witnesses: an id that may be used once is remembered, and another use of it is told."""

import pytest

from contracts.codes import AnomalyCode
from contracts.providers.wallet import PROVIDER
from contracts.update import VerifiedUpdate, Witness
from tests.unit.test_decide import DAY, after, last, notice_of
from tests.unit.test_state_machine_processor import TOPICS, batch, of, processor
from tests.updates import NOON_MILLISECONDS, REGISTERED, at
from tests.wallet_callbacks import (
    ONE,
    OTHER,
    WALLET,
    token,
    update_of,
    updates,
    verification,
)
from workers.state_machine.decision import Outcome, Rules
from workers.state_machine.events import anomaly
from workers.state_machine.snapshot import NEVER

ID = "witness:verification:v-1"


def used(mark: str = ONE, *, seconds: float = 0) -> VerifiedUpdate:
    return update_of(Witness(transaction_id=ID, mark=mark), seconds=seconds)


@pytest.mark.parametrize("rules", [WALLET, REGISTERED])
def test_first_use_is_remembered_and_nothing_is_told(rules: Rules) -> None:
    decision = last(used(), rules=rules)

    assert (decision.outcome, decision.notice) == (Outcome.WITNESSED, None)
    assert decision.after is not None
    assert (decision.after.status, decision.after.sequence) == (None, 0)
    assert list(decision.after.facts.values()) == [ONE]


def test_same_use_again_is_a_duplicate_and_leaves_no_trace() -> None:
    decision = last(used(), used(), used(seconds=9))

    assert (decision.outcome, decision.after, decision.notice) == (Outcome.DUPLICATE, None, None)


def test_another_use_is_told_once_and_the_first_stands() -> None:
    decision, again = last(used(), used(OTHER)), last(used(), used(OTHER), used(OTHER))
    first = last(used(), used(OTHER), used(ONE))

    assert (decision.outcome, notice_of(decision)) == (Outcome.CONFLICT, AnomalyCode.ID_REUSED)
    assert (again.outcome, again.after, again.notice) == (Outcome.DUPLICATE, None, None)
    assert (first.outcome, first.notice) == (Outcome.DUPLICATE, None)


def test_each_other_use_is_told() -> None:
    decision = last(used(), used(OTHER), used("3d" * 16))

    assert notice_of(decision) is AnomalyCode.ID_REUSED


def test_reuse_names_both_uses_in_an_anomaly_of_its_own() -> None:
    decisions = [last(used(), used(mark)) for mark in (OTHER, "3d" * 16, OTHER)]
    found = [anomaly(one, one.notice, PROVIDER.lifecycle) for one in decisions if one.notice]

    assert found[0].detail == f"first for {ONE}, then for {OTHER}"
    assert (found[0].said, found[0].standing, found[0].status) == (None, None, None)
    assert found[0].id == found[2].id != found[1].id


def test_uses_without_end_do_not_make_a_snapshot_grow_without_end() -> None:
    many = [used(f"{number:032x}") for number in range(200)]

    snapshot, decision = after(*many), last(*many)

    assert snapshot is not None
    assert len(snapshot.encode()) < 2_500
    assert (decision.outcome, decision.after) == (Outcome.CONFLICT, None)
    assert notice_of(decision) is AnomalyCode.ID_REUSED


def test_it_is_forgotten_as_a_final_transaction_is_and_never_rings() -> None:
    first, other = last(used()).after, last(used(), used(OTHER, seconds=60)).after

    assert first is not None
    assert other is not None
    assert (first.expiry, first.alarm) == (NOON_MILLISECONDS + 90 * DAY, NEVER)
    assert other.expiry == NOON_MILLISECONDS + 60_000 + 90 * DAY


def test_state_machine_publishes_the_anomaly_and_never_a_status() -> None:
    outputs = batch(processor(WALLET), used(), used(OTHER), used(OTHER))

    assert of(TOPICS.status, outputs) == []
    assert [one["code"] for one in of(TOPICS.anomalies, outputs)] == ["id_reused"]
    assert len(of(TOPICS.state, outputs)) == 1


def test_verification_used_for_another_transaction_is_told() -> None:
    members = verification(t1="COMPLETED")
    _, honest = updates(members, {"1": token("v-1")})
    _, stolen = updates(members, {"1": token("v-1")}, transaction=OTHER)
    _, fresh = updates(members, {"1": token("v-2")}, transaction=OTHER)

    assert notice_of(last(honest, stolen, rules=WALLET)) is AnomalyCode.ID_REUSED
    assert honest.key == stolen.key != fresh.key
    assert honest.received_at == at()


def test_what_waits_behind_an_id_goes_on_at_every_use_that_is_no_other() -> None:
    statement, honest = updates(verification(t1="COMPLETED"), {"1": token("v-1")})

    first, again = last(honest, rules=WALLET), last(honest, honest, rules=WALLET)

    assert first.forward == again.forward == statement
    assert (first.outcome, again.outcome) == (Outcome.WITNESSED, Outcome.DUPLICATE)


def test_what_waits_behind_an_id_used_for_another_goes_nowhere() -> None:
    members = verification(t1="COMPLETED")
    _, honest = updates(members, {"1": token("v-1")})
    _, stolen = updates(members, {"1": token("v-1")}, transaction=OTHER)

    for again in ([stolen], [stolen, stolen]):
        assert last(honest, *again, rules=WALLET).forward is None


def test_statement_behind_two_ids_is_asked_for_one_after_the_other() -> None:
    members = verification(t1="COMPLETED", t2="COMPLETED")
    statement, second, first = updates(members, {"1": token("v-1"), "2": token("v-2")})

    assert last(first, rules=WALLET).forward == second
    assert last(second, rules=WALLET).forward == statement


def test_what_goes_on_is_written_to_the_verified_topic_under_its_own_key() -> None:
    statement, honest = updates(verification(t1="COMPLETED"), {"1": token("v-1")})

    outputs = batch(processor(WALLET), honest)

    (forwarded,) = [one for one in outputs if one.topic == TOPICS.verified]
    assert forwarded.key == statement.key.encode()
    assert forwarded.partition is None
    assert VerifiedUpdate.model_validate_json(forwarded.value or b"") == statement
