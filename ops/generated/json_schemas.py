"""Write JSON Schemas of the records and the one request body that are ours: docs/schemas/.

They are for readers: a reader must take members it does not know, and some of our words are open.
Our own models refuse both, so nothing undeclared is ever written.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from contracts.anomaly import Anomaly
from contracts.status import StatusEvent
from contracts.topics import Role, topic_version
from contracts.update import VerifiedUpdate
from workers.verifier.verify import ExpectationPayload

SCHEMAS: Final[dict[str, type[BaseModel]]] = {
    f"verified-update.{topic_version(Role.VERIFIED)}": VerifiedUpdate,
    f"status-event.{topic_version(Role.STATUS)}": StatusEvent,
    f"anomaly.{topic_version(Role.ANOMALIES)}": Anomaly,
    "expectation.v1": ExpectationPayload,
}
# Lists of words that grow without a new version: no reader may fail at one it does not know.
_OPEN: Final = frozenset({"AnomalyCode", "FindingCode", "Scheme", "Source"})
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema(name: str) -> str:
    """Return one schema by its name in `SCHEMAS`."""
    schema = _for_readers(SCHEMAS[name].model_json_schema())
    kind, _, version = name.partition(".")
    named = {"$schema": _DIALECT, "$id": f"urn:esito:schema:{kind}:{version}", **schema}
    return json.dumps(named, indent=2, sort_keys=False, ensure_ascii=False) + "\n"


def component_schemas() -> dict[str, Any]:
    """Return all schemas under their models' names, referring to each other as components do."""
    inputs = [(model, "validation") for model in SCHEMAS.values()]
    _, schemas = models_json_schema(inputs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]  # a list of literals
    found: dict[str, Any] = _for_readers(schemas)["$defs"]
    return found


def open_words(words: Iterable[str]) -> dict[str, Any]:
    """Return the schema of a word that is one of `words` now, and may be another one tomorrow."""
    return {"type": "string", "x-extensible-enum": [str(word) for word in words]}


def _for_readers(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with room for what may be added without a new version."""
    found: dict[str, Any] = _bare(schema)
    definitions = found.get("$defs", {})
    for name in _OPEN & definitions.keys():
        definitions[name].update(open_words(definitions[name].pop("enum")))
    return found


def _bare(schema: Any) -> Any:  # noqa: ANN401 - a schema holds any JSON value
    """Return the schema open to other members, without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _bare(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "additionalProperties" and value is False)
    }
