"""Describe what the streams take and answer, as schemas; the requests are their own models'."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts.lifecycle import Status
from contracts.send.refusals import Refusal
from contracts.send.timeline import Native
from ops.generated.json_schemas import component_schemas, open_words
from ops.generated.openapi_intake_schemas import COUNT, ID, IUN, TEXT, intake_schemas, ref
from streams.consumer_shapes import StreamRequest as ConsumerStreamRequest
from streams.refused import (
    AWAY,
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    TOO_EARLY,
    TOO_MANY,
    UNAUTHENTICATED,
)
from streams.send_shapes import StreamRequest

UUID: Final = {"type": "string", "format": "uuid"}
EVENT_ID: Final = {"type": "string", "pattern": "^0[0-9]{37}$"}
NUMBER: Final = {"type": "integer", "minimum": 0, "exclusiveMaximum": 10**18}
_MOMENT: Final = {"type": "string", "format": "date-time"}
_TEXTS: Final = {"type": "array", "items": TEXT}
_TEMPLATE: Final = "#/components/schemas/{model}"


def streams_schemas() -> dict[str, Any]:
    """Return every schema by its name."""
    own = ConsumerStreamRequest.model_json_schema(ref_template=_TEMPLATE)
    parts: dict[str, Any] = own.pop("$defs", {})
    return {
        "StreamRequest": StreamRequest.model_json_schema(by_alias=True, ref_template=_TEMPLATE),
        **dict(_send_answers()),
        "ConsumerStreamRequest": own,
        **parts,
        **dict(_own_answers()),
        **_event_schemas(),
    }


def _event_schemas() -> dict[str, Any]:
    """Return the status event and what it refers to."""
    known, found, wanted = component_schemas(), dict[str, Any](), ["StatusEvent"]
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = known[name]
            wanted += _named(known[name])
    return found


def _named(schema: Any) -> Iterator[str]:  # noqa: ANN401 - a schema holds any JSON value
    """Yield the names of the schemas that this one refers to."""
    if isinstance(schema, list):
        for item in schema:
            yield from _named(item)
    elif isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from _named(value)


def _send_answers() -> Iterator[tuple[str, Any]]:
    yield "Problem", _problem()
    told = {
        "streamId": UUID,
        "title": TEXT,
        "eventType": {"enum": ["STATUS", "TIMELINE"]},
        "groups": _TEXTS,
        "filterValues": _TEXTS,
        "waitForAccepted": {"type": "boolean"},
        "activationDate": _MOMENT,
        "version": {"type": "string", "pattern": r"^v[0-9]{2,3}$"},
    }
    disabled = {"disabledDate": {**_MOMENT, "description": "Of a disabled stream."}}
    yield "StreamMetadata", _object({**told, **disabled}, *told)
    yield "StreamListElement", _object({"streamId": UUID, "title": TEXT}, "streamId", "title")
    refused = _object(
        {"errorCode": open_words(Refusal), "detail": TEXT, "recIndex": COUNT}, "errorCode", "detail"
    )
    details = {
        "recIndex": COUNT,
        "notificationRequestId": ID,
        "refusalReasons": {"type": "array", "items": refused},
    }
    moments = dict.fromkeys(("timestamp", "eventTimestamp", "ingestionTimestamp"), _MOMENT)
    element = {"elementId": TEXT, **moments, "category": TEXT}
    members = {
        "eventId": EVENT_ID,
        "notificationRequestId": TEXT,
        "element": _object({**element, "details": _object(details)}, *element),
    }
    more = {"iun": IUN, "newStatus": {"enum": [one.value for one in Native]}}
    yield "ProgressElement", _object({**members, **more}, *members)


def _problem() -> dict[str, Any]:
    codes = (INVALID, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, TOO_MANY, TOO_EARLY, AWAY)
    error = _object({"code": open_words(codes), "element": TEXT, "detail": TEXT}, "code")
    whole: dict[str, Any] = intake_schemas()["Problem"]
    members = {**whole["properties"], "errors": {**whole["properties"]["errors"], "items": error}}
    return {**whole, "properties": members}


def _own_answers() -> Iterator[tuple[str, Any]]:
    errors = {"type": "array", "items": _object({"element": TEXT, "detail": TEXT}, "element")}
    problem = {"type": {"const": "about:blank"}, "title": TEXT, "status": {"type": "integer"}}
    more = {"detail": TEXT, "errors": errors}
    yield "ProblemDetails", _object({**problem, **more}, *problem)
    statuses = {"type": "array", "items": {"enum": [one.value for one in Status]}}
    told = {
        "id": UUID,
        "title": TEXT,
        "events": {"enum": ["status", "all"]},
        "endpoints": _TEXTS,
        "statuses": statuses,
        "created_at": _MOMENT,
    }
    yield "ConsumerStream", _object(told, *told)
    entry = {"id": {"type": "string", "pattern": "^[0-9]+$"}, "event": ref("StatusEvent")}
    yield "Page", _list(_object(entry, *entry))
    yield "History", _list(ref("StatusEvent"))


def _list(item: Mapping[str, Any]) -> dict[str, Any]:
    return _object({"events": {"type": "array", "items": item}}, "events")


def _object(members: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": dict(members)}
