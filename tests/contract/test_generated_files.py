"""Generated files are what their sources say now, and what their standards ask for."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from contracts.access import Operation, Process, Resource, access_of
from contracts.raw import Source
from ops.generate import ROOT, generated_files, main
from ops.generated.json_schemas import SCHEMAS
from runtime.configuration import Configuration
from tests.reference_files import document_verdicts, message_examples


@cache
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(generated_files()["docs/asyncapi.yaml"])
    return document


def test_generated_files_are_those_committed(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--check"])

    assert (code, capsys.readouterr().err) == (0, "")


def test_check_names_the_file_that_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], root=tmp_path)
    (tmp_path / "docs" / "TELEMETRY.md").write_text("other words")
    capsys.readouterr()

    code = main(["--check"], root=tmp_path)

    assert code == 1
    assert capsys.readouterr().err.startswith("docs/TELEMETRY.md differs from its source")
    assert (tmp_path / "docs" / "TELEMETRY.md").read_text() == "other words"


def test_generated_files_do_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    before = generated_files()
    monkeypatch.setenv("ESITO_TOPIC_PREFIX", "other.")
    monkeypatch.setenv("ESITO_TOPICS__PARTITIONS", "3")

    assert generated_files() == before


@pytest.mark.parametrize(("document", "fault"), list(document_verdicts()))
def test_document_is_valid_by_its_standard(document: str, fault: str) -> None:
    assert fault == "", document


def test_examples_are_what_their_schemas_describe() -> None:
    faults = [
        f"{name}: {error.json_path} {error.message}"
        for name, schema, value in message_examples()
        for error in Draft202012Validator(schema).iter_errors(value)
    ]

    assert faults == []


def test_status_event_schema_takes_what_may_be_added_and_no_ninth_status() -> None:
    schema = json.loads((ROOT / "docs/schemas/status-event.v1.schema.json").read_text())
    event = next(value for name, _, value in message_examples() if name == "statusEvent.payload")
    later = json.loads(json.dumps({**event, "other": 1}))
    later["evidence"]["proof"]["scheme"] = "other"

    assert Draft202012Validator(schema).is_valid(event)
    assert Draft202012Validator(schema).is_valid(later)
    assert not Draft202012Validator(schema).is_valid({**event, "status": "other"})


def test_every_record_schema_names_its_own_model() -> None:
    names = {f"docs/schemas/{name}.schema.json" for name in SCHEMAS}

    assert names == {path for path in generated_files() if path.startswith("docs/schemas/")}


def test_every_key_of_the_configuration_has_a_meaning() -> None:
    schema = Configuration.model_json_schema()
    models = {"Configuration": schema, **schema["$defs"]}

    silent = [
        f"{model}.{name}"
        for model, one in models.items()
        for name, field in one.get("properties", {}).items()
        if not field.get("description")
    ]

    assert silent == []


def test_every_source_of_raw_records_is_documented() -> None:
    text = generated_files()["docs/asyncapi.yaml"]

    assert all(f"- {source.value}\n" in text for source in Source)


@pytest.mark.parametrize("process", Process)
def test_asyncapi_has_what_a_process_may_read_and_write(process: Process) -> None:
    channels = asyncapi()["channels"]
    access = access_of(process, ["send"])

    found = {
        (one["action"], channels[one["channel"]["$ref"].rpartition("/")[2]]["address"])
        for name, one in asyncapi()["operations"].items()
        if name.startswith(f"send.{process}.")
    }

    actions = {Operation.READ: "receive", Operation.WRITE: "send"}
    assert found == {
        (actions[operation], grant.name)
        for grant in access.grants
        if grant.resource is Resource.TOPIC
        for operation in grant.operations
        if operation in actions
    }


def test_asyncapi_calls_json_only_what_is() -> None:
    messages = asyncapi()["components"]["messages"]

    found = {name for name, one in messages.items() if one["contentType"] != "application/json"}

    assert found == {"rawCallback", "deadLetter"}
