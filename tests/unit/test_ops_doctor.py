"""What the doctor says of files and ports; the cluster is examined in the integration tests."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.configuration.named_files import secret_files
from ops.doctor.files import (
    configuration_findings,
    lifetime_findings,
    secret_findings,
)
from ops.doctor.finding import Level
from runtime.configuration import Configuration, Ingress
from runtime.configuration_file import load_configuration
from runtime.endpoint_configuration import ApiKey, Endpoint
from runtime.endpoint_keys import KeyFile

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)


def configuration(*keys: KeyFile) -> Configuration:
    """Return a configuration with one Pivot endpoint."""
    endpoint = Endpoint(
        name="pivot-id", provider="pivot", path="/pivot", api_key=ApiKey(keys=keys, header=None)
    )
    return Configuration(
        endpoints=(endpoint,),
        ingress=Ingress(port=0, public_url="http://127.0.0.1"),
        management_port=0,
    )


def key(file: Path, *, name: str = "a", after: datetime | None = None) -> KeyFile:
    """Return a key that ends at `after`."""
    return KeyFile(id=name, file=file, not_after=after)


@pytest.mark.parametrize(
    ("mode", "level"), [(0o600, Level.OK), (0o640, Level.OK), (0o644, Level.WARN)]
)
def test_secret_open_to_everybody_is_a_warning(tmp_path: Path, mode: int, level: Level) -> None:
    file = tmp_path / "api.key"
    file.write_text("0123456789abcdef")
    file.chmod(mode)

    (finding,) = secret_findings(configuration(key(file)))

    assert finding.level is level


def test_configuration_missing_secret_fails_and_names_the_key(tmp_path: Path) -> None:
    (finding,) = configuration_findings(configuration(key(tmp_path / "none.key")), now=NOW)

    assert (finding.level, finding.subject) == (
        Level.FAIL,
        "endpoints.0.api_key.keys.0.file",
    )


@pytest.mark.parametrize(
    ("after", "levels"),
    [
        (None, [Level.OK]),
        (NOW + 15 * DAY, [Level.OK]),
        (NOW + 14 * DAY, [Level.WARN]),
        (NOW, [Level.FAIL, Level.WARN]),
    ],
)
def test_key_is_noticed_before_its_end(
    tmp_path: Path, after: datetime | None, levels: list[Level]
) -> None:
    found = lifetime_findings(configuration(key(tmp_path / "a", after=after)), now=NOW)

    assert [finding.level for finding in found] == levels


def test_key_past_its_end_beside_a_valid_one_does_not_fail(tmp_path: Path) -> None:
    keys = key(tmp_path / "a", after=NOW - DAY), key(tmp_path / "b", name="b")

    (finding,) = lifetime_findings(configuration(*keys), now=NOW)

    assert finding.level is Level.WARN
    assert finding.said == "key a ended on 2026-11-20T00:00:00+00:00"


# A file in every place that a secret can have.
EVERYTHING = """
ingress: {port: 0, tls: {certificate_file: tls.pem, key_file: tls.key}}
kafka_key_file: kafka.key
kafka_sasl_password_file: kafka
database: {password_file: database}
object_store: {secret_files: {secret_access_key: store}}
streams:
  consumers:
    - id: shop
      keys: [{id: a, file: consumer, not_after: 2026-11-19T00:00:00Z}]
      endpoints: [pivot-id]
endpoints:
  - name: pivot-id
    provider: pivot
    path: /pivot
    api_key: {keys: [{id: a, file: api}]}
    expectations: {keys: [{id: a, file: own}]}
  - name: send
    provider: send
    path: /send
    api_key: {keys: [{id: a, file: delivery}]}
    remote_stream:
      url: https://send.example/v2.8
      stream_id: "1"
      api_key_file: remote
      ca_file: remote.pem
    notifications:
      bodies: [{id: body, tax_id: "00000000000", keys: [{id: a, file: body}]}]
      attachments: {slot_keys: [{id: a, file: slot}]}
      iun_keys: {keys: [{id: a, file: iun}]}
      pdf: {trust_files: [pdf.pem]}
      registry:
        kind: http
        url: https://addresses.example
        api_key_file: registry
        ca_file: registry.pem
"""
SECRETS = {
    "api",
    "body",
    "consumer",
    "database",
    "delivery",
    "iun",
    "kafka",
    "kafka.key",
    "own",
    "registry",
    "remote",
    "slot",
    "store",
    "tls.key",
}


@pytest.fixture
def everything(tmp_path: Path) -> Configuration:
    """Return a configuration that names every kind of file, and none of them is there."""
    file = tmp_path / "esito.yaml"
    file.write_text(EVERYTHING)
    return load_configuration(file, environ={})


def test_every_secret_file_is_looked_at_and_nothing_public(everything: Configuration) -> None:
    files = secret_files(everything)

    assert {file.name for file in files} == SECRETS


def test_every_file_that_is_missing_is_a_fault(everything: Configuration, tmp_path: Path) -> None:
    found = configuration_findings(everything, now=NOW)

    faults = " ".join(finding.said for finding in found if finding.level is Level.FAIL)
    files = SECRETS - {"kafka", "kafka.key"} | {"pdf.pem", "registry.pem", "remote.pem", "tls.pem"}
    assert [name for name in sorted(files) if f"{tmp_path / name}: " not in faults] == []


def test_consumer_whose_key_has_ended_fails(everything: Configuration) -> None:
    found = list(lifetime_findings(everything, now=NOW))

    assert [(finding.subject, finding.said) for finding in found] == [
        ("shop.consumer", "no key is valid now"),
        ("shop.consumer", "key a ended on 2026-11-19T00:00:00+00:00"),
    ]
