"""Settling: elements of a timeline are decided in the order of what happened, not of what came."""

from itertools import permutations

import pytest

from contracts.update import Statement, VerifiedUpdate
from tests.unit.test_decide import after
from tests.updates import NOON_MILLISECONDS, PIVOT, announced, said
from workers.state_machine.decide import decide, release
from workers.state_machine.decision import Decision, Outcome, Rules
from workers.state_machine.settle import HELD_UPDATES_MAX
from workers.state_machine.snapshot import NEVER, Snapshot

RULES = Rules(provider=PIVOT, settle_milliseconds=30_000)
ORDER = ("ACTIVE", "PROCESSING", "PAID")


def element(native: str, happened: str = "", *, seconds: float = 0) -> VerifiedUpdate:
    update = said(native, seconds=seconds)
    assert isinstance(update.what, Statement)
    key = happened or f"2026-11-02T11:5{ORDER.index(native)}:00Z"
    return update.model_copy(update={"what": update.what.model_copy(update={"sort_key": key})})


def held(*updates: VerifiedUpdate) -> Snapshot:
    snapshot = after(announced(), *updates, rules=RULES)
    assert snapshot is not None
    return snapshot


def told(decisions: tuple[Decision, ...]) -> list[tuple[str, Outcome]]:
    return [
        (one.update.what.native_status, one.outcome)
        for one in decisions
        if isinstance(one.update.what, Statement)
    ]


def test_element_is_held_and_decided_when_its_time_is_over() -> None:
    snapshot = held(element("PAID"))

    assert snapshot.status is None
    assert snapshot.alarm == NOON_MILLISECONDS + 30_000
    assert release(snapshot, NOON_MILLISECONDS + 29_999, RULES) == ()
    (decision,) = release(snapshot, NOON_MILLISECONDS + 30_000, RULES)
    assert decision.outcome is Outcome.APPLIED
    assert decision.after is not None
    assert (decision.after.status, decision.after.held) == ("PAID", ())
    assert decision.after.alarm == NEVER


@pytest.mark.parametrize("arrival", list(permutations(ORDER)))
def test_whatever_order_they_come_in_they_are_decided_as_they_happened(
    arrival: tuple[str, ...],
) -> None:
    snapshot = held(*(element(one, seconds=number) for number, one in enumerate(arrival)))

    decisions = release(snapshot, NOON_MILLISECONDS + 60_000, RULES)

    assert told(decisions) == [(one, Outcome.APPLIED) for one in ORDER]


def test_element_whose_time_is_over_takes_along_what_happened_before_it() -> None:
    snapshot = held(element("PROCESSING"), element("ACTIVE", seconds=20), element("PAID"))

    decisions = release(snapshot, NOON_MILLISECONDS + 30_000, RULES)

    assert [native for native, _ in told(decisions)] == ["ACTIVE", "PROCESSING", "PAID"]


def test_element_that_happened_later_stays_until_its_own_time() -> None:
    snapshot = held(element("ACTIVE"), element("PAID", seconds=20))

    *_, last = release(snapshot, NOON_MILLISECONDS + 30_000, RULES)

    assert last.after is not None
    assert (last.after.status, len(last.after.held)) == ("ACTIVE", 1)
    assert last.after.alarm == NOON_MILLISECONDS + 50_000


def test_record_of_a_later_time_releases_nothing() -> None:
    """It came by another partition than one that happened before, and is not verified yet."""
    snapshot = held(element("PROCESSING"))

    decisions = decide(snapshot, element("PAID", seconds=600), RULES)
    snapshot = decisions[-1].after or snapshot
    decisions = decide(snapshot, element("ACTIVE", seconds=1), RULES)
    settling = release(decisions[-1].after or snapshot, NOON_MILLISECONDS + 630_000, RULES)

    assert told(settling) == [(one, Outcome.APPLIED) for one in ORDER]


def test_element_that_comes_again_while_it_is_held_is_a_duplicate() -> None:
    decisions = decide(held(element("ACTIVE")), element("ACTIVE", seconds=5), RULES)

    assert told(decisions) == [("ACTIVE", Outcome.DUPLICATE)]


def test_released_duplicate_is_held_no_longer() -> None:
    """What moves nothing must still be written, or its alarm would ring for ever."""
    first = held(element("ACTIVE"))
    (applied,) = release(first, NOON_MILLISECONDS + 30_000, RULES)
    (again,) = decide(applied.after, element("ACTIVE", seconds=40), RULES)

    (duplicate,) = release(again.after or Snapshot(), NOON_MILLISECONDS + 70_000, RULES)

    assert duplicate.outcome is Outcome.DUPLICATE
    assert duplicate.after is not None
    assert (duplicate.after.held, duplicate.after.alarm) == ((), NEVER)


def test_held_elements_are_bounded() -> None:
    times = [f"2026-11-02T11:{number:03}" for number in range(HELD_UPDATES_MAX + 1)]
    snapshot = held(*(element("ACTIVE", one) for one in times))

    (decision,) = release(snapshot, 0, RULES)

    assert decision.outcome is Outcome.APPLIED
    assert decision.after is not None
    assert len(decision.after.held) == HELD_UPDATES_MAX


def test_statement_without_a_sort_key_is_decided_at_once() -> None:
    assert held(said("PAID")).status == "PAID"


def test_early_element_waits_for_its_expectation_and_then_settles() -> None:
    rules = Rules(
        provider=PIVOT,
        registration_required=True,
        early_milliseconds=60_000,
        settle_milliseconds=30_000,
    )

    snapshot = after(element("PAID"), announced(seconds=10), rules=rules)

    assert snapshot is not None
    assert (snapshot.status, len(snapshot.held), snapshot.parked) == (None, 1, ())
