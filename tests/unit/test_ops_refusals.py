"""What the `esito` command says of a wrong word or place: one line, and no Kafka is asked."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops.__main__ import app

CONFIGURATION = """
topic_prefix: t.
kafka_bootstrap_servers: 127.0.0.1:1
endpoints:
  - {name: pivot-id, provider: pivot, path: /callbacks/pivot}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "esito.yaml"
    file.write_text(CONFIGURATION)
    return file


def esito(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"ESITO_CONFIGURATION": ""})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("tap --endpoint nowhere", "no endpoint nowhere; the configuration has: pivot-id"),
        ("reverify nonsense", "nonsense: no raw record; write t.callbacks.pivot.raw.v1-0-17"),
        ("simulate --provider acme", "the simulator does not play 'acme'; it plays pivot,"),
        ("simulate --provider pivot --faults x", "pivot cannot show x; it shows burst,"),
    ],
)
def test_name_that_nothing_has_is_told_before_kafka_is_asked(
    file: Path, words: str, said: str
) -> None:
    refused = esito(*words.split(), "--configuration", file)

    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"esito: {said}")


def test_reverify_endpoint_of_another_provider_says_whose_it_is(file: Path) -> None:
    section = "  - {name: other, provider: srtp, path: /other}\n"
    file.write_text(CONFIGURATION + section)

    refused = esito(
        *("reverify", "--provider", "pivot", "--endpoint", "other", "--since", "2h"),
        *("--configuration", file),
    )

    assert refused.exit_code == 2
    assert refused.stderr == "esito: endpoint other is of srtp, not of pivot\n"


def test_file_in_the_place_of_a_directory_is_named_without_a_traceback(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")

    refused = esito("up", "--data", taken)

    assert refused.exit_code == 2
    assert refused.stderr == f"esito: {taken}/keys: Not a directory\n"


@pytest.mark.parametrize("command", [("topics", "check"), ("config", "check"), ("tap",)])
def test_missing_configuration_is_one_line_without_a_traceback(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    refused = esito(*command, "--configuration", tmp_path / "none.yaml")

    assert refused.exit_code == 2
    assert refused.stdout == ""
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"esito: {tmp_path}/none.yaml: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pivot-id", "a b"), "the transaction id must be"),
        (("nowhere", "tx"), "no endpoint nowhere; the configuration has: pivot-id"),
        (("pivot-id", "tx", "--deadline", "soon"), "soon: not a time"),
        (("pivot-id", "tx", "--key-file", "none.key"), "none.key: cannot be read"),
    ],
)
def test_expect_what_cannot_be_sent_says_why(file: Path, words: tuple[str, ...], said: str) -> None:
    refused = esito("expect", *words, "--configuration", file)

    assert refused.exit_code == 2
    assert said in refused.stderr
