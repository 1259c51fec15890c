"""Call our intake and streams as the documents that SEND publishes say, and judge the answers."""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.generated_calls import verdicts
from tests.kafka import any_kafka
from tests.postgres import any_postgres
from tests.send.openapi import DOCUMENTS, PUBLISHED, allowed, published, served
from tests.send.site import Site

EXAMPLES: Final = 10
PREFIX: Final = "published."


def call_verdicts(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield each published operation that we serve with what was wrong; none without the files."""
    folder = directory / "send"
    if not folder.is_dir():
        return
    with (
        any_kafka(_say) as kafka,
        any_postgres(_say) as postgres,
        postgres.database() as database,
        tempfile.TemporaryDirectory() as place,
        Site.running(Path(place), kafka.bootstrap_servers, PREFIX, database) as site,
    ):
        for name, file in PUBLISHED.items():
            document = served_part(published(folder / file), name)
            for verdict in verdicts(document, site, examples=EXAMPLES):
                faults = "; ".join(sorted({*verdict.faults}))
                calls = verdict.statuses.total()
                yield f"send: {verdict.label}: {calls} calls as published", faults


def served_part(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what we serve of a published document, with the answers that we give besides."""
    ours = served(yaml.safe_load((DOCUMENTS / f"{name}.yaml").read_text()))
    paths: dict[str, Any] = {}
    for (path, method), operation in served(document).items():
        if (path, method) in ours:
            more = {status: {"description": reason} for status, reason in allowed(path, method)}
            shared = {"parameters": document["paths"][path].get("parameters", [])}
            whole = {**operation, "responses": {**more, **operation["responses"]}}
            paths.setdefault(path, shared)[method] = whole
    return {**document, "paths": paths, "components": _open(document["components"])}


def _open(components: Mapping[str, Any]) -> dict[str, Any]:
    """Return the components with details of an element that fit more than one category.

    They are published as `oneOf` schemas that take each other's values, so none would hold.
    """
    schemas = {
        name: json.loads(json.dumps(schema).replace('"oneOf"', '"anyOf"'))
        if name.startswith("TimelineElementDetails")
        else schema
        for name, schema in components["schemas"].items()
    }
    return {**components, "schemas": schemas}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
