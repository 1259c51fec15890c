"""Describe what public bodies call as OpenAPI 3.1: the intake, in SEND's own paths and names."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any, Final

from intake.preload import ITEMS_MAX
from intake.tenants import API_KEY_HEADER
from ops.generated.openapi_intake_schemas import COUNT, ID, IUN, TEXT, intake_schemas, ref
from ops.generated.yaml_text import project_version, yaml_text
from runtime.service_configuration import Intake

_INFO: Final = (
    "What public bodies call to notify: SEND's API as pagoPA publishes it, as far as Esito goes. "
    "Left out: prices, payment events, legal facts, older versions. Every error is SEND's Problem, "
    "with one code for each thing that is wrong; docs/RUNBOOK.md tells our own codes. 401, 405, "
    "408, 413, 415, 429 and 503 come beside what SEND publishes: its gateway answers those."
)
_EVERYWHERE: Final = (400, 401, 405, 429, 503)
_OF_BODIES: Final = (*_EVERYWHERE, 408, 413, 415)
_OF_FILES: Final = (400, 401, 404, 405, 503)
_RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds.", "schema": COUNT}}
_HEADERS: Final = {
    401: {"WWW-Authenticate": {"schema": {"const": "ApiKey"}}},
    405: {"Allow": {"description": "The methods of the path.", "schema": TEXT}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


def openapi_intake_document() -> str:
    """Return docs/openapi-intake.yaml."""
    document = {
        "openapi": "3.1.1",
        "info": {
            "title": "Esito: notification requests",
            "version": project_version(),
            "description": _INFO,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": Intake().public_url, "description": "intake.public_url"}],
        "security": [{"apiKey": []}],
        "paths": dict(_paths()),
        "components": {
            "schemas": intake_schemas(),
            "securitySchemes": {
                "apiKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": API_KEY_HEADER,
                    "description": "A key of one public body, perhaps of some of its groups.",
                }
            },
        },
    }
    return yaml_text(document, source=PurePosixPath("intake"))


def _paths() -> Iterator[tuple[str, Any]]:
    yield "/delivery/attachments/preload", {"post": _preload()}
    yield "/attachments/{token}", {"put": _upload()}
    yield "/delivery/v2.6/requests", {"post": _send(), "get": _status()}
    sent = "/delivery/notifications/sent/{iun}/attachments"
    yield (
        "/delivery/v2.9/notifications/sent/{iun}",
        {
            "get": _operation(
                "sent_notification",
                "A notification that was accepted: request, history, timeline",
                {200: ref("SentNotification")},
                (400, 401, 404, 405, 503),
                parameters=[_path("iun", IUN)],
            )
        },
    )
    yield f"{sent}/documents/{{docIdx}}", {"get": _file("document", [_path("docIdx", COUNT)])}
    parameters = [
        _path("recipientIdx", COUNT),
        _path("attachmentName", {"type": "string", "enum": ["PAGOPA", "F24"]}),
        _query("attachmentIdx", {**COUNT, "default": 0}),
    ]
    yield (
        f"{sent}/payment/{{recipientIdx}}/{{attachmentName}}",
        {"get": _file("payment_attachment", parameters)},
    )
    yield "/downloads/{token}", {"get": _download()}
    yield (
        "/delivery-push/v2.0/notifications/cancel/{iun}",
        {
            "put": _operation(
                "cancel",
                "Wish to cancel a notification; 202 when the wish is stored",
                {202: ref("RequestStatus")},
                (400, 401, 404, 405, 503),
                parameters=[_path("iun", IUN)],
            )
        },
    )


def _preload() -> dict[str, Any]:
    item = {
        "type": "object",
        "required": ["sha256"],
        "properties": {
            "preloadIdx": {"type": "string", "pattern": "^[a-zA-Z0-9._-]{1,512}$"},
            "contentType": {"type": "string", "pattern": "^application/(?:pdf|json)$"},
            "sha256": {"type": "string", "description": "In base64."},
        },
    }
    slots = {"type": "array", "items": ref("Slot")}
    body = {"type": "array", "minItems": 1, "maxItems": ITEMS_MAX, "items": item}
    return _operation("preload", "Upload slots", {200: slots}, _OF_BODIES, body=body)


def _upload() -> dict[str, Any]:
    headers = {"x-amz-version-id": {"description": "ref.versionToken", "schema": TEXT}}
    refused = {
        "description": "Not stored; the body is S3's error document.",
        "content": {"application/xml": {"schema": {"type": "string"}}},
    }
    return {
        "operationId": "upload",
        "summary": "Upload a file to its slot",
        "security": [],
        "parameters": [
            _path("token", TEXT),
            {"name": "x-amz-meta-secret", "in": "header", "required": True, "schema": TEXT},
            {
                "name": "x-amz-checksum-sha256",
                "in": "header",
                "description": "As header or as trailer.",
                "schema": TEXT,
            },
        ],
        "requestBody": {
            "required": True,
            "content": {"application/pdf": {}, "application/json": {}},
        },
        "responses": {
            "200": {"description": "Stored.", "headers": headers},
            **{str(status): refused for status in (400, 403, 411, 503)},
            "405": _problem(405),
        },
    }


def _send() -> dict[str, Any]:
    return _operation(
        "send_request",
        "Send a notification request; 202 when it is stored, not when it is accepted",
        {202: ref("NewNotificationResponse")},
        (*_OF_BODIES, 409),
        body=ref("NewNotificationRequest"),
    )


def _status() -> dict[str, Any]:
    line = {"type": "string", "maxLength": 256}
    return _operation(
        "request_status",
        "What became of a request, by its id, or by its protocol number and token",
        {200: ref("NotificationRequestStatus")},
        (400, 401, 404, 405, 503),
        parameters=[
            _query("notificationRequestId", ID),
            _query("paProtocolNumber", line),
            _query("idempotenceToken", {**line, "pattern": "^[ -~]*$"}),
        ],
    )


def _file(name: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return _operation(
        name,
        "What a file is, and a link to load it by for ten minutes",
        {200: ref("DownloadMetadata")},
        _OF_FILES,
        parameters=[_path("iun", IUN), *parameters],
    )


def _download() -> dict[str, Any]:
    return {
        "operationId": "download",
        "summary": "Load the file that a link opens",
        "security": [],
        "parameters": [_path("token", TEXT)],
        "responses": {
            "200": {
                "description": "The file.",
                "content": {"application/pdf": {}, "application/json": {}},
            },
            **{str(status): _problem(status) for status in (404, 405, 503)},
        },
    }


def _operation(
    name: str,
    summary: str,
    answers: Mapping[int, Any],
    problems: tuple[int, ...],
    *,
    body: Any = None,  # noqa: ANN401 - a schema
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    found = {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": schema}},
        }
        for status, schema in answers.items()
    }
    found |= {status: _problem(status) for status in problems}
    operation: dict[str, Any] = {"operationId": name, "summary": summary}
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        content = {"application/json": {"schema": body}}
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] = {str(status): found[status] for status in sorted(found)}
    return operation


def _problem(status: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }
    if headers := _HEADERS.get(status):
        answer["headers"] = headers
    return answer


def _path(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": dict(schema)}


def _query(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": dict(schema)}
