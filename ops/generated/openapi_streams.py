"""Describe what readers call as OpenAPI 3.1: SEND's stream API for public bodies, and our /v1."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any, Final

from ops.generated.openapi_intake_schemas import COUNT, TEXT, ref
from ops.generated.openapi_streams_schemas import EVENT_ID, NUMBER, UUID, streams_schemas
from ops.generated.yaml_text import project_version, yaml_text
from runtime.service_configuration import Streams
from streams import consumer_api, send_api
from streams.exchange import API_KEY_HEADER

_INFO: Final = (
    "What readers of status events call. /delivery-progresses: public bodies, SEND's stream API "
    "2.8 as pagoPA publishes it; retry-after is in milliseconds there, as SEND has it. /v1: "
    "consumers who cannot read Kafka. A stream of others is answered like one that does not exist. "
    "401, 405, 408, 409, 413, 415 and 503 come beside what SEND publishes."
)
_EVERYWHERE: Final = (401, 405, 500, 503)
_SECONDS: Final = {"Retry-After": {"description": "Seconds.", "schema": COUNT}}
_MILLISECONDS: Final = {"retry-after": {"description": "Milliseconds.", "schema": COUNT}}
_ALLOW: Final = {"Allow": {"description": "The methods of the path.", "schema": TEXT}}
_LOCATION: Final = {"Location": {"description": "The path of the stream.", "schema": TEXT}}
Operation = dict[str, Any]


def openapi_streams_document() -> str:
    """Return docs/openapi-streams.yaml."""
    document = {
        "openapi": "3.1.1",
        "info": {
            "title": "Esito: status streams",
            "version": project_version(),
            "description": _INFO,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": Streams().public_url, "description": "streams.public_url"}],
        "paths": {**dict(_send_paths()), **dict(_consumer_paths())},
        "components": {
            "schemas": streams_schemas(),
            "securitySchemes": {
                "bodyKey": _key("A key of one public body, perhaps of some of its groups."),
                "consumerKey": _key("A key of one of `streams.consumers`."),
            },
        },
    }
    return yaml_text(document, source=PurePosixPath("streams"))


def _key(description: str) -> dict[str, Any]:
    return {"type": "apiKey", "in": "header", "name": API_KEY_HEADER, "description": description}


def _send_paths() -> Iterator[tuple[str, Any]]:
    told = _answer(ref("StreamMetadata"))
    one = _path("streamId", UUID)
    root = send_api.ROOT
    body = ref("StreamRequest")
    listed = _answer({"type": "array", "items": ref("StreamListElement")})
    yield (
        root,
        {
            "post": _send(
                "createStream", "Make a stream", {200: told}, (*_BODY, *_MINE, 409), body
            ),
            "get": _send("listStreams", "The streams that the key may touch", {200: listed}),
        },
    )
    change = "Change a stream, but for waitForAccepted; groups may only be added"
    yield (
        f"{root}/{{streamId}}",
        {
            "parameters": [one],
            "get": _send("getStream", "What a stream is", {200: told}, _MINE),
            "put": _send("changeStream", change, {200: told}, (*_BODY, *_MINE, 409), body),
            "delete": _send("deleteStream", "Delete it with all it holds", {204: _GONE}, _MINE),
        },
    )
    disable = "Let a stream get no more events; what it holds can still be read"
    yield (
        f"{root}/{{streamId}}/action/disable",
        {"parameters": [one], "post": _send("disableStream", disable, {200: told}, _MINE)},
    )
    events = _answer({"type": "array", "items": ref("ProgressElement")}, headers=_MILLISECONDS)
    read = _send(
        "readStream",
        "A page, after acknowledging all up to lastEventId",
        {200: events, 429: _problem(429, "Problem", _MILLISECONDS)},
        (*_MINE, 400),
    )
    read["parameters"] = [{"name": "lastEventId", "in": "query", "schema": EVENT_ID}]
    yield f"{root}/{{streamId}}/events", {"parameters": [one], "get": read}


def _consumer_paths() -> Iterator[tuple[str, Any]]:
    told, body = _answer(ref("ConsumerStream")), ref("ConsumerStreamRequest")
    one = _path("stream_id", UUID)
    root = consumer_api.ROOT
    made = {**told, "description": "Created", "headers": _LOCATION}
    streams = {"type": "array", "items": ref("ConsumerStream")}
    listed = _answer(
        {"type": "object", "required": ["streams"], "properties": {"streams": streams}}
    )
    yield (
        root,
        {
            "post": _own("create", "Make a stream", {201: made}, (*_BODY, 409), body),
            "get": _own("list", "The consumer's streams", {200: listed}),
        },
    )
    yield (
        f"{root}/{{stream_id}}",
        {
            "parameters": [one],
            "get": _own("get", "What a stream is", {200: told}, (404,)),
            "put": _own("change", "Change what it gets", {200: told}, (*_BODY, 404, 409), body),
            "delete": _own("delete", "Delete it with all it holds", {204: _GONE}, (404,)),
        },
    )
    yield f"{root}/{{stream_id}}/events", {"parameters": [one], "get": _read()}
    place = [_path("endpoint", TEXT), _path("transaction_id", TEXT)]
    current, events = _answer(ref("StatusEvent")), _answer(ref("History"))
    transaction = "/v1/transactions/{endpoint}/{transaction_id}"
    last = _own("transaction", "The last event of a transaction", {200: current}, (404,))
    yield transaction, {"parameters": place, "get": last}
    kept = "Its events that are still kept, the oldest first"
    history = _own("history", kept, {200: events}, (404,))
    yield f"{transaction}/history", {"parameters": place, "get": history}


def _read() -> Operation:
    page = _answer(ref("Page"))
    page["content"]["text/event-stream"] = {"schema": TEXT}
    read = _own(
        "read", "A page, now or when there is one; or all that comes", {200: page}, (400, 404, 429)
    )
    read["parameters"] = [
        _query("after", "Acknowledges all up to this id."),
        _query("limit", "At most so many events."),
        _query("wait", "Seconds to wait for a page that has events."),
        {**_query("Last-Event-ID", "Of Server-Sent Events, in place of `after`."), "in": "header"},
    ]
    return read


_MINE: Final = (403, 404)
_BODY: Final = (400, 408, 413, 415)
_GONE: Final = {"description": "No Content"}


def _send(
    name: str,
    summary: str,
    answers: Mapping[int, Operation],
    problems: tuple[int, ...] = (),
    body: Mapping[str, Any] | None = None,
) -> Operation:
    return _operation(name, summary, answers, _problems(problems, "Problem"), body, "bodyKey")


def _own(
    name: str,
    summary: str,
    answers: Mapping[int, Operation],
    problems: tuple[int, ...] = (),
    body: Mapping[str, Any] | None = None,
) -> Operation:
    found = _problems(problems, "ProblemDetails")
    return _operation(name, summary, answers, found, body, "consumerKey")


def _operation(  # noqa: PLR0917 - what an operation has
    name: str,
    summary: str,
    answers: Mapping[int, Operation],
    problems: Mapping[int, Operation],
    body: Mapping[str, Any] | None,
    key: str,
) -> Operation:
    found = {**problems, **answers}
    operation: Operation = {"operationId": name, "summary": summary, "security": [{key: []}]}
    if body is not None:
        content = {"application/json": {"schema": body}}
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] = {str(status): found[status] for status in sorted(found)}
    return operation


def _problems(statuses: tuple[int, ...], schema: str) -> dict[int, Operation]:
    headers = {405: _ALLOW, 429: _SECONDS, 503: _SECONDS}
    return {
        status: _problem(status, schema, headers.get(status, {}))
        for status in (*_EVERYWHERE, *statuses)
    }


def _problem(status: int, schema: str, headers: Mapping[str, Any]) -> Operation:
    content = {"application/problem+json": {"schema": ref(schema)}}
    answer: Operation = {"description": HTTPStatus(status).phrase, "content": content}
    return {**answer, "headers": headers} if headers else answer


def _answer(schema: Mapping[str, Any], *, headers: Mapping[str, Any] | None = None) -> Operation:
    answer: Operation = {"description": "OK", "content": {"application/json": {"schema": schema}}}
    return {**answer, "headers": headers} if headers else answer


def _path(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": dict(schema)}


def _query(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": NUMBER}
