"""Describe what the intake takes and answers, as schemas; the request is its own model's."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts.send.problems import ProblemCode
from contracts.send.refusals import Refusal
from contracts.send.request import Request
from intake.problems import Code
from ops.generated.json_schemas import open_words

IUN: Final = {"type": "string", "pattern": "^[A-Z]{4}-[A-Z]{4}-[A-Z]{4}-[0-9]{6}-[A-Z]-[0-9]$"}
ID: Final = {"type": "string", "pattern": "^[A-Za-z0-9+/=]{36}$"}
TEXT: Final = {"type": "string"}
COUNT: Final = {"type": "integer", "minimum": 0}
_MOMENT: Final = {"type": "string", "format": "date-time"}


def ref(name: str) -> dict[str, Any]:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def intake_schemas() -> dict[str, Any]:
    """Return every schema by its name."""
    request = Request.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = request.pop("$defs")
    whole = {"NewNotificationRequest": request, **parts}
    return {**whole, **dict(_answers())}


def _answers() -> Iterator[tuple[str, Any]]:
    yield "Problem", _problem()
    slot = {"preloadIdx": TEXT, "secret": TEXT, "httpMethod": TEXT, "url": TEXT, "key": TEXT}
    yield "Slot", _object(slot, "secret", "httpMethod", "url", "key")
    taken = {"notificationRequestId": ID, "paProtocolNumber": TEXT, "idempotenceToken": TEXT}
    yield "NewNotificationResponse", _object(taken, "notificationRequestId", "paProtocolNumber")
    codes = {"code": open_words(Refusal), "detail": TEXT, "recIndex": COUNT}
    refused = _object(codes, "code")
    status = {
        "notificationRequestId": ID,
        "notificationRequestStatus": {"enum": ["WAITING", "ACCEPTED", "REFUSED"]},
        "retryAfter": {**COUNT, "description": "Seconds; of WAITING."},
        "iun": {**IUN, "description": "Of ACCEPTED."},
        "errors": {"type": "array", "items": refused, "description": "Of REFUSED."},
    }
    yield "NotificationRequestStatus", _with_request(status, *list(status)[:2])
    yield "SentNotification", _sent()
    file = {
        "filename": TEXT,
        "contentType": TEXT,
        "contentLength": COUNT,
        "sha256": TEXT,
        "url": TEXT,
    }
    yield "DownloadMetadata", _object(file, *file)
    detail = _object({"code": TEXT, "level": TEXT, "detail": TEXT}, "code")
    wish = {"status": {"const": "OK"}, "details": {"type": "array", "items": detail}}
    yield "RequestStatus", _object(wish, "status")


def _problem() -> dict[str, Any]:
    codes = open_words((*ProblemCode, *Code))
    error = _object({"code": codes, "element": TEXT, "detail": TEXT}, "code")
    members = {
        "type": TEXT,
        "status": {"type": "integer", "minimum": 100, "maximum": 599},
        "title": {"type": "string", "maxLength": 64},
        "timestamp": _MOMENT,
        "errors": {"type": "array", "minItems": 1, "items": error},
    }
    return _object(members, "status", "errors")


def _sent() -> dict[str, Any]:
    related = {"type": "array", "items": TEXT}
    step = {"status": TEXT, "activeFrom": _MOMENT, "relatedTimelineElements": related}
    element = {"elementId": TEXT, "category": TEXT} | dict.fromkeys(
        ("timestamp", "eventTimestamp", "ingestionTimestamp", "notificationSentAt"), _MOMENT
    )
    members = {
        "iun": IUN,
        "sentAt": _MOMENT,
        "senderPaId": TEXT,
        "documentsAvailable": {"type": "boolean"},
        "notificationStatus": TEXT,
        "notificationStatusHistory": {"type": "array", "items": _object(step, *step)},
        "timeline": {"type": "array", "items": _object(element, *element)},
    }
    return _with_request(members, *members)


def _with_request(members: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"allOf": [ref("NewNotificationRequest"), _object(members, *required)]}


def _object(members: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": dict(members)}
