"""Read and write the bodies of our own stream API, /v1. Pure."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from contracts.instants import instant
from contracts.lifecycle import Status
from contracts.payload import Payload
from streams.readers import Reader
from streams.refused import INVALID, Fault, Refused
from streams.registry import Entry, Kept, Settings
from streams.send_shapes import Title, faults_of, read_members

VERSION: Final = "v1"
_TYPES: Final = {"status": "STATUS", "all": "TIMELINE"}
_NAMES: Final = {kind: name for name, kind in _TYPES.items()}
_ENDPOINTS_MAX: Final = 200
_NUMBER_DIGITS_MAX: Final = 18


class StreamRequest(Payload):
    """A stream as a consumer wants it."""

    title: Title = ""
    events: Literal["status", "all"] = "status"
    endpoints: tuple[str, ...] = Field((), max_length=_ENDPOINTS_MAX, strict=False)
    statuses: tuple[Annotated[Status, Field(strict=False)], ...] = Field((), strict=False)


def read_request(body: bytes, reader: Reader) -> Settings:
    """Return the stream that a body asks for; without `endpoints`, of all the consumer may read.

    Raises:
        Refused: 400, with every rule that it breaks.
    """
    try:
        wanted = StreamRequest.model_validate(read_members(body))
    except ValidationError as error:
        raise Refused(400, *faults_of(error)) from None
    endpoints = frozenset(wanted.endpoints) or reader.endpoints
    if not endpoints <= reader.endpoints:
        # The same answer whether it exists or not.
        raise Refused(400, Fault(INVALID, "endpoints", "name only what you may read"))
    return Settings(
        version=VERSION,
        title=wanted.title,
        event_type=_TYPES[wanted.events],
        endpoints=tuple(sorted(endpoints)),
        filters=tuple(status.value for status in wanted.statuses),
    )


def read_number(text: str | None, name: str) -> int | None:
    """Return the whole number in a query parameter or a header.

    Raises:
        Refused: 400.
    """
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _NUMBER_DIGITS_MAX):
        raise Refused(400, Fault(INVALID, name, "a whole number"))
    return int(text)


def told(stream: Kept) -> dict[str, Any]:
    """Return what a stream is."""
    return {
        "id": str(stream.id),
        "title": stream.title,
        "events": _NAMES[stream.event_type],
        "endpoints": list(stream.endpoints),
        "statuses": list(stream.filters),
        "created_at": instant(stream.activated_at),
    }


def page(entries: Sequence[Entry]) -> str:
    """Return a page as JSON text: every event letter by letter as it was published."""
    found = (f'{{"id":"{one.number}","event":{one.event}}}' for one in entries)
    return f'{{"events":[{",".join(found)}]}}'


def history(events: Sequence[str]) -> str:
    """Return a transaction's events as JSON text."""
    return f'{{"events":[{",".join(events)}]}}'


def server_sent(entry: Entry) -> bytes:
    """Return one event as Server-Sent Events write it (HTML, 9.2.6)."""
    # JSON published over several lines would end the event at the first of them.
    text = entry.event if entry.event.isprintable() else json.dumps(json.loads(entry.event))
    return f"id: {entry.number}\nevent: status\ndata: {text}\n\n".encode()
