"""Write JSON Schemas of the records and the one request body that are ours: docs/schemas/."""

import json
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from contracts.anomaly import Anomaly
from contracts.status import StatusEvent
from contracts.update import VerifiedUpdate
from workers.verifier.verify import ExpectationPayload

SCHEMAS: Final[dict[str, type[BaseModel]]] = {
    "verified-update": VerifiedUpdate,
    "status-event": StatusEvent,
    "anomaly": Anomaly,
    "expectation": ExpectationPayload,
}
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema(name: str) -> str:
    """Return one schema by its name in `SCHEMAS`."""
    schema = _bare(SCHEMAS[name].model_json_schema())
    named = {"$schema": _DIALECT, "$id": f"urn:esito:schema:{name}:v1", **schema}
    return json.dumps(named, indent=2, sort_keys=False, ensure_ascii=False) + "\n"


def component_schemas() -> dict[str, Any]:
    """Return all schemas under their models' names, referring to each other as components do."""
    inputs = [(model, "validation") for model in SCHEMAS.values()]
    _, schemas = models_json_schema(inputs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]  # a list of literals
    found: dict[str, Any] = _bare(schemas["$defs"])
    return found


def _bare(schema: Any) -> Any:  # noqa: ANN401 - a schema holds any JSON value
    """Return the schema without the titles that pydantic makes of each name."""
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _bare(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
