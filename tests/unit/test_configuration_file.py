"""The configuration file: what it overrides, and errors that name file, line, key and the fix."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.errors import Broken
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration

ENDPOINT = """\
- name: pivot-id
  provider: pivot
  path: /callbacks/pivot
  api_key: {keys: [{id: a, file: keys/pivot.key}]}
"""
NO_KEY = "not a key here; see docs/CONFIGURATION.md for those there are"
NO_SETTING = "is not a setting; see docs/CONFIGURATION.md for the names there are"
SECRET = "hunter2-hunter2-hunter2"  # noqa: S105 - made up, to be looked for in messages

Load = Callable[..., Configuration]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a way to load a text as the file `esito.yaml`, with the environment as keywords."""

    def load_text(text: str, **environ: str) -> Configuration:
        file = tmp_path / "esito.yaml"
        file.write_text(text)
        return load_configuration(file, environ=environ)

    return load_text


def refusal(load: Load, text: str, **environ: str) -> str:
    """Return the message of the refusal, with the file's directory taken away."""
    with pytest.raises(Broken) as refused:
        load(text, **environ)
    return "\n".join(
        "esito.yaml" + line.partition("esito.yaml")[2] if "esito.yaml" in line else line
        for line in str(refused.value).splitlines()
    )


def test_file_with_one_endpoint_is_a_whole_configuration(load: Load) -> None:
    configuration = load("endpoints:\n" + ENDPOINT)

    assert [endpoint.name for endpoint in configuration.endpoints] == ["pivot-id"]
    assert configuration.topics.replication_factor == 3


def test_environment_overrides_file_and_file_overrides_default(load: Load) -> None:
    text = "topic_prefix: file.\ningress: {port: 1, body_seconds: 2}\nendpoints:\n" + ENDPOINT

    configuration = load(text, ESITO_TOPIC_PREFIX="given.", ESITO_INGRESS__PORT="3")

    assert configuration.topic_prefix == "given."
    assert (configuration.ingress.port, configuration.ingress.body_seconds) == (3, 2.0)
    assert configuration.ingress.headers_max == 64


def test_environment_of_the_process_is_not_read_behind_the_callers_back(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESITO_TOPIC_PREFIX", "stray.")

    configuration = load("endpoints:\n" + ENDPOINT)

    assert configuration.topic_prefix == ""


def test_relative_path_of_a_file_is_relative_to_the_configuration(
    load: Load, tmp_path: Path
) -> None:
    text = "kafka_ca_file: /etc/ca.pem\nkafka_key_file: tls/client.key\nendpoints:\n" + ENDPOINT

    configuration = load(text)

    api_key = configuration.endpoints[0].api_key
    assert api_key is not None
    assert api_key.keys[0].file == tmp_path / "keys/pivot.key"
    assert configuration.kafka_key_file == tmp_path / "tls/client.key"
    assert configuration.kafka_ca_file == Path("/etc/ca.pem")


def test_variable_in_the_file_is_replaced(load: Load) -> None:
    text = 'topic_prefix: "${STAGE}."\ningress: {port: "${PORT}"}\nendpoints:\n' + ENDPOINT

    configuration = load(text, STAGE="12", PORT="8081")

    assert (configuration.topic_prefix, configuration.ingress.port) == ("12.", 8081)


def test_validity_of_a_key_is_an_instant_with_its_offset(load: Load) -> None:
    bounded = ENDPOINT.replace("file:", "not_before: 2026-11-01T00:00:00Z, file:")

    configuration = load("endpoints:\n" + bounded)

    api_key = configuration.endpoints[0].api_key
    assert api_key is not None
    assert api_key.keys[0].not_before == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "topic_prefx: a\nendpoints:\n" + ENDPOINT,
            f"esito.yaml:1: topic_prefx: {NO_KEY}",
        ),
        (
            "endpoints:\n" + ENDPOINT + "  hots: a\n",
            f"esito.yaml:6: endpoints.0.hots: {NO_KEY}",
        ),
        (
            "_env_file: a\nendpoints:\n" + ENDPOINT,
            f"esito.yaml:1: _env_file: {NO_KEY}",
        ),
        (
            "ingress:\n  port: high\nendpoints:\n" + ENDPOINT,
            "esito.yaml:2: ingress.port: must be a whole number",
        ),
        (
            "endpoints:\n" + ENDPOINT.replace("pivot-id", "2026"),
            "esito.yaml:2: endpoints.0.name: must be text; put it in quotes",
        ),
        (
            "ingress:\n  body_seconds: .inf\nendpoints:\n" + ENDPOINT,
            "esito.yaml:2: ingress.body_seconds: Input should be a finite number",
        ),
        (
            "endpoints:\n" + ENDPOINT.replace("file:", "not_after: 2026-11-01T00:00:00, file:"),
            "esito.yaml:5: endpoints.0.api_key.keys.0.not_after: must have an offset, such as Z",
        ),
        (
            "endpoints:\n" + ENDPOINT.replace("  path: /callbacks/pivot\n", ""),
            "esito.yaml:2: endpoints.0.path: missing, and there is no default; add it",
        ),
        ("", "esito.yaml:1: endpoints: missing, and there is no default; add it"),
        ("- a\n", "esito.yaml:1: must be a mapping that has the key endpoints"),
        (
            "topic_prefix: ${STAGE}\nendpoints:\n" + ENDPOINT,
            "esito.yaml:1: topic_prefix: ${STAGE} is not set; export STAGE",
        ),
        (
            "topic_prefix: a\ntopic_prefix: b\nendpoints:\n" + ENDPOINT,
            "esito.yaml:2: topic_prefix: given twice; keep one",
        ),
        (
            "\nendpoints:\n" + ENDPOINT + ENDPOINT.replace("pivot-id", "pivot-my"),
            "esito.yaml:2: endpoints: pivot-id and pivot-my have one path; give each its own",
        ),
        (
            "endpoints:\n" + ENDPOINT + ENDPOINT.replace("/callbacks/pivot", "/callbacks/other"),
            "esito.yaml:1: endpoints: two endpoints have the name pivot-id; give each its own",
        ),
        (
            "endpoints:\n" + ENDPOINT.replace("[{", "[{id: a, file: b}, {"),
            "esito.yaml:5: endpoints.0.api_key: two keys have one id; give each its own",
        ),
    ],
)
def test_fault_in_the_file_names_file_line_key_and_fix(load: Load, text: str, message: str) -> None:
    assert refusal(load, text) == message


@pytest.mark.parametrize(
    "name",
    [
        "ESITO_TOPIC_PREFX",
        "ESITO_topic_prefix",
        "ESITO_INGRESS",
        "ESITO_LOG_LEVEL__X",
        "ESITO_ENDPOINTS",
        "ESITO_ENDPOINTS__0__NAME",
    ],
)
def test_unknown_variable_of_the_environment_is_refused_by_name(load: Load, name: str) -> None:
    found = refusal(load, "endpoints:\n" + ENDPOINT, **{name: SECRET})

    assert found == f"{name} {NO_SETTING}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ESITO_INGRESS__PROT", f"ESITO_INGRESS__PROT: {NO_KEY}"),
        ("ESITO_INGRESS__PORT", "ESITO_INGRESS__PORT: must be a whole number"),
        ("ESITO_LOG_LEVEL", "ESITO_LOG_LEVEL: Input should be 'info', 'warning' or 'error'"),
        ("ESITO_WORKER__BREAKER", "ESITO_WORKER__…: a section is not set whole; set one key of it"),
    ],
)
def test_fault_in_the_environment_names_the_variable_and_not_the_file(
    load: Load, name: str, message: str
) -> None:
    text = "ingress: {port: 1}\nendpoints:\n" + ENDPOINT

    assert refusal(load, text, **{name: SECRET}).startswith(message)


def test_fault_in_the_file_is_not_blamed_on_a_variable_beside_it(load: Load) -> None:
    text = "ingress:\n  port: high\nendpoints:\n" + ENDPOINT

    assert refusal(load, text, ESITO_INGRESS__HOST="::1").startswith("esito.yaml:2: ingress.port:")


def test_every_fault_has_its_own_line(load: Load) -> None:
    text = "log_level: loud\ningress:\n  port: -1\nendpoints:\n" + ENDPOINT

    found = refusal(load, text).splitlines()

    assert [line.rpartition(": ")[0] for line in found] == [
        "esito.yaml:1: log_level",
        "esito.yaml:3: ingress.port",
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"kafka_sasl_password: {SECRET}\nendpoints:\n{ENDPOINT}",
        f"log_level: {SECRET}\nendpoints:\n{ENDPOINT}",
        "endpoints:\n" + ENDPOINT.replace("file: keys/pivot.key", f"secret: {SECRET}"),
        "endpoints:\n" + ENDPOINT.replace("[{id: a, file: keys/pivot.key}]", SECRET),
        "endpoints:\n" + ENDPOINT.replace("id: a", f'id: "{SECRET}!"'),
        f"topic_prefix: {SECRET}\ntopic_prefix: {SECRET}\nendpoints:\n{ENDPOINT}",
        f"ingress: ${{PASSWORD}}\nendpoints:\n{ENDPOINT}",
    ],
)
def test_secret_in_a_wrong_place_is_never_shown(load: Load, text: str) -> None:
    assert SECRET not in refusal(load, text, PASSWORD=SECRET)


def test_missing_file_says_how_to_name_another(tmp_path: Path) -> None:
    file = tmp_path / "absent.yaml"

    with pytest.raises(Broken) as refused:
        load_configuration(file, environ={})

    assert str(refused.value) == (
        f"{file}: cannot be read (No such file or directory); name another with --configuration "
        "or ESITO_CONFIGURATION"
    )


def test_file_that_is_not_utf_8_says_so(tmp_path: Path) -> None:
    file = tmp_path / "esito.yaml"
    file.write_bytes("topic_prefix: è".encode("latin-1"))

    with pytest.raises(Broken, match="not UTF-8; save it as that"):
        load_configuration(file, environ={})
