"""docs/openapi-intake.yaml describes every operation of the intake, and no other."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from intake.build import Builder
from intake.problems import Code, Problem, problem_answer
from ops.generated.openapi_intake import openapi_intake_document
from runtime.configuration_file import load_configuration
from runtime.failpoint import no_failpoint
from runtime.metrics import Metrics
from runtime.telemetry import configure_logging
from tests.integration.intake_settings import SECRETS, send_endpoint
from tests.send.requests import f24, pago_pa, recipient, request


def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(openapi_intake_document())
    return found


def valid(instance: object, name: str) -> None:
    schema = {**document(), "$ref": f"#/components/schemas/{name}"}
    jsonschema.validate(instance, schema, jsonschema.Draft202012Validator)


def test_every_operation_is_described_and_no_other(tmp_path: Path) -> None:
    settings = {
        "endpoints": [send_endpoint()],
        "object_store": {"url": (tmp_path / "files").as_uri()},
    }
    for name, secret in SECRETS.items():
        (tmp_path / name).write_text(secret)
    file = tmp_path / "esito.yaml"
    file.write_text(yaml.safe_dump(settings))
    configuration = load_configuration(file, environ={})
    log = configure_logging(configuration, process="intake")

    app = Builder(configuration, Metrics(), log, no_failpoint).build().app

    described = {
        (operation["operationId"], method.upper(), re.sub("{[a-zA-Z]+}", "x", path))
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }
    assert {(name, method) for name, method, _ in described} == {
        (route.operation, route.method) for route in app.routes
    }
    for name, _, path in described:
        (route,) = [one for one in app.routes if one.operation == name]
        assert route.pattern.fullmatch(path), name


def test_schemas_take_what_we_take_and_what_we_answer() -> None:
    payments = [pago_pa(), f24()]
    answer = problem_answer(Problem(503, Code.UNAVAILABLE), retry_after_seconds=1)

    assert isinstance(answer.body, bytes)
    valid(request(recipients=[recipient(payments=payments)]), "NewNotificationRequest")
    valid(json.loads(answer.body), "Problem")
