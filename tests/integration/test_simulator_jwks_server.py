"""The simulator's key set server: real TLS, and always the file as it is."""

import json
import ssl
from pathlib import Path

import aiohttp
import pytest

from ops.local.installation import Addresses, write_installation
from ops.local.running_installation import free_row
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from simulator.jwks_server import key_sets_served, publisher
from simulator.sign_jws import key_set, new_token_key


@pytest.fixture(name="configuration")
def _configuration(tmp_path: Path) -> Configuration:
    return load_configuration(
        write_installation(tmp_path, Addresses(jwks_port=free_row(1))), environ={}
    )


async def test_key_set_is_served_to_whoever_trusts_the_authority(
    configuration: Configuration, tmp_path: Path
) -> None:
    async with key_sets_served(configuration):
        found = await fetched(configuration, tmp_path / "pki" / "trust" / "root.pem")

    assert found == json.loads((tmp_path / "wallet" / "jwks.json").read_bytes())


async def test_server_is_no_stranger_s_authority_s(
    configuration: Configuration, tmp_path: Path
) -> None:
    async with key_sets_served(configuration):
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await fetched(configuration, tmp_path / "pki" / "trust" / "other-root.pem")


async def test_published_key_set_is_served_at_once(
    configuration: Configuration, tmp_path: Path
) -> None:
    following = key_set([new_token_key("next")]).decode()

    async with key_sets_served(configuration):
        publisher(configuration)(following)
        found = await fetched(configuration, tmp_path / "pki" / "trust" / "root.pem")

    assert found == json.loads(following)


async def test_second_server_of_one_installation_leaves_it_to_the_first(
    configuration: Configuration, tmp_path: Path
) -> None:
    async with key_sets_served(configuration):
        async with key_sets_served(configuration):
            pass
        found = await fetched(configuration, tmp_path / "pki" / "trust" / "root.pem")

    assert len(found["keys"]) == 1


async def fetched(configuration: Configuration, authority: Path) -> dict[str, list[object]]:
    """Return the key set of the one issuer, over TLS that trusts `authority` alone."""
    tokens = next(one.tokens for one in configuration.endpoints if one.tokens)
    context = ssl.create_default_context(cafile=str(authority))
    async with (
        aiohttp.ClientSession() as session,
        session.get(tokens.issuers[0].jwks_uri or "", ssl=context) as answer,
    ):
        assert answer.content_type == "application/jwk-set+json"
        found: dict[str, list[object]] = json.loads(await answer.read())
        return found
