"""Describe the HTTP side as OpenAPI 3.1: callbacks, expectations, management."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from contracts.codes import RefusalCode
from contracts.provider import Answers, Door
from contracts.providers import all_providers
from ingress.answers import status_of
from ops.generated.json_schemas import component_schemas
from ops.generated.yaml_text import project_version, yaml_text

EXAMPLE: Final = Path(__file__).resolve().parent.parent.parent / "esito.example.yaml"
_INFO: Final = (
    "What providers call, and what our own side and our operators call. The paths of the providers "
    "are those of esito.example.yaml: an installation has its own. An error's body says no more "
    "than its status; docs/RUNBOOK.md has a heading for each refusal code, which metrics and logs "
    "show."
)
_STORED: Final = "Stored: every in-sync replica has the callback. The body is empty."
_STALE: Final = "Authenticated and stored, but its signed timestamp is outside the tolerance."
_BODY: Final = {
    "required": True,
    "description": "The provider's payload. It is stored byte for byte and not read here.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}
_PROBLEM: Final = {
    "type": "object",
    "description": "RFC 9457 problem details: the status and its standard phrase.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
    },
}
_ERROR_MODEL: Final = {
    "type": "object",
    "description": "The error of EPC133-22: the same text for every cause of one status.",
    "required": ["timestamp", "status", "error", "message", "path"],
    "properties": {
        "timestamp": {"type": "string", "format": "date-time"},
        "status": {"type": "integer"},
        "error": {"type": "string"},
        "message": {"type": "string"},
        "path": {"type": "string"},
    },
}
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
}
_CHALLENGE: Final = {"WWW-Authenticate": {"schema": {"const": "ApiKey"}}}
_SIGNED: Final = frozenset({RefusalCode.TIMESTAMP_MALFORMED})
_NAMED: Final = frozenset({RefusalCode.PATH_UNKNOWN})


def openapi_document() -> str:
    """Return docs/openapi.yaml."""
    paths = dict(_paths())
    document = {
        "openapi": "3.1.1",
        "info": {
            "title": "Esito",
            "version": project_version(),
            "description": _INFO,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": _public_url(), "description": "ingress.public_url"}],
        "paths": paths,
        "components": {
            "schemas": {
                "Expectation": component_schemas()["ExpectationPayload"],
                "ErrorModel": _ERROR_MODEL,
                "Problem": _PROBLEM,
            },
            "securitySchemes": {
                name: scheme for name, scheme in _security_schemes() if name in _used(paths)
            },
        },
    }
    return yaml_text(document, source=PurePosixPath("ingress"))


def _used(paths: Mapping[str, Any]) -> set[str]:
    """Return the names of the security schemes that an operation names."""
    operations = [one for methods in paths.values() for one in methods.values()]
    needs = [need for one in operations if "security" in one for need in one["security"]]
    return {name for need in needs for name in need}


def _example() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    return document


def _public_url() -> str:
    url: str = _example()["ingress"]["public_url"]
    return url


def _paths() -> Iterator[tuple[str, Any]]:
    doors = {name: provider.door for name, provider in all_providers().items()}
    for endpoint in _example()["endpoints"]:
        door = doors[endpoint["provider"]]
        segment = "/{segment}" if "path_token" in door.credentials else ""
        for number, path in enumerate((endpoint["path"], *endpoint.get("more_paths", ()))):
            operation = _callback(endpoint, door)
            if number:
                operation["operationId"] += f".{number + 1}"
            yield path + segment, {"post": operation}
    yield "/expectations/{endpoint}", {"post": _expectation()}
    yield from _management()


def _callback(endpoint: Mapping[str, Any], door: Door) -> dict[str, Any]:
    name = endpoint["name"]
    signed, made = ("hmac" in door.credentials, "path_token" in door.credentials)
    answers = _answers(door.answers, signed=signed, named=made)
    answers[str(door.answers.accepted)] = {"description": _STORED}
    if "hmac" in door.credentials:
        answers[str(door.answers.stale)] = _problem(_STALE)
    operation: dict[str, Any] = {
        "operationId": f"callback.{name}",
        "summary": f"A callback of provider {door.provider}, to endpoint {name}",
        "security": [
            {
                f"{door.provider}.{credential}": []
                for credential in _schemes(door)
                if credential in door.credentials or credential in endpoint
            }
        ],
        "requestBody": _body(door),
        "responses": dict(sorted(answers.items())),
    }
    if parameters := _parameters(door):
        operation["parameters"] = parameters
    return operation


def _parameters(door: Door) -> list[dict[str, Any]]:
    """Return the parameters of a callback: those that are part of what is proven."""
    found: list[dict[str, Any]] = []
    if "path_token" in door.credentials:
        found.append(
            {
                "name": "segment",
                "in": "path",
                "required": True,
                "description": "Made by our own side for one transaction: `esito expect`.",
                "schema": {"type": "string", "pattern": "^[0-9a-f]{32}\\.[0-9a-f]{32}$"},
            }
        )
    if door.timestamp_header:
        found.append(
            {
                "name": door.timestamp_header,
                "in": "header",
                "required": True,
                "description": "Part of what is signed; the endpoint's profile says how.",
                "schema": {"type": "string"},
            }
        )
    return found


def _expectation() -> dict[str, Any]:
    answers = _answers(Answers(), signed=False, named=True)
    answers["202"] = {"description": "Stored; it takes effect when the state machine has read it."}
    return {
        "operationId": "expectation",
        "summary": "Our own side announces a transaction it has started",
        "security": [{"expectations": []}],
        "parameters": [
            {
                "name": "endpoint",
                "in": "path",
                "required": True,
                "description": "The endpoint's name; open where it has the key expectations.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Expectation"},
                    "example": {
                        "transaction_id": "6d2f3c9a-51c5-4a53-9d0e-4b8a5f2f7c11",
                        "deadline": "2026-11-03T12:00:00Z",
                    },
                }
            },
        },
        "responses": dict(sorted(answers.items())),
    }


def _schemes(door: Door) -> list[str]:
    """Return the credentials that OpenAPI can name; a path made for one transaction is none."""
    return [name for name in (*door.credentials, *door.offered) if name != "path_token"]


def _body(door: Door) -> dict[str, Any]:
    if set(door.media_types) <= {"application/json"}:
        return _BODY
    schema = {"schema": {"description": "Stored byte for byte."}}
    return {"required": True, "content": dict.fromkeys(door.media_types, schema)}


def _answers(answers: Answers, *, signed: bool, named: bool) -> dict[str, Any]:
    """Return the refusals; `named`: the path names something that may not be there."""
    never = (frozenset() if signed else _SIGNED) | (frozenset() if named else _NAMED)
    model = "ErrorModel" if answers.error_model == "epc" else "Problem"
    causes: dict[int, list[RefusalCode]] = {}
    for code in RefusalCode:
        if code not in never:
            causes.setdefault(status_of(code, answers), []).append(code)
    return {
        str(status): {
            **_problem(" ".join(code.sentence for code in codes), status, model=model),
            "x-refusal-codes": [code.value for code in codes],
        }
        for status, codes in causes.items()
    }


def _problem(
    description: str, status: int | None = None, *, model: str = "Problem"
) -> dict[str, Any]:
    media_type = "application/problem+json" if model == "Problem" else "application/json"
    found: dict[str, Any] = {
        "description": description,
        "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{model}"}}},
    }
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        found["headers"] = _RETRY_AFTER
    if status == HTTPStatus.UNAUTHORIZED:
        found["headers"] = _CHALLENGE
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        found["headers"] = {"Allow": {"schema": {"type": "string"}}}
    return found


def _security_schemes() -> Iterator[tuple[str, Any]]:
    for name, provider in all_providers().items():
        headers = {
            "api_key": (provider.door.api_key_header, "The key agreed with the provider."),
            "hmac": (provider.door.signature_header, "An HMAC over what the profile names."),
        }
        for credential in _schemes(provider.door):
            if credential == "client_certificate":
                yield f"{name}.{credential}", {"type": "mutualTLS"}
                continue
            header, description = headers[credential]
            yield (
                f"{name}.{credential}",
                {"type": "apiKey", "in": "header", "name": header, "description": description},
            )
    header = Door(provider="", credentials=("api_key",)).api_key_header
    yield "expectations", {"type": "apiKey", "in": "header", "name": header}


def _management() -> Iterator[tuple[str, Any]]:
    servers = [{"url": "http://127.0.0.1:9090", "description": "management_port"}]
    states = {
        "/healthz": ("The event loop runs", {"200": {"description": "It runs."}}, "text/plain"),
        "/readyz": (
            "Every condition for work holds",
            {
                "200": {"description": "All hold."},
                "503": {"description": "The conditions that are false do not hold."},
            },
            "application/json",
        ),
        "/metrics": ("Metrics; docs/TELEMETRY.md", {"200": {"description": "All."}}, "text/plain"),
    }
    for path, (summary, answers, media_type) in states.items():
        schema = {"type": "object" if media_type == "application/json" else "string"}
        content = {media_type: {"schema": schema}}
        responses = {status: {**one, "content": content} for status, one in answers.items()}
        operation = {"operationId": path[1:], "summary": summary, "responses": responses}
        yield path, {"servers": servers, "get": {**operation, "security": []}}
