"""The tools that others use take our documents, and would not take them with a fault in them."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from contracts.providers import all_providers
from contracts.topics import Role
from ops.contract_rule.surface import HTTP_DOCUMENTS
from ops.generate import ROOT
from tests.deploy.tools import call, called

SOURCE = Path(__file__).parent / "contract_tools"
DOCS = ROOT / "docs"
QUIET = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install what the lock names, away from the tree."""
    built = shutil.ignore_patterns("node_modules")
    folder = tmp_path_factory.mktemp("tools") / "contract_tools"
    shutil.copytree(SOURCE, folder, ignore=built)
    called("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", directory=folder)
    return folder


def parsed(tools: Path, document: Path) -> dict[str, Any]:
    """Return what the parser of the AsyncAPI Initiative finds."""
    found: dict[str, Any] = json.loads(
        called("node", "asyncapi.mjs", str(document), directory=tools)
    )
    return found


def linted(tools: Path, document: Path) -> list[str]:
    """Return the faults that Redocly finds by its recommended rules.

    But for one: /healthz and its like answer no 4xx.
    """
    cli = str(tools / "node_modules" / "@redocly" / "cli" / "bin" / "cli.js")
    rules = ("--extends=recommended", "--skip-rule=operation-4xx-response")
    words = ("node", cli, "lint", *rules, "--format=json", str(document))
    done = call(*words, directory=tools, environment=QUIET)
    return [f"{one['ruleId']}: {one['message']}" for one in json.loads(done.stdout)["problems"]]


def test_asyncapi_parser_has_nothing_to_say_and_finds_everything(tools: Path) -> None:
    found = parsed(tools, DOCS / "asyncapi.yaml")

    assert found["diagnostics"] == []
    assert found["document"]["version"] == "3.1.0"
    assert found["document"]["channels"] == len(all_providers()) * len(Role)
    assert found["document"]["messages"] == len(Role)


def test_asyncapi_parser_refuses_a_fault(tools: Path, tmp_path: Path) -> None:
    text = (DOCS / "asyncapi.yaml").read_text()
    file = tmp_path / "asyncapi.yaml"
    file.write_text(text.replace("action: send\n", "action: sent\n", 1))

    found = parsed(tools, file)

    assert "asyncapi-document-resolved" in {one["code"] for one in found["diagnostics"]}


@pytest.mark.parametrize("name", HTTP_DOCUMENTS)
def test_openapi_document_has_no_fault(tools: Path, name: str) -> None:
    assert linted(tools, DOCS / f"{name}.yaml") == []


def test_openapi_fault_is_found(tools: Path, tmp_path: Path) -> None:
    text = (DOCS / "openapi-streams.yaml").read_text()
    file = tmp_path / "openapi.yaml"
    file.write_text(text.replace("#/components/schemas/Page", "#/components/schemas/Pages"))

    assert [one for one in linted(tools, file) if one.startswith("no-unresolved-refs")]
