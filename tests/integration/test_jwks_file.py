"""Key sets from files: read at the start, and again when they change."""

from pathlib import Path
from typing import Any

import pytest

from contracts.errors import Broken
from runtime.token_configuration import TokenIssuer
from tests.integration.key_server import KEYS, NEW, OLD, Installation, now
from tests.jose import ISSUER, jwks
from workers.verifier.jwk import JWKS_BYTES_MAX
from workers.verifier.jwks_source import JwksSource


async def test_file_is_read_at_once_and_again_when_it_changes(tmp_path: Path) -> None:
    place = Installation(tmp_path)
    file = tmp_path / "keys.json"
    file.write_bytes(KEYS)
    issuer = _from_file(place, file, refresh_seconds=0.1)

    async with place.reading(issuer) as source:
        assert source.key(issuer, "ES256-1", "ES256", now())
        assert await place.outcome() == ("unchanged", 1)
        file.write_bytes(jwks(OLD, NEW))
        while await place.outcome() != ("fetched", 2):
            pass
        file.write_bytes(b'{"keys":')
        while await place.outcome() != ("not_a_key_set", 2):
            pass
        file.unlink()
        while await place.outcome() != ("unreachable", 2):
            pass

        assert source.key(issuer, "ES256-2", "ES256", now())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, r"keys.json: cannot be read \(No such file"),
        (b"", r"keys.json: not a key set \(not JSON"),
        (b'{"keys":[]}', r"keys.json: not a key set \(keys: none that verifies"),
        (KEYS.ljust(JWKS_BYTES_MAX + 1), r"keys.json: not a key set \(more than"),
    ],
)
def test_file_that_is_no_key_set_ends_the_start(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(Broken, match=reason):
        JwksSource([_issuer_of(file)], lambda *_: None)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_authority_file_that_is_none_ends_the_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    issuer = TokenIssuer(issuer=ISSUER, jwks_uri="https://example.org/k", jwks_ca_file=file)

    with pytest.raises(Broken, match=r"ca.pem: cannot be used as jwks_ca_file"):
        JwksSource([issuer], lambda *_: None)


def _issuer_of(file: Path) -> TokenIssuer:
    return TokenIssuer(issuer=ISSUER, jwks_file=file)


def _from_file(place: Installation, file: Path, **settings: Any) -> TokenIssuer:  # noqa: ANN401 - settings of any type
    elsewhere = {"jwks_uri": None, "jwks_ca_file": None, "allow_private_addresses": False}
    return place.issuer(**elsewhere, jwks_file=file, **settings)
