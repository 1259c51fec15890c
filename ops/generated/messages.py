"""Describe the records of the topics: their keys, headers and values, and an example of each."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from contracts import dead_letter, raw
from contracts.codes import AnomalyCode, RejectionCode
from ops.generated.examples import examples
from ops.generated.json_schemas import open_words

_TEXT = {"type": "string"}
_KEY = {"type": "string", "description": "<endpoint>:<transaction_id>"}
_BYTES = {"description": "Any bytes: the body as received. Not JSON until it is verified."}
_RAW_REQUIRED = [
    raw.CALLBACK_ID,
    raw.ENDPOINT,
    raw.SOURCE,
    raw.RECEIVED_AT,
    raw.METHOD,
    raw.TARGET_URI,
    raw.PRINCIPAL,
]
_CLOUD_EVENT: dict[str, Any] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {
        "type": "string",
        "format": "uuid",
        "description": "The same for the same provider fact, on redelivery and replay too.",
    },
    "ce_source": {"type": "string", "description": "/endpoints/<endpoint>"},
    "ce_type": _TEXT,
    "ce_subject": {"type": "string", "description": "The transaction's id."},
    "ce_time": {"type": "string", "format": "date-time"},
    "ce_partitionkey": _KEY,
    "content-type": {"type": "string", "const": "application/json"},
}
_TRACE = {"traceparent": {"type": "string", "description": "W3C Trace Context, if there is one."}}
_EVENT_TRACE = {"ce_traceparent": {"type": "string", "description": "The same as traceparent."}}
_REPLAYED = {
    dead_letter.REPLAYED_FROM: {
        "type": "string",
        "description": "Of a replayed dead letter: its <partition>/<offset>.",
    }
}


def messages() -> dict[str, Any]:
    """Return the message of each kind of record, by its name."""
    shown = examples()
    event, anomaly = shown.event, shown.anomaly
    return {
        "rawCallback": {
            **_bytes_message("A raw callback", _raw_headers()),
            "examples": [_example(shown.callback.headers(), shown.callback.body.decode())],
        },
        "verifiedUpdate": {
            **_keyed("A verified update", _headers({"content-type": _TEXT}), "VerifiedUpdate"),
            "examples": [
                _example(
                    [("content-type", b"application/json")],
                    json.loads(shown.update.model_dump_json(exclude_none=True)),
                )
            ],
        },
        "deadLetter": {
            **_bytes_message("A dead letter", _dead_letter_headers()),
            "examples": [_example(shown.dead_letter, shown.callback.body.decode())],
        },
        "statusEvent": {
            **_keyed("A status event", _cloud_event(event.headers()), "StatusEvent"),
            "examples": [_example(event.headers(), json.loads(event.model_dump_json()))],
        },
        "anomaly": {
            **_keyed("An anomaly", _cloud_event(anomaly.headers()), "Anomaly"),
            "examples": [_example(anomaly.headers(), json.loads(anomaly.model_dump_json()))],
        },
        "snapshot": {
            **_message("A snapshot", None, {"type": "object"}),
            "bindings": {"kafka": {"key": _KEY, "bindingVersion": "0.5.0"}},
            "examples": [{"payload": json.loads(shown.snapshot.encode())}],
        },
    }


def _message(
    title: str, headers: Mapping[str, Any] | None, payload: Mapping[str, Any]
) -> dict[str, Any]:
    found = {"title": title, "contentType": "application/json", "payload": dict(payload)}
    if headers is not None:
        found["headers"] = dict(headers)
    return found


def _bytes_message(title: str, headers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_message(title, headers, _BYTES),
        "contentType": "application/octet-stream",
        "description": "The header content-type, if there is one, tells what the body is.",
    }


def _keyed(title: str, headers: Mapping[str, Any], schema: str) -> dict[str, Any]:
    return {
        **_message(title, headers, {"$ref": f"#/components/schemas/{schema}"}),
        "bindings": {"kafka": {"key": _KEY, "bindingVersion": "0.5.0"}},
    }


def _headers(properties: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": {**properties, **_TRACE}}
    if names := list(required):
        found["required"] = names
    return found


def _raw_headers() -> dict[str, Any]:
    properties: dict[str, Any] = dict.fromkeys(_RAW_REQUIRED, _TEXT)
    properties[raw.SOURCE] = open_words(one.value for one in raw.Source)
    properties[raw.CONTENT_TYPE] = _TEXT
    properties[raw.CLIENT_CERTIFICATE] = {
        "type": "string",
        "description": "Base64 of the DER certificate of the caller's TLS connection.",
    }
    properties[raw.TRANSACTION_ID] = {
        "type": "string",
        "description": "Where we chose it when the record was stored.",
    }
    return {
        **_headers(properties | _REPLAYED, _RAW_REQUIRED),
        "patternProperties": {f"^{raw.HTTP_PREFIX}": _TEXT},
        "description": f"{raw.HTTP_PREFIX}<name> are the header fields the provider is known for.",
    }


def _dead_letter_headers() -> dict[str, Any]:
    own = [
        dead_letter.CODE,
        dead_letter.DETAIL,
        dead_letter.ERROR_TOPIC,
        dead_letter.ERROR_PARTITION,
        dead_letter.ERROR_OFFSET,
        dead_letter.ERROR_EXCEPTION,
        dead_letter.ERROR_MESSAGE,
    ]
    codes = open_words(code.value for code in RejectionCode)
    stack = {"type": "string", "description": "Our own frames, where there are any."}
    told = {dead_letter.CODE: codes, dead_letter.ERROR_STACKTRACE: stack}
    return {
        **_headers({**dict.fromkeys(own, _TEXT), **told, **_REPLAYED}, own),
        "description": "The original record's headers, then these. The codes: docs/RUNBOOK.md.",
    }


def _cloud_event(headers: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    written = dict(headers)
    kind = {"type": "string", "const": written["ce_type"].decode()}
    properties = {**_CLOUD_EVENT, "ce_type": kind}
    if "esito-anomaly-code" in written:
        properties["esito-anomaly-code"] = open_words(code.value for code in AnomalyCode)
    return _headers({**properties, **_EVENT_TRACE}, properties)


def _example(headers: Iterable[tuple[str, bytes]], payload: object) -> dict[str, Any]:
    return {"headers": {name: value.decode() for name, value in headers}, "payload": payload}
