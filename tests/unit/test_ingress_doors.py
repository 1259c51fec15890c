"""The ingress knows doors as data; an endpoint has exactly the credentials its door demands."""

from pathlib import Path
from typing import Final

import pytest

from contracts.errors import Broken
from contracts.providers import all_providers
from ingress.doors import door_of, load_doors
from runtime.configuration import Endpoint

KEYS: Final = {"keys": [{"id": "a", "file": Path("a.key")}]}
HMAC: Final = {
    **KEYS,
    "hash": "sha256",
    "parts": ["timestamp", "body"],
    "separator": ".",
    "encoding": "hex",
    "timestamp_format": "epoch_seconds",
    "tolerance_seconds": 300,
    "golden_vector_file": Path("golden.json"),
}


def endpoint(provider: str, **settings: object) -> Endpoint:
    return Endpoint.model_validate({"name": "e", "provider": provider, "path": "/p", **settings})


def test_doors_are_those_of_the_providers_modules() -> None:
    assert load_doors() == {name: one.door for name, one in all_providers().items()}


def test_pivot_takes_any_media_type() -> None:
    """It never retries a 415, so the callback would be lost for a header."""
    assert load_doors()["pivot"].media_types == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (endpoint("nobody", api_key=KEYS), "no provider nobody; there are pivot, uaepass"),
        (endpoint("pivot"), "needs the key api_key"),
        (endpoint("uaepass", api_key=KEYS), "needs the key hmac"),
        (endpoint("uaepass", hmac=HMAC), "needs the key api_key"),
        (endpoint("pivot", api_key=KEYS, hmac=HMAC), "offers no hmac; remove the key"),
    ],
)
def test_endpoint_with_other_credentials_than_its_door_demands_is_refused(
    given: Endpoint, message: str
) -> None:
    with pytest.raises(Broken, match=message):
        door_of(given, load_doors())


def test_endpoint_may_rename_the_api_keys_header() -> None:
    given = endpoint("pivot", api_key={**KEYS, "header": "X-Callback-Token"})

    assert door_of(given, load_doors()).api_key_header == "x-callback-token"
