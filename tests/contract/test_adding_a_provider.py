"""docs/ADDING_A_PROVIDER.md is true: a copy of the project that does as it says has a provider."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.topics import Role
from ops.generate import ROOT

LEFT_OUT = (".*", "__pycache__", "node_modules", "vectors", "benchmarks", "examples", "fuzz")
PROVIDER = "contracts/providers/parcel.py"
CONFIGURATION = "esito.yaml"
EXAMPLE = "esito.example.yaml"
CHANGELOG = "docs/CONTRACTS_CHANGELOG.md"
# Those of `make check` that count all providers, or read what is written of them.
TESTS = (
    "tests/architecture/test_catalogues.py::test_provider_file_links_the_page_it_was_written_from",
    "tests/contract/test_compose.py::test_every_provider_that_the_simulator_plays_has_an_endpoint",
    "tests/contract/test_contract_rule.py::test_changelog_names_every_change_since_the_release",
    "tests/contract/test_contract_rule.py::test_nothing_that_was_released_breaks",
    "tests/contract/test_example_configuration.py",
    "tests/contract/test_lifecycle_pictures.py",
    "tests/unit/test_ingress_doors.py",
)

# Run in the copy: what an operator's processes do with the new endpoint, without a Kafka.
PROGRAM = """
import json, sys
from pathlib import Path

from contracts.providers import provider_named
from contracts.raw import RawCallback, Source
from ingress.build import AppBuilder
from runtime.configuration_file import load_configuration
from runtime.key_source import KeySource
from runtime.metrics import Metrics
from runtime.telemetry import configure_logging
from workers.state_machine.decide import decide
from workers.state_machine.decision import Rules
from workers.state_machine.events import status_event
from workers.verifier.policies import Sources, endpoint_policies
from workers.verifier.trust_source import TrustSource
from workers.verifier.verify import verify

configuration = load_configuration(Path("esito.yaml"), environ={})
endpoints = {one.name: one for one in configuration.endpoints}
keys = KeySource(endpoints, lambda _, __: None)
trust = TrustSource(endpoints, lambda _, __: None)
log = configure_logging(configuration, process="test")
app = AppBuilder(configuration, keys, Metrics(), log).build()
provider = provider_named("parcel")
callback = RawCallback(
    body=b'{"parcel": "P-1", "step": "DELIVERED", "at": "2026-11-02", "weight": 3}',
    callback_id="019a4363-1f00-7a31-8b52-6f0c4d2e0001",
    endpoint="parcel-eu",
    source=Source.CALLBACK,
    received_at="2026-11-02T09:49:09.512000Z",
    method="POST",
    target_uri="https://callbacks.example.org/callbacks/parcel",
    principal="api_key:2026-11",
)
(update,) = verify(
    callback,
    provider=provider,
    policies=endpoint_policies(provider, endpoints, Sources(keys, trust, None)),
    topic="callbacks.parcel.raw.v1",
    at=(0, 0),
)
(decision,) = decide(None, update, Rules(provider=provider))
event = status_event(decision, update.what, decision.after, provider.lifecycle)
(door,) = {handler.settings.door.api_key_header for handler in app.routes.values()}
print(json.dumps({"header": door, "event": event.model_dump(mode="json")}))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the project that has the document's provider and its endpoint."""
    root = tmp_path / "esito"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT))
    provider, configuration = _code_blocks()
    (root / PROVIDER).write_text(provider)
    (root / CONFIGURATION).write_text(configuration)
    (root / "keys").mkdir()
    (root / "keys" / "parcel-api-key").write_text("a secret of tests, long enough")
    endpoint = configuration.removeprefix("endpoints:\n")
    _edit(root / EXAMPLE, r"\Z", f"\n{endpoint}")
    _edit(root / EXAMPLE, "(?<=for name in )", "parcel-api-key ")
    return root


def test_file_of_the_document_is_as_the_checks_want_it(copy: Path) -> None:
    _python(copy, "-m", "ruff", "check", "--no-cache", PROVIDER)
    _python(copy, "-m", "ruff", "format", "--check", "--no-cache", PROVIDER)
    _python(copy, "-m", "mypy", "--cache-dir", os.devnull, PROVIDER)


def test_document_leads_to_a_provider_that_every_test_takes(copy: Path) -> None:
    written = _python(copy, "-m", "ops.generate").splitlines()
    told = _python(copy, "-m", "ops.contract_rule").splitlines()
    changes = [one for one in told if "parcel" in one]
    _edit(copy / CHANGELOG, "(?<=\n## Unreleased\n)", "\n" + "\n".join(changes) + "\n")

    assert written == [
        "ingress/doors.json",
        "docs/LIFECYCLES.md",
        "docs/lifecycles/parcel-1.svg",
        "docs/asyncapi.yaml",
        "docs/openapi.yaml",
    ]
    assert len(changes) == len(Role) + 1
    _python(copy, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *TESTS)


def test_added_provider_turns_a_callback_into_a_status_event(copy: Path) -> None:
    _python(copy, "-m", "ops.generate", "ingress/doors.json")

    shown = json.loads(_python(copy, "-c", PROGRAM))

    assert shown["header"] == "x-carrier-key"
    assert shown["event"]["status"] == "completed"
    assert shown["event"]["native_status"] == "DELIVERED"
    assert shown["event"]["final"] is True
    assert shown["event"]["sequence"] == 1


def _edit(file: Path, place: str, text: str) -> None:
    edited, places = re.subn(place, lambda _: text, file.read_text())
    assert places == 1
    file.write_text(edited)


def _code_blocks() -> list[str]:
    text = (ROOT / "docs" / "ADDING_A_PROVIDER.md").read_text()
    return re.findall(r"```(?:python|yaml)\n(.*?)```", text, re.DOTALL)


def _python(directory: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(directory)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
