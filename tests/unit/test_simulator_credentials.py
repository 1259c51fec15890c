"""Credentials: correct by the endpoint's own profile, or wrong in exactly the one way asked for."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import Broken
from ops.local.installation import Addresses, write_installation
from runtime.configuration_file import load_configuration
from runtime.endpoint_configuration import Endpoint
from runtime.mac import MacInput, TimestampFormat, matching_secret, read_timestamp
from simulator.credentials import Credentials, credentials_of, write_timestamp
from simulator.plan import Presents

NOW = datetime(2026, 11, 21, 10, 0, 0, 123_456, tzinfo=UTC)
BODY = b'{"spTransactionID":"c1"}'
PUBLIC_URL = "https://esito.example.org"


@pytest.fixture
def uaepass(tmp_path: Path) -> Credentials:
    return credentials_of(endpoint(tmp_path, "uaepass"), public_url=PUBLIC_URL)


def test_correct_credentials_of_pivot_are_its_api_key_and_no_signature(tmp_path: Path) -> None:
    credentials = credentials_of(endpoint(tmp_path, "pivot"), public_url=PUBLIC_URL)
    secret = (tmp_path / "keys" / "pivot.key").read_text().strip()

    fields = credentials.headers(BODY, Presents.CORRECT, now=NOW)

    assert fields == {
        "Content-Type": "application/JSON",
        "Accept": "application/JSON",
        "x-api-key": secret,
    }


def test_wrong_key_of_pivot_is_another(tmp_path: Path) -> None:
    credentials = credentials_of(endpoint(tmp_path, "pivot"), public_url=PUBLIC_URL)
    secret = (tmp_path / "keys" / "pivot.key").read_text().strip()

    assert credentials.headers(BODY, Presents.WRONG_KEY, now=NOW)["x-api-key"] != secret


@pytest.mark.parametrize(
    ("presents", "signed_by_us", "stale"),
    [
        (Presents.CORRECT, True, False),
        (Presents.STALE_TIMESTAMP, True, True),
        (Presents.TAMPERED, False, False),
        (Presents.WRONG_KEY, False, False),
    ],
)
def test_credentials_of_uaepass_are_wrong_in_one_way(
    uaepass: Credentials, presents: Presents, *, signed_by_us: bool, stale: bool
) -> None:
    fields = uaepass.headers(BODY, presents, now=NOW)

    claimed = read_timestamp(TimestampFormat.EPOCH_SECONDS, fields["x-timestamp"].encode())
    assert claimed is not None
    assert fits(uaepass, fields) is signed_by_us
    assert (NOW - claimed > timedelta(seconds=300)) is stale


@pytest.mark.parametrize("form", list(TimestampFormat))
def test_timestamp_in_every_format_is_read_back(form: TimestampFormat) -> None:
    read = read_timestamp(form, write_timestamp(form, NOW).encode())

    assert read is not None
    assert abs(read - NOW) < timedelta(seconds=1)


def test_endpoint_without_a_key_of_now_is_broken(tmp_path: Path) -> None:
    expired = endpoint(tmp_path, "pivot")
    assert expired.api_key is not None
    old = expired.api_key.keys[0].model_copy(update={"not_after": NOW - timedelta(days=365)})
    keys = expired.api_key.model_copy(update={"keys": (old,)})

    with pytest.raises(Broken, match="no key of the endpoint is valid now"):
        credentials_of(expired.model_copy(update={"api_key": keys}), public_url=PUBLIC_URL)


def test_installation_written_again_keeps_what_is_there(tmp_path: Path) -> None:
    file = write_installation(tmp_path, Addresses(ingress_port=1111))
    before = {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()}

    write_installation(tmp_path, Addresses(ingress_port=2222))

    assert {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()} == before
    assert load_configuration(file, environ={}).ingress.port == 1111


def test_installations_share_no_secret(tmp_path: Path) -> None:
    write_installation(tmp_path / "a", Addresses())
    write_installation(tmp_path / "b", Addresses())

    assert not secrets_in(tmp_path / "a") & secrets_in(tmp_path / "b")
    assert len(secrets_in(tmp_path / "a")) == 26


def endpoint(directory: Path, provider: str) -> Endpoint:
    file = write_installation(directory, Addresses())
    return next(iter(load_configuration(file, environ={}).endpoints_of(provider).values()))


def fits(credentials: Credentials, fields: Mapping[str, str]) -> bool:
    hmac, ring = credentials.endpoint.hmac, credentials.keys.hmac
    assert hmac is not None
    assert ring is not None
    path = credentials.endpoint.path
    signed = MacInput(fields["x-timestamp"].encode(), "POST", path, f"{PUBLIC_URL}{path}", BODY)
    header = fields["x-uaepass-signature"].encode()
    found = matching_secret(hmac.profile, signed, header=header, secrets=ring.secrets(at=NOW))
    return found is not None


def secrets_in(directory: Path) -> set[str]:
    golden = json.loads((directory / "keys" / "uaepass-golden.json").read_text())
    return {golden["secret"], *(file.read_text() for file in directory.rglob("*.key"))}
