"""The `esito` command without a cluster: help, examples, errors, files."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner, Result

from ops.__main__ import app
from ops.generate import ROOT
from runtime.mac import Encoding, Hash, MacInput, MacProfile, Part, TimestampFormat, write_mac

SECRET = "a-secret-of-thirty-two-characters"  # noqa: S105 - of these tests alone
CONFIGURATION = """
topic_prefix: t.
endpoints:
  - name: pivot-id
    provider: pivot
    path: /callbacks/pivot
    api_key: {keys: [{id: a, file: api.key}]}
    expectations: {keys: [{id: own, file: api.key}]}
"""


Command = Any  # typer keeps the class to itself


def commands(command: Command, *names: str) -> Iterator[tuple[tuple[str, ...], Command]]:
    """Yield every command of the tree with its names."""
    yield names, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, *names, name)


TREE = dict(commands(typer.main.get_command(app)))
EXAMPLES = [
    line.strip().replace(r"\[", "[")
    for command in TREE.values()
    for line in (command.epilog or "").splitlines()
    if line.strip().startswith("esito ")
]

DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")))
DOCUMENTED = [
    line.removeprefix("$ ").removeprefix(".venv/bin/")
    for document in DOCUMENTS
    for line in document.read_text().splitlines()
    if line.startswith(("$ esito ", "$ .venv/bin/esito "))
]
# What a person is told to type: numbered, or with words after the command's name, which alone
# may also be the name of what is spoken of.
TOLD = sorted(
    {
        " ".join(command.split()).replace(" CODE", " json_invalid")
        for document in DOCUMENTS
        for number, command in re.findall(
            r"(^\d\. )?`(esito [a-z][^`]*)`", document.read_text(), re.MULTILINE
        )
        if number or re.search(r" [^a-z]", command)
    }
)
NAMED = sorted(
    {
        (document.name, words)
        for document in DOCUMENTS
        for words in re.findall(r"`esito ([a-z][a-z-]*(?: [a-z]+)?)", document.read_text())
    }
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a configuration without fault."""
    (tmp_path / "api.key").write_text(SECRET)
    file = tmp_path / "esito.yaml"
    file.write_text(CONFIGURATION)
    return file


def esito(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"ESITO_CONFIGURATION": ""})


@pytest.mark.parametrize("names", TREE, ids=" ".join)
def test_help_of_every_command_is_shown(names: tuple[str, ...]) -> None:
    shown = esito(*names, "--help")

    assert shown.exit_code == 0
    assert "Usage: " in shown.output


def test_help_shows_every_command_under_what_it_is_for() -> None:
    panels = re.findall(r"^╭─ ([A-Z][a-z ]+) ─", esito("--help").output, re.MULTILINE)

    assert panels == ["Options", "Try it", "Set up", "Look", "Act"]


def test_every_command_has_an_example() -> None:
    without = [
        " ".join(names)
        for names, command in TREE.items()
        if not hasattr(command, "commands") and not command.epilog
    ]

    assert without == []


@pytest.mark.parametrize(("document", "words"), NAMED)
def test_command_that_a_document_names_exists(document: str, words: str) -> None:
    first, *rest = words.split()

    assert (first,) in TREE, document
    if hasattr(TREE[first,], "commands"):
        assert not rest or (first, *rest) in TREE, document


@pytest.mark.parametrize("example", [*EXAMPLES, *DOCUMENTED, *TOLD])
def test_example_is_taken_by_the_parser(example: str) -> None:
    shown = re.split(r" && | \| |  #", example)[0]
    _, *words = shlex.split(shown)
    command, names = TREE[()], ["esito"]
    while hasattr(command, "commands"):
        names.append(words.pop(0))
        command = command.commands[names[-1]]

    context = command.make_context(" ".join(names), words)

    assert context.params


def test_help_imports_no_kafka_and_no_configuration() -> None:
    """Each would double the time a person waits for the help."""
    heavy = {"aiokafka", "aiohttp", "pydantic_settings", "runtime.configuration"}
    program = f"import sys; import ops.__main__; print(*sorted({heavy!r} & set(sys.modules)))"

    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert loaded.stdout.split() == []


def test_config_check_faultless_file_says_so(file: Path) -> None:
    checked = esito("config", "check", "--configuration", file)

    assert checked.exit_code == 0
    assert checked.stdout.splitlines() == [
        "pivot-id: provider pivot",
        "  paths: /callbacks/pivot",
        "  demanded: api_key",
        f"{file}: no fault in 1 endpoints, 2 keys, 0 golden vectors",
    ]


def test_config_check_tells_the_same_as_json(file: Path) -> None:
    (file.parent / "api.key").unlink()

    checked = esito("config", "check", "--configuration", file, "--json")

    told = json.loads(checked.stdout)
    assert checked.exit_code == 1
    assert set(told["faults"][0]) == {"place", "key", "what", "fix"}
    assert told["faults"][0]["place"] == f"{file}:7"
    assert [one["demanded"] for one in told["endpoints"]] == [["api_key"]]


def test_config_check_tells_as_json_why_a_file_cannot_be_loaded(file: Path) -> None:
    file.write_text(CONFIGURATION.replace("topic_prefix", "topic_prefx"))

    checked = esito("config", "check", "--configuration", file, "--json")

    (fault,) = json.loads(checked.stdout)["faults"]
    assert checked.exit_code == 1
    assert fault["what"].startswith(f"{file}:2: topic_prefx: not a key here")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("provider: pivot", "provider: pivo", ":5: endpoints.0.provider: no provider pivo\n"),
        (
            "provider: pivot",
            "provider: uaepass",
            ":4: endpoints.0.hmac: provider uaepass needs hmac\n",
        ),
        (
            "file: api.key}]}\n    exp",
            "file: other.key}]}\n    exp",
            ":7: endpoints.0.api_key.keys.0.file: ",
        ),
        (
            "path: /callbacks/pivot",
            "path: /expectations/pivot-id",
            ":8: endpoints.0.expectations: /expectations/pivot-id is taken already, by pivot-id.p",
        ),
        ("topic_prefix: t.", "topic_prefix: t!", ":2: topic_prefix: "),
        ("topic_prefix: t.", "topic_prefx: t.", ":2: topic_prefx: "),
        (
            "topic_prefix",
            "database: {password_file: none}\ntopic_prefix",
            "none: cannot be read (No such file or directory)\n",
        ),
        ("topic_prefix", "kafka_security_protocol: SASL_SSL\ntopic_prefix", "SASL_MECHANISM"),
    ],
)
def test_config_check_fault_names_line_and_key(file: Path, old: str, new: str, said: str) -> None:
    file.write_text(CONFIGURATION.replace(old, new))

    checked = esito("config", "check", "--configuration", file)

    assert checked.exit_code == 1
    assert said in checked.stdout


def test_config_check_several_faults_are_named_at_once(file: Path) -> None:
    (file.parent / "api.key").unlink()

    checked = esito("config", "check", "--configuration", file)

    assert checked.stdout.count("cannot be read (No such file or directory)") == 2
    assert checked.stdout.count("  fix: ") == 2


def test_hmac_profile_found_is_printed_and_written(tmp_path: Path) -> None:
    request, secret = captured(tmp_path)
    vector = tmp_path / "golden.json"

    found = esito(
        "hmac-profile",
        *("--request", request, "--secret-file", secret, "--write-golden-vector", vector),
    )

    assert found.exit_code == 0
    assert "  parts: [timestamp, body]\n" in found.stdout
    assert json.loads(vector.read_text())["secret"] == SECRET
    assert vector.stat().st_mode & 0o777 == 0o600
    assert SECRET not in found.output


def test_hmac_profile_none_says_what_was_tried(tmp_path: Path) -> None:
    request, secret = captured(tmp_path)
    secret.write_text("another")

    found = esito("hmac-profile", "--request", request, "--secret-file", secret)

    assert (found.exit_code, found.stdout) == (1, "none\n")
    assert "every order of timestamp, method, path" in found.stderr


def test_hmac_profile_provider_without_hmac_is_refused(tmp_path: Path) -> None:
    request, secret = captured(tmp_path)

    refused = esito(
        "hmac-profile",
        *("--request", request, "--secret-file", secret, "--provider", "pivot"),
    )

    assert refused.exit_code == 2
    assert "provider pivot signs nothing by HMAC" in refused.stderr


def captured(directory: Path) -> tuple[Path, Path]:
    """Write a captured request and its secret; return both files."""
    signed = MacInput(b"1790000000", "POST", "/callback", "https://esito.example/callback", b"{}")
    profile = MacProfile(
        Hash.SHA256,
        (Part.TIMESTAMP, Part.BODY),
        ".",
        Encoding.HEX,
        TimestampFormat.EPOCH_SECONDS,
    )
    request, secret = directory / "captured.http", directory / "hmac.key"
    secret.write_text(SECRET + "\n")
    request.write_bytes(
        b"POST /callback HTTP/1.1\r\nHost: esito.example\r\nX-Timestamp: 1790000000\r\n"
        b"X-UAEPASS-Signature: " + write_mac(profile, signed, SECRET.encode()) + b"\r\n\r\n{}"
    )
    return request, secret
