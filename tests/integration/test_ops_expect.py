"""`esito expect` against a running ingress: what it announces lies in the raw topic."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops.__main__ import app
from tests.integration.ingress import Ingress
from tests.kafka import run


def expect(ingress: Ingress, *words: str) -> Result:
    """Run the command against `ingress`."""
    url = ("--url", f"http://127.0.0.1:{ingress.port}")
    file = ("--configuration", str(ingress.directory / "esito.yaml"))
    return CliRunner().invoke(app, ["expect", *words, *url, *file])


def test_expect_announced_transaction_is_stored(shared_ingress: Ingress) -> None:
    announced = expect(shared_ingress, "pivot-id", "tx-1", "--deadline", "2026-11-21T12:00:00Z")

    stored = [json.loads(body) for body in run(shared_ingress.bodies())]
    assert announced.exit_code == 0
    assert {"transaction_id": "tx-1", "deadline": "2026-11-21T12:00:00.000000Z"} in stored


@pytest.mark.parametrize(
    ("endpoint", "key", "said"),
    [
        ("pivot-id", "wrong", "answers 401: the key is not one of the endpoint's expectations"),
        ("nowhere", "wrong", "answers 404: no such endpoint"),
    ],
)
def test_expect_refused_says_what_to_change(
    shared_ingress: Ingress, tmp_path: Path, endpoint: str, key: str, said: str
) -> None:
    file = tmp_path / "own.key"
    file.write_text(key)

    refused = expect(shared_ingress, endpoint, "tx-1", "--key-file", str(file))

    assert refused.exit_code == 2
    assert said in refused.stderr


def test_expect_with_too_many_terms_says_how_many_bytes_are_taken(
    shared_ingress: Ingress, tmp_path: Path
) -> None:
    file = tmp_path / "terms.json"
    file.write_text(json.dumps({"templates": ["x" * 64] * 64}))

    refused = expect(shared_ingress, "pivot-id", "tx-1", "--terms", str(file))

    assert refused.exit_code == 2
    assert "answers 413: more than 4,096 bytes" in refused.stderr


def test_expect_nobody_answers_says_where(tmp_path: Path) -> None:
    file = tmp_path / "own.key"
    file.write_text("key")
    words = ["expect", "pivot-id", "tx-1", "--url", "http://127.0.0.1:1", "--key-file", str(file)]

    refused = CliRunner().invoke(app, words)

    assert refused.exit_code == 2
    assert "http://127.0.0.1:1/expectations/pivot-id does not answer" in refused.stderr
