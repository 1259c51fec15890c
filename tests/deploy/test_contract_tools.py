"""The tools that others use take our documents, and would not take them with a fault in them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from contracts.providers import all_providers
from contracts.topics import Role
from ops.contract_surface import HTTP_DOCUMENTS
from ops.generate import ROOT
from tests.deploy.tools import call, called

TOOLS = Path(__file__).parent / "contract_tools"
DOCS = ROOT / "docs"
QUIET = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    called("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", directory=TOOLS)


def parsed(document: Path) -> dict[str, Any]:
    """Return what the parser of the AsyncAPI Initiative finds."""
    found: dict[str, Any] = json.loads(
        called("node", "asyncapi.mjs", str(document), directory=TOOLS)
    )
    return found


def linted(document: Path) -> list[str]:
    """Return the faults that Redocly finds by its recommended rules.

    But for one: /healthz and its like answer no 4xx.
    """
    cli = str(TOOLS / "node_modules" / "@redocly" / "cli" / "bin" / "cli.js")
    rules = ("--extends=recommended", "--skip-rule=operation-4xx-response")
    words = ("node", cli, "lint", *rules, "--format=json", str(document))
    done = call(*words, directory=TOOLS, environment=QUIET)
    return [f"{one['ruleId']}: {one['message']}" for one in json.loads(done.stdout)["problems"]]


def test_asyncapi_parser_has_nothing_to_say_and_finds_everything() -> None:
    found = parsed(DOCS / "asyncapi.yaml")

    assert found["diagnostics"] == []
    assert found["document"]["version"] == "3.1.0"
    assert found["document"]["channels"] == len(all_providers()) * len(Role)
    assert found["document"]["messages"] == len(Role)


def test_asyncapi_parser_refuses_a_fault(tmp_path: Path) -> None:
    text = (DOCS / "asyncapi.yaml").read_text()
    file = tmp_path / "asyncapi.yaml"
    file.write_text(text.replace("action: send\n", "action: sent\n", 1))

    found = parsed(file)

    assert "asyncapi-document-resolved" in {one["code"] for one in found["diagnostics"]}


@pytest.mark.parametrize("name", HTTP_DOCUMENTS)
def test_openapi_document_has_no_fault(name: str) -> None:
    assert linted(DOCS / f"{name}.yaml") == []


def test_openapi_fault_is_found(tmp_path: Path) -> None:
    text = (DOCS / "openapi-streams.yaml").read_text()
    file = tmp_path / "openapi.yaml"
    file.write_text(text.replace("#/components/schemas/Page", "#/components/schemas/Pages"))

    assert [one for one in linted(file) if one.startswith("no-unresolved-refs")]
