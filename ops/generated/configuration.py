"""Write docs/CONFIGURATION.md: every key with its type, limits, default, meaning and an example."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from ops.generated.markdown import code, page, table
from runtime.configuration import PREFIX, Configuration

Schema = Mapping[str, Any]
_WORDS: Final = {"string": "text", "integer": "whole number"}

_INTRODUCTION = (
    "One YAML file, named by `--configuration` or `ESITO_CONFIGURATION` (default: `esito.yaml`), "
    "and the environment, which comes first. A key that is not listed here is an error, in the "
    "file as in the environment. `${NAME}` in the file is replaced from the environment, and "
    "unset it is an error. Secrets are never written here: a key whose name ends with `file` is a "
    "path, relative to the configuration file. `esito.example.yaml` is a whole configuration; "
    "`esito config check` reads one as the processes do."
)
_GOLDEN_VECTOR = (
    "`golden_vector_file` is JSON with one request as it was captured: `method`, `path` (without "
    "the query), `target_uri` (the whole of it as the provider called it), `timestamp` and "
    "`signature` (the two headers as sent), `body_base64` (the body's bytes), and `secret`, the "
    "one it was signed with. It holds a secret, so take it from the provider's staging and mount "
    "it like a key."
)
_OTHER = (
    "Beside the keys: `ESITO_CONFIGURATION` names the file, `ESITO_CACHE` the directory where the "
    "embedded Kafka keeps its jars, `ESITO_TEST_KAFKA` the cluster and `ESITO_TEST_POSTGRES` the "
    "database server that tests use, and `ESITO_FAILPOINT` the point at which a test kills a "
    "worker."
)


def configuration_page() -> str:
    """Return the page."""
    schema = _schema()
    definitions: Schema = schema["$defs"]
    closing = ("## Golden vectors", _GOLDEN_VECTOR, "## Other variables", _OTHER)
    sections = _section(schema, definitions, heading="The file", path="", env=PREFIX)
    return page("Configuration", _INTRODUCTION, *sections, *closing)


@cache
def _schema() -> Schema:
    return Configuration.model_json_schema()


def _section(
    schema: Schema, definitions: Schema, *, heading: str, path: str, env: str | None
) -> Iterator[str]:
    """Yield one section and those below it; `env` is None inside a list, which has no variable."""
    rows, below = [], []
    for name, field in schema["properties"].items():
        inner, many = _inner(field, definitions)
        key = f"{path}{name}"
        variable = f"{env}{name.upper()}" if env is not None and inner is None else None
        rows.append(_row(name, field, variable, required=name in schema.get("required", ())))
        if inner is not None:
            deeper = None if many or env is None else f"{env}{name.upper()}__"
            below.append((inner, f"{key}[]" if many else key, deeper))
    yield f"## {heading}"
    if path:
        yield schema["description"]
    yield table(("key", "environment", "type and limits", "default", "meaning", "example"), rows)
    for inner, key, deeper in below:
        yield from _section(inner, definitions, heading=code(key), path=f"{key}.", env=deeper)


def _inner(field: Schema, definitions: Schema) -> tuple[Schema | None, bool]:
    """Return the section that a field holds (None: a plain value), and whether it holds many."""
    field = _given(field)
    many = field.get("type") == "array"
    reference = (field["items"] if many else field).get("$ref")
    found = definitions[reference.rpartition("/")[2]] if reference else {}
    return (found if found.get("type") == "object" else None), many


def _given(field: Schema) -> Schema:
    """Return the schema of a value that is given, where a field may also be absent."""
    options = [one for one in field.get("anyOf", (field,)) if one.get("type") != "null"]
    given: Schema = options[0]
    return given


def _row(name: str, field: Schema, variable: str | None, *, required: bool) -> tuple[str, ...]:
    return (
        code(name),
        code(variable) if variable else "",
        _type(_given(field)),
        "**required**" if required else _default(field),
        field["description"],
        _example(name, field),
    )


def _type(field: Schema) -> str:
    if options := _options(field):
        return " or ".join(code(one) for one in options)
    if "$ref" in field:
        return "section"
    match field["type"], field.get("format"):
        case "array", _:
            return f"list of {_type(field['items'])}{_limits(field)}"
        case "string", ("path" | "date-time") as form:
            return {"path": "path", "date-time": "RFC 3339 instant"}[form]
        case kind, _:
            return f"{_WORDS.get(kind, kind)}{_limits(field)}"


def _limits(field: Schema) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "minItems": "at least",
        "pattern": "matching",
    }
    found = [
        f"{word} {code(field[limit]) if limit == 'pattern' else field[limit]}"
        for limit, word in words.items()
        if limit in field
    ]
    return f", {' and '.join(found)}" if found else ""


def _default(field: Schema) -> str:
    default = field.get("default")
    return "" if default is None or isinstance(default, dict) else code(json.dumps(default))


def _example(name: str, field: Schema) -> str:
    given = _given(field)
    example = (field.get("examples") or [field.get("default")])[0]
    if example is None:
        example = next(iter(_options(given)), None)
    if example is None or isinstance(example, dict):
        return ""
    return code(f"{name}: {json.dumps(example)}")


def _options(field: Schema) -> list[str]:
    """Return the words a field takes, where it takes these alone."""
    reference = field.get("$ref", "").rpartition("/")[2]
    named: Schema = _schema()["$defs"].get(reference, field)
    options: list[str] = named.get("enum", [])
    return options
