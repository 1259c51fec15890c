"""Which stream gets which event: the rules of SEND's sheet, and ours, one by one."""

from typing import Any
from uuid import UUID

import pytest

from contracts.lifecycle import Status
from contracts.status import StatusEvent
from streams.deliver import Stream, deliver, fold
from streams.event import Event, read_event
from tests.status_events import element_event, status_event, value_of

NOBODY = UUID("00000000-0000-4000-8000-000000000000")


def stream(**more: Any) -> Stream:  # noqa: ANN401 - any member of a stream
    members: dict[str, Any] = {
        "id": NOBODY,
        "event_type": "TIMELINE",
        "endpoints": frozenset({"send", "pivot-id"}),
        "sender": "comune-a",
        "groups": frozenset(),
        "filters": frozenset(),
        "wait_for_accepted": False,
    }
    return Stream(**{**members, **more})


def read(event: StatusEvent, *, offset: int = 0) -> Event:
    found = read_event(value_of(event), source=1, offset=offset)
    assert found is not None
    return found


ACCEPTED = read(element_event("REQUEST_ACCEPTED", "ACCEPTED"))
PAID = read(status_event())


@pytest.mark.parametrize(
    ("settings", "taken"),
    [
        ({}, True),
        ({"endpoints": frozenset({"pivot-id"})}, False),
        ({"sender": "comune-b"}, False),
        ({"groups": frozenset({"tributi"})}, False),
        ({"filters": frozenset({"REQUEST_ACCEPTED"})}, True),
        ({"filters": frozenset({"DEFAULT"})}, True),
        ({"filters": frozenset({"REFINEMENT"})}, False),
        # A status chooses among statuses only.
        ({"filters": frozenset({"ACCEPTED"})}, False),
        ({"filters": frozenset({"ACCEPTED"}), "event_type": "STATUS"}, True),
        # A consumer sees the whole endpoint, by our own statuses.
        ({"sender": None}, True),
        ({"sender": None, "filters": frozenset({"accepted"})}, True),
        ({"sender": None, "filters": frozenset({"completed"})}, False),
    ],
)
def test_a_stream_takes_what_it_was_made_for(settings: dict[str, Any], *, taken: bool) -> None:
    assert stream(**settings).takes(ACCEPTED, changed=True) is taken


def test_a_body_never_gets_an_event_without_sender() -> None:
    assert not stream().takes(PAID, changed=True)
    assert deliver([stream()], fold([PAID], known=(), before={}).deliveries) == {}


def test_a_status_stream_takes_only_changes() -> None:
    assert not stream(event_type="STATUS").takes(ACCEPTED, changed=False)


def test_changes_are_those_of_the_native_status() -> None:
    events = [
        read(status_event("tx", status=Status.PENDING, native_status=native, sequence=n))
        for n, native in enumerate(("A", "A", "B"), 1)
    ]

    folded = fold(events, known=(), before={})
    again = fold(events[:1], known=(), before={("pivot-id", "tx"): "A"})

    assert [one.changed for one in folded.deliveries] == [True, False, True]
    assert [one.changed for one in again.deliveries] == [False]
    assert folded.last == {("pivot-id", "tx"): events[2]}


def test_an_event_comes_once_however_often_it_was_published() -> None:
    assert fold([PAID, PAID], known=(), before={}).deliveries[1:] == []
    assert fold([PAID], known=[PAID.id], before={}).deliveries == []


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff", b'{"id":"x"}'])
def test_what_is_no_status_event_is_none(value: bytes) -> None:
    assert read_event(value, source=1, offset=0) is None


def test_members_to_come_are_no_fault() -> None:
    value = value_of(status_event())[:-1] + b',"new_member":{"a":[1]}}'

    found = read_event(value, source=1, offset=0)

    assert found is not None
    assert found.text == value.decode()


def test_a_nul_of_a_provider_does_not_reach_postgresql() -> None:
    value = value_of(status_event(references={"a": "x"})).replace(b'"x"', b'"\\u0000"')

    found = read_event(value, source=1, offset=0)

    assert found is not None
    assert "\\u0000" in found.text
    assert "\\u0000" not in found.searchable
