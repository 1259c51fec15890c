"""Terms: what was registered for a transaction is what its callbacks must keep to."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.codes import AnomalyCode
from contracts.provider import Standing
from contracts.providers.wallet import PROVIDER
from contracts.update import Statement, VerifiedUpdate
from tests.unit.test_decide import after, notice_of
from tests.updates import NOON_MILLISECONDS, PIVOT, announced, said
from tests.wallet_callbacks import (
    ONE,
    OTHER,
    WALLET,
    issuance,
    registered,
    statement,
    token,
    update_of,
    updates,
    verification,
)
from workers.state_machine.decide import decide
from workers.state_machine.decision import Decision, Outcome, Rules
from workers.state_machine.events import anomaly, status_event
from workers.state_machine.snapshot import NEVER, Snapshot
from workers.state_machine.timers import ring


def called(members: dict[str, Any], **tokens: Any) -> VerifiedUpdate:  # noqa: ANN401 - verified tokens
    """Return the update with what a callback says of its transaction: `t1=` is a token."""
    given = {name.removeprefix("t"): one for name, one in tokens.items()} or None
    return updates(members, given)[0]


def last(*given: VerifiedUpdate) -> Decision:
    *former, update = given
    return decide(after(*former, rules=WALLET), update, WALLET)[-1]


def natives(*given: VerifiedUpdate) -> list[str | None]:
    """Return where the transaction stands after each update."""
    stands = [after(*given[: end + 1], rules=WALLET) for end in range(len(given))]
    return [one.status if one else None for one in stands]


def test_statement_that_keeps_to_the_terms_is_applied() -> None:
    decision = last(registered(1, 2), called(verification(t1="COMPLETED", t2="COMPLETED")))

    assert (decision.outcome, decision.notice) == (Outcome.APPLIED, None)
    assert decision.after is not None
    assert (decision.after.status, decision.after.sequence) == ("VERIFIED", 1)


BREACHES = {
    "another code": (registered(1), called(verification(code="abc124", t1="COMPLETED"))),
    "an unannounced template": (
        registered(1),
        called(verification(t1="COMPLETED", t2="COMPLETED")),
    ),
    "a swapped template": (registered(1), called(verification(t2="COMPLETED"))),
    "an issuance of a verification": (registered(1), called(issuance(1))),
    "a verification of an issuance": (
        registered(1, interaction="issuance"),
        called(verification(t1="COMPLETED")),
    ),
    "a credential not asked for": (registered(1, interaction="issuance"), called(issuance(2))),
    "another code for a credential": (
        registered(1, interaction="issuance"),
        called(issuance(code="abc124")),
    ),
    "another verification": (
        registered(1, verification_ids=["v-1"]),
        called(verification(t1="COMPLETED"), t1=token("v-2")),
    ),
    "one verification of two": (
        registered(1, 2, verification_ids=["v-1", "v-2"]),
        called(
            verification(t1="COMPLETED", t2="COMPLETED"),
            t1=token("v-1"),
            t2=token("v-1", given_name="Ada"),
        ),
    ),
    "terms without a code": (announced(transaction=ONE), called(verification(t1="COMPLETED"))),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_statement_that_breaks_the_terms_moves_nothing_and_is_told(breach: str) -> None:
    expectation, update = BREACHES[breach]

    decision = last(expectation, update)

    assert (decision.outcome, decision.after) == (Outcome.NOTED, None)
    assert notice_of(decision) is AnomalyCode.TERMS_BROKEN


def test_breach_names_the_rule_and_no_value() -> None:
    decision = last(registered(1), called(verification(code="zz9-secret", t1="COMPLETED")))

    assert decision.notice is not None
    published = anomaly(decision, decision.notice, PROVIDER.lifecycle).model_dump_json()
    assert decision.notice.detail == "code: not what was registered"
    assert "zz9-secret" not in published


def test_honest_callback_after_a_breach_is_taken() -> None:
    wrong = called(verification(code="abc124", t1="COMPLETED"))
    right = called(verification(t1="COMPLETED"))

    assert natives(registered(1), wrong, right) == [None, None, "VERIFIED"]


def test_code_of_another_transaction_is_a_breach_even_if_it_is_the_same_text() -> None:
    """A digest made under another path was never made for this transaction."""
    foreign = statement(verification(t1="COMPLETED"), transaction=OTHER)
    moved = update_of(foreign.model_copy(update={"transaction_id": ONE}))

    assert notice_of(last(registered(1), moved)) is AnomalyCode.TERMS_BROKEN


def test_template_that_is_not_answered_fails_the_whole_and_nothing_of_any_is_told() -> None:
    decision = last(registered(1, 2), called(verification(t1="COMPLETED")))

    assert decision.outcome is Outcome.APPLIED
    assert decision.after is not None
    assert decision.after.status == "FAILED"
    what = decision.update.what
    assert isinstance(what, Statement)
    event = status_event(decision, what, decision.after, PROVIDER.lifecycle)
    assert (event.native_status, event.status, event.final) == ("FAILED", "failed", True)
    assert event.reason is not None
    assert event.reason.code == "template_missing"
    assert event.references == {"1.outcome": "completed", "2.outcome": "missing"}


@pytest.mark.parametrize(
    "members", [verification(t1="COMPLETED", t2="FAILED"), verification(t1="COMPLETED")]
)
def test_failed_or_missing_template_needs_no_registered_verification(
    members: dict[str, Any],
) -> None:
    expectation = registered(1, 2, verification_ids=["v-1", "v-2"])
    update = called(members, t1=token("v-1"))

    assert natives(expectation, update)[-1] == "FAILED"


@pytest.mark.parametrize(
    "members", [verification(t1="COMPLETED"), verification(t1="COMPLETED", t2="FAILED")]
)
def test_same_callback_again_is_a_duplicate(members: dict[str, Any]) -> None:
    decision = last(registered(1, 2), *[called(members, t1=token())] * 3)

    assert (decision.outcome, decision.after, decision.notice) == (Outcome.DUPLICATE, None, None)


def test_second_verification_with_another_token_is_a_conflict_and_the_first_stands() -> None:
    members = verification(t1="COMPLETED")

    decision = last(
        registered(1), called(members, t1=token("v-1")), called(members, t1=token("v-2"))
    )

    assert (decision.outcome, notice_of(decision)) == (Outcome.CONFLICT, AnomalyCode.CONFLICT)


@pytest.mark.parametrize(("first", "then"), [("COMPLETED", "FAILED"), ("FAILED", "COMPLETED")])
def test_unsigned_status_is_not_flipped(first: str, then: str) -> None:
    decision = last(registered(1), called(verification(t1=first)), called(verification(t1=then)))

    assert (decision.outcome, notice_of(decision)) == (Outcome.CONFLICT, AnomalyCode.CONFLICT)


def test_parked_callbacks_are_kept_to_the_terms_when_they_are_released() -> None:
    wrong = called(verification(code="abc124", t1="COMPLETED"))
    right = called(verification(t1="COMPLETED"))
    parked = after(wrong, right, rules=WALLET)

    decisions = decide(parked, registered(1), WALLET)

    assert [one.outcome for one in decisions] == [
        Outcome.REGISTERED,
        Outcome.NOTED,
        Outcome.APPLIED,
    ]
    assert notice_of(decisions[1]) is AnomalyCode.TERMS_BROKEN
    assert decisions[2].after is not None
    assert decisions[2].after.status == "VERIFIED"


def test_parked_callback_that_breaks_the_terms_leaves_the_transaction_open() -> None:
    parked = after(called(verification(code="abc124", t1="COMPLETED")), rules=WALLET)

    snapshot = after_release(parked, registered(1))

    assert (snapshot.status, snapshot.parked, snapshot.facts) == (None, (), {})
    assert snapshot.expected


def after_release(parked: Snapshot | None, expectation: VerifiedUpdate) -> Snapshot:
    standing = parked
    for decision in decide(parked, expectation, WALLET):
        standing = decision.after or standing
    assert standing is not None
    return standing


def test_callback_after_the_deadline_is_overdue_and_then_taken() -> None:
    deadline = NOON_MILLISECONDS + 1
    snapshot = replace(after(registered(1), rules=WALLET) or Snapshot(), deadline=deadline)

    rung, notices = ring(snapshot, deadline, WALLET)
    (decision,) = decide(rung, called(verification(t1="COMPLETED")), WALLET)

    assert [one.code for one in notices] == [AnomalyCode.OVERDUE]
    assert decision.outcome is Outcome.APPLIED
    assert decision.after is not None
    assert decision.after.alarm == NEVER


def test_anomalies_of_two_breaches_have_two_ids_and_of_one_heard_twice_one() -> None:
    codes = ["abc124", "abc125", "abc124"]
    decisions = [last(registered(1), called(issuance(1, code=code))) for code in codes]

    ids = [anomaly(one, one.notice, PROVIDER.lifecycle).id for one in decisions if one.notice]

    assert ids[0] == ids[2] != ids[1]


def test_facts_that_terms_are_kept_by_are_those_heard_without_contradictions() -> None:
    heard: list[list[str]] = []

    def keep(standing: Standing, said_of: Statement) -> Statement:
        heard.append(sorted(standing.facts))
        return said_of

    rules = Rules(provider=replace(PIVOT, keep=keep))
    paid = [said("PAID", amount="5"), said("PAID", amount="6")]

    after(announced(), said("ACTIVE"), *paid, said("FAILED"), rules=rules)

    assert heard == [[], ["ACTIVE"], ["ACTIVE", "PAID"], ["ACTIVE", "PAID"]]


def test_statements_without_terms_have_the_digest_they_always_had() -> None:
    """The changelogs out there compare with it."""
    snapshot = after(said("PAID", amount="5", reason="R1"))

    assert snapshot is not None
    assert snapshot.facts == {"PAID": "6b06180ec08a36d7"}
