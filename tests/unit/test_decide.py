"""One decision for each update: every outcome, and which of two that hold comes first."""

import pytest

from contracts.codes import AnomalyCode
from contracts.raw import Source
from contracts.update import Statement, VerifiedUpdate
from tests.updates import NOON_MILLISECONDS, PIVOT, RULES, UAEPASS, said
from workers.state_machine.decide import decide
from workers.state_machine.decision import Decision, Outcome, Rules
from workers.state_machine.digests import statement_digest
from workers.state_machine.snapshot import Snapshot

DAY = 86_400_000


def after(*updates: VerifiedUpdate, rules: Rules = RULES) -> Snapshot | None:
    """Return the snapshot that `updates` lead to, one after the other."""
    snapshot = None
    for update in updates:
        for decision in decide(snapshot, update, rules):
            snapshot = decision.after or snapshot
    return snapshot


def last(*updates: VerifiedUpdate, rules: Rules = RULES) -> Decision:
    """Return the decision about the last of `updates`."""
    *former, update = updates
    (decision,) = decide(after(*former, rules=rules), update, rules)
    return decision


def notice_of(decision: Decision) -> AnomalyCode | None:
    return decision.notice.code if decision.notice else None


def test_first_statement_is_applied() -> None:
    decision = last(said("PROCESSING"))

    assert decision.outcome is Outcome.APPLIED
    assert decision.notice is None
    assert decision.after is not None
    assert (decision.after.status, decision.after.sequence) == ("PROCESSING", 1)


def test_next_statement_is_applied_and_counted() -> None:
    snapshot = after(said("PROCESSING"), said("PAID"))

    assert snapshot is not None
    assert (snapshot.status, snapshot.sequence) == ("PAID", 2)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_same_fact_again_is_a_duplicate_and_leaves_no_trace(times: int) -> None:
    decision = last(said("PAID", amount="5"), *[said("PAID", amount="5")] * times)

    assert (decision.outcome, decision.after, decision.notice) == (Outcome.DUPLICATE, None, None)


def test_applied_fact_is_a_duplicate_after_others_too() -> None:
    decision = last(said("PROCESSING"), said("PAID"), said("PROCESSING"))

    assert decision.outcome is Outcome.DUPLICATE


def test_same_fact_with_another_amount_is_a_conflict_and_the_first_stands() -> None:
    decision = last(said("PAID", amount="5"), said("PAID", amount="6"))

    assert decision.outcome is Outcome.CONFLICT
    assert notice_of(decision) is AnomalyCode.CONFLICT
    assert decision.after is not None
    assert (decision.after.status, decision.after.sequence) == ("PAID", 1)


def test_same_fact_with_the_same_amount_written_otherwise_is_a_duplicate() -> None:
    """Pivot writes one amount as 10001, "10001" and "10001.00"."""
    decision = last(said("PAID", amount="10001"), said("PAID", amount="10001.00"))

    assert decision.outcome is Outcome.DUPLICATE


@pytest.mark.parametrize("amount", ["10001.01", "100010", "1000", "0"])
def test_same_fact_with_nearly_the_same_amount_is_a_conflict(amount: str) -> None:
    decision = last(said("PAID", amount="10001"), said("PAID", amount=amount))

    assert decision.outcome is Outcome.CONFLICT


def test_contradiction_heard_before_is_a_duplicate() -> None:
    decision = last(said("PAID", amount="5"), said("PAID", amount="6"), said("PAID", amount="6"))

    assert (decision.outcome, decision.notice) == (Outcome.DUPLICATE, None)


def test_contradictions_without_end_do_not_make_a_snapshot_grow_without_end() -> None:
    many = [said("PAID", amount=str(amount)) for amount in range(1, 500)]

    snapshot = after(*many)
    decision = last(*many)

    assert snapshot is not None
    assert len(snapshot.encode()) < 2_000
    assert decision.outcome is Outcome.CONFLICT
    assert decision.after is None


def test_first_content_is_a_duplicate_after_contradictions_without_end() -> None:
    many = [said("PAID", amount=str(amount)) for amount in range(1, 500)]

    decision = last(*many, said("PAID", amount="1"))

    assert decision.outcome is Outcome.DUPLICATE


def test_older_news_is_stale_and_remembered() -> None:
    decision = last(said("PAID"), said("PROCESSING"))

    assert (decision.outcome, decision.notice) == (Outcome.STALE, None)
    assert decision.after is not None
    assert (decision.after.status, decision.after.sequence) == ("PAID", 1)
    assert set(decision.after.facts) == {"PAID", "PROCESSING"}


@pytest.mark.parametrize("former", ["CANCELLED", "EXPIRED", "FAILED"])
def test_money_in_after_the_end_is_applied_and_a_person_is_told(former: str) -> None:
    decision = last(said(former), said("PAID"))

    assert decision.outcome is Outcome.APPLIED
    assert notice_of(decision) is AnomalyCode.LATE
    assert decision.notice is not None
    assert decision.notice.detail == f"replaced {former}"
    assert decision.after is not None
    assert (decision.after.status, decision.after.sequence) == ("PAID", 2)


@pytest.mark.parametrize("later", ["CANCELLED", "EXPIRED", "FAILED"])
def test_nothing_takes_money_in_back(later: str) -> None:
    decision = last(said("PAID"), said(later))

    assert decision.outcome is Outcome.CONFLICT
    assert decision.notice is not None
    assert decision.notice.detail == "PAID stands"
    assert decision.after is not None
    assert decision.after.status == "PAID"


@pytest.mark.parametrize(("one", "other"), [("ACCEPTED", "REJECTED"), ("REJECTED", "ACCEPTED")])
def test_a_citizens_answer_is_never_overwritten(one: str, other: str) -> None:
    decision = last(said(one), said(other), rules=Rules(provider=UAEPASS))

    assert decision.outcome is Outcome.CONFLICT
    assert decision.after is not None
    assert decision.after.status == one


def test_unknown_status_moves_nothing_and_is_noted() -> None:
    decision = last(said("PAID"), said("REFUND.SUCCESS"))

    assert (decision.outcome, decision.after) == (Outcome.NOTED, None)
    assert notice_of(decision) is AnomalyCode.UNKNOWN_STATUS


def test_probe_concerns_no_transaction() -> None:
    decision = last(said("PAYMENT.TEST"))

    assert (decision.outcome, decision.after) == (Outcome.NOTED, None)
    assert notice_of(decision) is AnomalyCode.PROBE


@pytest.mark.parametrize("native", ["EXPIRED", "INIT_FAILED", "TRIGGERED"])
def test_status_documented_for_polls_is_unknown_in_a_callback(native: str) -> None:
    decision = last(said(native), rules=Rules(provider=UAEPASS))

    assert notice_of(decision) is AnomalyCode.UNKNOWN_STATUS


@pytest.mark.parametrize("native", ["EXPIRED", "INIT_FAILED", "TRIGGERED", "ACCEPTED"])
def test_poll_may_say_every_status(native: str) -> None:
    decision = last(said(native, source=Source.POLL), rules=Rules(provider=UAEPASS))

    assert (decision.outcome, decision.notice) == (Outcome.APPLIED, None)


def test_unknown_status_comes_before_an_unregistered_transaction() -> None:
    rules = Rules(provider=PIVOT, registration_required=True)

    decision = last(said("REFUND.SUCCESS"), rules=rules)

    assert notice_of(decision) is AnomalyCode.UNKNOWN_STATUS


def test_same_status_under_another_fact_moves_nothing() -> None:
    second = said("PAID")
    again = second.model_copy(update={"what": second.what.model_copy(update={"fact": "PAID/2"})})

    decision = last(said("PAID"), again)

    assert decision.outcome is Outcome.DUPLICATE
    assert decision.after is not None
    assert decision.after.sequence == 1


def test_open_transaction_is_kept_longer_than_a_final_one() -> None:
    opened, final = after(said("PROCESSING")), after(said("PAID"))

    assert opened is not None
    assert final is not None
    assert opened.expiry == NOON_MILLISECONDS + 400 * DAY
    assert final.expiry == NOON_MILLISECONDS + 90 * DAY


def test_digest_tells_status_amount_and_reason_apart_and_nothing_else() -> None:
    updates = (
        said("PAID", amount="5", reason="R1"),
        said("PAID", amount="5", reason="R2"),
        said("PAID", amount="6", reason="R1"),
        said("FAILED", amount="5", reason="R1"),
        said("PAID", amount="5", reason="R1", transaction="t2", seconds=9),
    )

    digests = [
        statement_digest(update.what) for update in updates if isinstance(update.what, Statement)
    ]

    assert len(set(digests)) == 4
    assert digests[0] == digests[4]
