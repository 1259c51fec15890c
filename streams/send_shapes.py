"""Read and write the bodies of SEND's stream API, version 2.8. Pure.

https://github.com/pagopa/pn-stream (pn-stream-api-external.yaml): StreamCreationRequestV28,
StreamMetadataResponseV28, ProgressResponseElementV28.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationError

from contracts.errors import Rejected
from contracts.instants import instant
from contracts.json_object import read_json
from contracts.payload import Payload
from contracts.send.refusals import recipient_index
from streams.refused import INVALID, Fault, Refused
from streams.registry import Entry, Kept, Settings

VERSION: Final = "v28"
EVENT_ID_DIGITS: Final = 38
_EVENT_ID: Final = re.compile(r"0[0-9]{37}")
_ITEMS_MAX: Final = 200  # categories and statuses together are 57
_WITHOUT_IUN: Final = frozenset({"IN_VALIDATION", "REFUSED"})
# A number beyond what the counter can reach is in the future all the same.
_NUMBER_MAX: Final = 2**63 - 1

Title = Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\n\r\x00]*$")]
FilterValue = Annotated[str, StringConstraints(min_length=4, max_length=256, pattern=r"^[A-Z_]+$")]
Group = Annotated[str, StringConstraints(max_length=1_024, pattern=r"^[^\x00]*$")]


class StreamRequest(Payload):
    """A stream as its reader wants it; `replaced_stream_id` only when it is made."""

    title: Title
    event_type: Literal["STATUS", "TIMELINE"] = Field(alias="eventType")
    groups: tuple[Group, ...] = Field(max_length=_ITEMS_MAX, strict=False)
    filter_values: tuple[FilterValue, ...] = Field(
        (), alias="filterValues", max_length=_ITEMS_MAX, strict=False
    )
    wait_for_accepted: bool | None = Field(None, alias="waitForAccepted")
    replaced_stream_id: UUID | None = Field(None, alias="replacedStreamId", strict=False)

    def settings(self, endpoints: frozenset[str]) -> Settings:
        """Return what is kept of it."""
        return Settings(
            version=VERSION,
            title=self.title,
            event_type=self.event_type,
            endpoints=tuple(sorted(endpoints)),
            groups=self.groups,
            filters=self.filter_values,
            wait_for_accepted=bool(self.wait_for_accepted),
        )


def read_members(body: bytes) -> dict[str, Any]:
    """Return the members of a JSON object; null is like absent.

    Raises:
        Refused: 400.
    """
    try:
        members = read_json(body)
    except Rejected as error:
        raise Refused(400, Fault(INVALID, "body", str(error.code))) from None
    return {name: value for name, value in members.items() if value is not None}


def faults_of(error: ValidationError) -> list[Fault]:
    """Return every rule that is broken, by member; no value is quoted."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return [Fault(INVALID, ".".join(map(str, one["loc"])), one["type"]) for one in found]


def read_request(body: bytes) -> StreamRequest:
    """Return the stream that a body asks for.

    Raises:
        Refused: 400, with every rule that it breaks.
    """
    try:
        return StreamRequest.model_validate(read_members(body))
    except ValidationError as error:
        raise Refused(400, *faults_of(error)) from None


def read_event_id(text: str | None) -> int | None:
    """Return the number in an eventId.

    Raises:
        Refused: 400.
    """
    if text is None:
        return None
    if not _EVENT_ID.fullmatch(text):
        raise Refused(400, Fault(INVALID, "lastEventId", f"{EVENT_ID_DIGITS} digits from 0"))
    return min(int(text), _NUMBER_MAX)


def metadata(stream: Kept) -> dict[str, Any]:
    """Return StreamMetadataResponseV28."""
    told: dict[str, Any] = {
        "streamId": str(stream.id),
        "title": stream.title,
        "eventType": stream.event_type,
        "groups": list(stream.groups),
        "filterValues": list(stream.filters),
        "waitForAccepted": stream.wait_for_accepted,
        "activationDate": instant(stream.activated_at),
        "version": stream.version,
    }
    if stream.disabled_at is not None:
        told["disabledDate"] = instant(stream.disabled_at)
    return told


def progress(entry: Entry) -> dict[str, Any]:
    """Return ProgressResponseElementV28; `newStatus` where the element changed the status."""
    event = json.loads(entry.event)
    references, status = event["references"], event["native_status"]
    told: dict[str, Any] = {
        "eventId": f"{entry.number:0{EVENT_ID_DIGITS}}",
        "notificationRequestId": event["transaction_id"],
        "element": _element(event, references),
    }
    if "iun" in references and status not in _WITHOUT_IUN:
        told["iun"] = references["iun"]
    if entry.changed:
        told["newStatus"] = status
    return told


def _element(event: Mapping[str, Any], references: Mapping[str, str]) -> dict[str, Any]:
    occurred_at = event["occurred_at"] or event["received_at"]
    element: dict[str, Any] = {
        "elementId": references.get("element_id", event["id"]),
        "timestamp": occurred_at,
        "eventTimestamp": occurred_at,
        "ingestionTimestamp": event["received_at"],
        "category": references.get("element", ""),
    }
    details: dict[str, Any] = {}
    if references.get("rec_index", "").isdecimal():
        details["recIndex"] = int(references["rec_index"])
    if element["category"] in {"REQUEST_ACCEPTED", "REQUEST_REFUSED"}:
        details["notificationRequestId"] = event["transaction_id"]
    if element["category"] == "REQUEST_REFUSED":
        reasons = event.get("reasons") or [event["reason"]] * bool(event["reason"])
        details["refusalReasons"] = [_refusal(reason) for reason in reasons]
    if details:
        element["details"] = details
    return element


def _refusal(reason: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"errorCode": reason["code"], "detail": reason.get("text") or ""}
    recipient = recipient_index(reason.get("where") or "")
    if recipient is not None:
        told["recIndex"] = recipient
    return told
