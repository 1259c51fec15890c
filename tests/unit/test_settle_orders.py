"""Settling, whatever the order of arrival: any delays within the window lead to the same events."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.instants import epoch_milliseconds
from contracts.providers.send import PROVIDER
from contracts.send.elements import read_told, statement_of
from contracts.update import Expectation, Statement, VerifiedUpdate
from tests.send.requests import IUN, REQUEST_ID, element
from tests.updates import NOON_MILLISECONDS, at, said
from workers.state_machine.decide import decide, release
from workers.state_machine.decision import Decision, Outcome, Rules
from workers.state_machine.snapshot import NEVER, Snapshot, decode_snapshot
from workers.state_machine.timers import ring

SETTLE: Final = 60_000
RULES: Final = Rules(provider=PROVIDER, early_milliseconds=300_000, settle_milliseconds=SETTLE)
# Two pairs happen in one instant; a step that comes out of turn would have no place.
STORY: Final = (
    ("AAR_GENERATION", 0),
    ("SEND_DIGITAL_DOMICILE", 0),
    ("SEND_DIGITAL_FEEDBACK", 1),
    ("DIGITAL_DELIVERY_CREATION_REQUEST", 2),
    ("REFINEMENT", 3),
    ("NOTIFICATION_VIEWED_CREATION_REQUEST", 4),
    ("NOTIFICATION_VIEWED", 4),
)
STATUSES: Final = (
    *("ACCEPTED", "ACCEPTED", "DELIVERING", "DELIVERING"),
    *("DELIVERED", "EFFECTIVE_DATE", "EFFECTIVE_DATE", "VIEWED"),
)


def update(what: Expectation | Statement, *, seconds: float) -> VerifiedUpdate:
    changes = {"what": what, "received_at": at(seconds), "endpoint": "send-it"}
    return said("PAID").model_copy(update=changes)


def request() -> VerifiedUpdate:
    accepted = Statement(
        transaction_id=REQUEST_ID, native_status="ACCEPTED", fact="REQUEST_ACCEPTED"
    )
    announced = Expectation(
        transaction_id=REQUEST_ID,
        terms={"recipients": "1"},
        assigned={"iun": IUN},
        then=accepted,
    )
    return update(announced, seconds=0)


def told(category: str, second: int, *, seconds: float) -> VerifiedUpdate:
    members = element(category)
    members["element"]["timestamp"] = f"2026-11-02T10:00:0{second}Z"
    (one,) = read_told(members)
    return update(statement_of(one), seconds=seconds)


def played(
    arrivals: list[VerifiedUpdate], *, clock: bool, rules: Rules = RULES
) -> tuple[list[Decision], Snapshot]:
    """Return all decisions; with a `clock` every alarm rings before the next record is read.

    The process dies after every record: the next one knows what the changelog holds.
    """
    snapshot = Snapshot()
    decisions: list[Decision] = []

    def take(more: tuple[Decision, ...]) -> None:
        nonlocal snapshot
        decisions.extend(more)
        for one in more:
            snapshot = one.after or snapshot

    def alarms(until: int) -> None:
        nonlocal snapshot
        while snapshot.alarm <= until and snapshot.alarm != NEVER:
            now = snapshot.alarm
            take(release(snapshot, now, rules))
            snapshot, _ = ring(snapshot, now, rules)

    for one in arrivals:
        if clock:
            alarms(epoch_milliseconds(one.received_at) - 1)
        take(decide(snapshot, one, rules))
        snapshot = decode_snapshot(snapshot.encode())
    alarms(NOON_MILLISECONDS + 3_600_000)
    return decisions, snapshot


@given(
    delays=st.lists(st.floats(0, 59), min_size=len(STORY), max_size=len(STORY)),
    again=st.lists(st.integers(0, len(STORY) - 1), max_size=4),
    clock=st.booleans(),
)
def test_any_delays_within_the_window_lead_to_the_same_events(
    delays: list[float], again: list[int], *, clock: bool
) -> None:
    heard = [(delay, number) for number, delay in enumerate(delays)]
    heard += [(59 - delays[number], number) for number in again]
    elements = [told(*STORY[number], seconds=1 + delay) for delay, number in sorted(heard)]

    decisions, last = played([request(), *elements], clock=clock)

    applied = [one for one in decisions if one.outcome is Outcome.APPLIED]
    assert [one.after.status for one in applied if one.after] == list(STATUSES)
    assert [one.notice for one in decisions if one.notice] == []
    assert (last.status, last.sequence, last.held, last.alarm) == ("VIEWED", 8, (), NEVER)


@given(order=st.permutations(range(len(STORY))), early=st.integers(1, 8), clock=st.booleans())
def test_elements_before_their_request_are_parked_and_then_settle(
    order: list[int], early: int, *, clock: bool
) -> None:
    elements = [
        told(*STORY[number], seconds=-7 + place + (7 if place >= early else 0))
        for place, number in enumerate(order)
    ]
    arrivals = [*elements[:early], request(), *elements[early:]]

    decisions, last = played(arrivals, clock=clock)

    applied = [one for one in decisions if one.outcome is Outcome.APPLIED]
    assert [one.after.status for one in applied if one.after] == list(STATUSES)
    assert [one.notice for one in decisions if one.notice] == []
    assert (last.parked, last.held) == ((), ())


@pytest.mark.parametrize("settle_milliseconds", [0, 1, SETTLE])
def test_elements_parked_before_their_request_follow_its_acceptance(
    settle_milliseconds: int,
) -> None:
    """Whether nothing settles, or their time is long over: nothing comes before ACCEPTED."""
    rules = replace(RULES, settle_milliseconds=settle_milliseconds)
    elements = [told(*one, seconds=-200 + place) for place, one in enumerate(STORY)]

    decisions, last = played([*elements, request()], clock=True, rules=rules)

    applied = [one for one in decisions if one.outcome is Outcome.APPLIED]
    assert [one.after.status for one in applied if one.after] == list(STATUSES)
    assert [one.notice for one in decisions if one.notice] == []
    assert (last.parked, last.held) == ((), ())
