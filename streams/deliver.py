"""Decide which stream gets which event, and in which order. Pure.

A STATUS stream gets the events by which the native status changed; a TIMELINE stream gets all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from streams.event import Event

# https://github.com/pagopa/pn-stream (application.properties): what `DEFAULT` stands for.
DEFAULT: Final = "DEFAULT"
DEFAULT_CATEGORIES: Final = frozenset(
    [
        "REQUEST_REFUSED",
        "REQUEST_ACCEPTED",
        "SEND_DIGITAL_DOMICILE",
        "SEND_DIGITAL_FEEDBACK",
        "DIGITAL_SUCCESS_WORKFLOW",
        "DIGITAL_FAILURE_WORKFLOW",
        "SEND_SIMPLE_REGISTERED_LETTER",
        "SEND_SIMPLE_REGISTERED_LETTER_PROGRESS",
        "SEND_ANALOG_DOMICILE",
        "SEND_ANALOG_PROGRESS",
        "SEND_ANALOG_FEEDBACK",
        "ANALOG_SUCCESS_WORKFLOW",
        "ANALOG_FAILURE_WORKFLOW",
        "COMPLETELY_UNREACHABLE",
        "REFINEMENT",
        "NOTIFICATION_VIEWED",
        "NOTIFICATION_CANCELLED",
        "NOTIFICATION_RADD_RETRIEVED",
        "ANALOG_WORKFLOW_RECIPIENT_DECEASED",
    ]
)
_IN_VALIDATION: Final = "IN_VALIDATION"

Transaction = tuple[str, str]  # endpoint, transaction id


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What decides about a stream's events; `sender` is the public body that owns it, if one does.

    `filters` are SEND's categories and statuses where there is a sender, else our own statuses.
    """

    id: UUID
    event_type: str
    endpoints: frozenset[str]
    sender: str | None
    groups: frozenset[str]
    filters: frozenset[str]
    wait_for_accepted: bool

    def takes(self, event: Event, *, changed: bool) -> bool:
        """Tell whether the stream gets `event`; `changed`: the native status did."""
        if event.endpoint not in self.endpoints or (self.event_type == "STATUS" and not changed):
            return False
        if self.sender is None:
            return not self.filters or event.status in self.filters
        references = event.references
        if references.get("sender") != self.sender:
            return False
        if self.groups and references.get("group") not in self.groups:
            return False
        # Its first status is to be ACCEPTED or REFUSED; elements come in that order anyhow.
        waits = self.wait_for_accepted and self.event_type == "STATUS"
        if waits and event.native_status == _IN_VALIDATION:
            return False
        return self._filtered(references.get("element", ""), event.native_status)

    def _filtered(self, category: str, status: str) -> bool:
        filters = self.filters
        if not filters or category in filters:
            return True
        by_status = self.event_type == "STATUS" and status in filters
        return by_status or (DEFAULT in filters and category in DEFAULT_CATEGORIES)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event for a stream, and whether it changed the native status."""

    event: Event
    changed: bool


@dataclass(frozen=True, slots=True)
class Folded:
    """What a batch comes to: each event once, and the last one of each transaction."""

    deliveries: Sequence[Delivery]
    last: Mapping[Transaction, Event]


def fold(
    events: Iterable[Event], *, known: Iterable[UUID], before: Mapping[Transaction, str]
) -> Folded:
    """Return `events` without those `known`; `before` are the native statuses they come upon."""
    seen, natives = set(known), dict(before)
    deliveries: list[Delivery] = []
    last: dict[Transaction, Event] = {}
    for event in events:
        if event.id in seen:
            continue
        seen.add(event.id)
        changed = natives.get(event.transaction) != event.native_status
        natives[event.transaction] = event.native_status
        deliveries.append(Delivery(event, changed))
        last[event.transaction] = event
    return Folded(deliveries, last)


def deliver(
    streams: Iterable[Stream], deliveries: Iterable[Delivery]
) -> dict[UUID, list[Delivery]]:
    """Return what each stream gets, in order; streams that get nothing are left out."""
    by_owner: defaultdict[tuple[str, str | None], list[Stream]] = defaultdict(list)
    for stream in streams:
        for endpoint in stream.endpoints:
            by_owner[endpoint, stream.sender].append(stream)
    found: defaultdict[UUID, list[Delivery]] = defaultdict(list)
    for one in deliveries:
        event = one.event
        candidates = by_owner.get((event.endpoint, None), [])
        sender = event.references.get("sender")
        if sender is not None:
            candidates = candidates + by_owner.get((event.endpoint, sender), [])
        for stream in candidates:
            if stream.takes(event, changed=one.changed):
                found[stream.id].append(one)
    return dict(found)
