"""Take from the generated documents what others build on: members, types, answers; no words.

The surface of the last release lies in ops/contract_rule/released.json, and is what changes are
measured by.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

HTTP_DOCUMENTS: Final = ("openapi", "openapi-intake", "openapi-streams")
# Ten times as fast, where the library was built with it.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_METHODS: Final = ("get", "put", "post", "delete")
# What tells a person something, and a program nothing.
_SILENT: Final = frozenset({"description", "title", "examples", "example"})

Surface = dict[str, Any]


def surface(docs: Path) -> Surface:
    """Return the surface of the generated documents in the folder."""
    found = {"asyncapi": _topics(_read(docs, "asyncapi"))}
    for name in HTTP_DOCUMENTS:
        found[name] = _operations(_read(docs, name))
    return found


def _read(docs: Path, name: str) -> dict[str, Any]:
    text = (docs / f"{name}.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    return document


def _topics(document: Mapping[str, Any]) -> Surface:
    messages = document["components"]["messages"]
    contents = {}
    for channel in document["channels"].values():
        role, version = channel["address"].rsplit(".", 2)[1:]
        (message,) = channel["messages"]
        contents[f"{role} {version}"] = dict(_record(messages[message]))
    return {
        "contents": contents,
        "topics": sorted(channel["address"] for channel in document["channels"].values()),
        "schemas": _plain(document["components"]["schemas"]),
    }


def _record(message: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "content type", {"const": message["contentType"]}
    if "bindings" in message:
        yield "key", _plain(message["bindings"]["kafka"]["key"])
    for part in ("headers", "payload"):
        if part in message:
            yield part, _plain(message[part])


def _operations(document: Mapping[str, Any]) -> Surface:
    schemes = document["components"]["securitySchemes"]
    default = document.get("security", [])
    operations = {
        f"{method.upper()} {path}": {
            **_operation(operations[method], operations),
            "security": _security(operations[method].get("security", default), schemes),
        }
        for path, operations in document["paths"].items()
        for method in _METHODS
        if method in operations
    }
    return {"operations": operations, "schemas": _plain(document["components"]["schemas"])}


def _operation(operation: Mapping[str, Any], path: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [*path.get("parameters", ()), *operation.get("parameters", ())]
    body = operation.get("requestBody", {})
    found = {f"{one['in']} {one['name']}": _field(one) for one in parameters}
    if body:
        found["body"] = _field({"required": body.get("required", False), "schema": {}})
    return {
        "parameters": found,
        "request": _contents(body),
        "answers": {
            status: {"content": _contents(answer), "headers": _headers(answer.get("headers", {}))}
            for status, answer in operation["responses"].items()
        },
    }


def _field(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": one.get("required", False), "schema": _plain(one["schema"])}


def _headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the header fields of an answer as the members of an object."""
    fields = {name: _field(one) for name, one in headers.items()}
    return {
        "properties": {name: one["schema"] for name, one in fields.items()},
        "required": [name for name, one in fields.items() if one["required"]],
    }


def _security(
    required: Sequence[Mapping[str, Any]], schemes: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the ways to prove who calls, one of which is enough; none where nobody must."""
    ways = []
    for names in required:
        proofs = [
            " ".join(v for k, v in schemes[name].items() if k != "description") for name in names
        ]
        ways.append(" and ".join(sorted(proofs)))
    return sorted(set(ways)) if all(ways) else []


def _contents(part: Mapping[str, Any]) -> dict[str, Any]:
    contents = part.get("content", {})
    return {media_type: _plain(one.get("schema", {})) for media_type, one in contents.items()}


def _plain(schema: Any) -> Any:  # noqa: ANN401 - a schema holds any JSON value
    """Return the schema without what is for people; the names of members are left alone."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _plain(one) for name, one in value.items()}
        if key in {"properties", "patternProperties"}
        else _plain(value)
        for key, value in schema.items()
        if key not in _SILENT or isinstance(value, dict)
    }
