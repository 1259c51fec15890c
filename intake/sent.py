"""Show a notification that was accepted: GET /delivery/v2.9/notifications/sent/{iun}.

https://github.com/pagopa/pn-delivery (FullSentNotificationV29). What it is made of: the request as
it was sent, and the status events of its transaction. An element's `details` are left out: they are
the delivery system's, and mostly personal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from contracts.instants import instant
from contracts.send.iun import is_iun
from contracts.send.timeline import Native
from intake.call import Call
from intake.lookup import Found, Lookup
from intake.problems import bad_parameter, json_answer, not_found

# Of our table, those that TimelineElementCategoryV28 does not have.
_UNPUBLISHED: Final = frozenset(
    {
        "ANALOG_FAILURE_WORKFLOW_TIMEOUT",
        "GENERATED_F24",
        "GENERATE_F24_REQUEST",
        "NOTIFICATION_CANCELLED_DOCUMENT_CREATION_REQUEST",
        "SEND_ANALOG_TIMEOUT",
        "SEND_ANALOG_TIMEOUT_CREATION_REQUEST",
        "VALIDATED_F24",
        "VALIDATE_F24_REQUEST",
    }
)
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SentNotification:
    """The handler of a notification's detail; files of an endpoint are `retained` for so long."""

    lookup: Lookup
    retained: Mapping[str, timedelta]

    async def handle(self, call: Call) -> web.StreamResponse:
        """Return all that there is to see of one notification.

        Raises:
            Problem: 400, 404.
            Unavailable: the database is away.
        """
        found = await accepted(self.lookup, call)
        events = await self.lookup.events(found)
        sent_at = instant(found.received_at)
        history = list(_history(events, sent_at))
        if not events and found.updated_at is not None:
            # Events are kept for less long than requests; where the notification stands stays.
            history.append(_step(found.native_status, instant(found.updated_at)))
        available = call.at < found.received_at + self.retained[found.endpoint]
        return json_answer(
            {
                **found.members(),
                "senderPaId": found.body,
                "iun": found.iun,
                "sentAt": sent_at,
                "documentsAvailable": available,
                "notificationStatus": history[-1]["status"],
                "notificationStatusHistory": history,
                "timeline": list(_timeline(events, sent_at)),
            }
        )


async def accepted(lookup: Lookup, call: Call) -> Found:
    """Return the notification of the IUN in the path, if it is the caller's and is still kept.

    Raises:
        Problem: 400, 404.
        Unavailable: the database is away.
    """
    iun = call.variables[0]
    if not is_iun(iun):
        raise bad_parameter("iun", "not an IUN")
    found = await lookup.by_iun(call.caller, iun)
    if found is None or found.content is None:
        raise not_found()
    return found


def _history(events: Sequence[Event], sent_at: str) -> Iterator[dict[str, Any]]:
    """Yield each status once for each time it began, with the elements that fell into it."""
    step = _step(Native.IN_VALIDATION.value, sent_at)
    for event in events:
        if event["native_status"] != step["status"]:
            yield step
            step = _step(event["native_status"], _moment(event))
        if "element_id" in event["references"]:
            step["relatedTimelineElements"].append(event["references"]["element_id"])
    yield step


def _step(status: str | None, active_from: str) -> dict[str, Any]:
    return {"status": status, "activeFrom": active_from, "relatedTimelineElements": []}


def _timeline(events: Sequence[Event], sent_at: str) -> Iterator[dict[str, Any]]:
    for event in events:
        category = event["references"].get("element")
        if category is not None and category not in _UNPUBLISHED:
            yield {
                "elementId": event["references"]["element_id"],
                "timestamp": _moment(event),
                "eventTimestamp": _moment(event),
                "ingestionTimestamp": event["received_at"],
                "notificationSentAt": sent_at,
                "category": category,
            }


def _moment(event: Event) -> str:
    """Return when an element happened, in UTC: SEND's own are."""
    return instant(datetime.fromisoformat(event["occurred_at"] or event["received_at"]))
