"""The ingress knows doors as data; an endpoint has exactly the credentials its door demands."""

from pathlib import Path
from typing import Final

import pytest

from contracts.errors import Broken
from contracts.provider import Door
from contracts.providers import all_providers
from ingress.doors import door_of, load_doors, signature_headers
from runtime.endpoint_configuration import Endpoint

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

CERTIFICATE: Final = {"seen_by": "esito"}
SIGNATURE: Final = (
    "x-srtp-signature",
    "x-srtp-signature-certificate",
    "x-srtp-signature-certificate-chain",
)
OPTIONAL: Final = {"required": False}
DOORS: Final = {
    "bank": Door(
        provider="bank",
        credentials=("path_token",),
        offered=("api_key", "client_certificate"),
        kept_headers=("x-request-id",),
    )
}


def endpoint(provider: str, **settings: object) -> Endpoint:
    early = {"early_seconds": 60} if "path_token" in settings else {}
    return Endpoint.model_validate(
        {"name": "e", "provider": provider, "path": "/p", **early, **settings}
    )


def test_doors_are_those_of_the_providers_modules() -> None:
    assert load_doors() == {name: one.door for name, one in all_providers().items()}


def test_pivot_takes_any_media_type() -> None:
    """It never retries a 415, so the callback would be lost for a header."""
    assert load_doors()["pivot"].media_types == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (endpoint("nobody", api_key=KEYS), "no provider nobody; there are .*pivot"),
        (endpoint("pivot"), "needs the key api_key"),
        (endpoint("uaepass", api_key=KEYS), "needs the key hmac"),
        (endpoint("uaepass", hmac=HMAC), "needs the key api_key"),
        (endpoint("pivot", api_key=KEYS, hmac=HMAC), "offers no hmac; remove the key"),
        (endpoint("pivot", api_key=KEYS, path_token=KEYS), "offers no path_token; remove the key"),
        (
            endpoint("pivot", api_key=KEYS, client_certificate=CERTIFICATE),
            "offers no client_certificate; remove the key",
        ),
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


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"api_key": KEYS},
        {"client_certificate": CERTIFICATE},
        {"api_key": KEYS, "client_certificate": CERTIFICATE},
    ],
)
def test_offered_credential_may_be_configured_or_not(settings: dict[str, object]) -> None:
    given = endpoint("bank", path_token=KEYS, **settings)

    assert door_of(given, DOORS) == DOORS["bank"]
    assert signature_headers(given) == ()


def test_demanded_credential_is_not_replaced_by_an_offered_one() -> None:
    with pytest.raises(Broken, match="needs the key path_token"):
        door_of(endpoint("bank", api_key=KEYS), DOORS)


@pytest.mark.parametrize("header", ["X-Request-Id", "x-jws-signature"])
def test_header_of_a_detached_jws_is_kept(header: str) -> None:
    given = endpoint("bank", path_token=KEYS, detached_jws={"header": header})

    kept = door_of(given, DOORS).kept_headers

    assert kept.count(header.lower()) == 1
    assert "x-request-id" in kept


@pytest.mark.parametrize("header", ["authorization", "Cookie", "X-API-Key"])
def test_header_of_a_credential_is_never_kept(header: str) -> None:
    given = endpoint("bank", path_token=KEYS, detached_jws={"header": header})

    with pytest.raises(Broken, match="no record may keep one"):
        door_of(given, DOORS)


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({"xmldsig": {}}, ()),
        ({"xmldsig": {}, "detached_jws": OPTIONAL}, ()),
        ({"detached_signature": {}}, (SIGNATURE,)),
        ({"detached_jws": {"header": "x-jws"}}, (("x-jws",),)),
        ({"detached_signature": {}, "detached_jws": {}}, ((*SIGNATURE, "x-jws-signature"),)),
        ({"detached_signature": {}, "detached_jws": OPTIONAL}, (SIGNATURE,)),
        ({"xmldsig": {}, "detached_signature": {}}, (SIGNATURE,)),
        (
            {"detached_signature": OPTIONAL, "detached_jws": OPTIONAL},
            (SIGNATURE, ("x-jws-signature",)),
        ),
        ({"detached_signature": {}, "client_certificate": CERTIFICATE}, ()),
    ],
)
def test_signature_alone_must_leave_its_headers(
    settings: dict[str, object], headers: tuple[tuple[str, ...], ...]
) -> None:
    assert signature_headers(endpoint("srtp", **settings)) == headers


def test_endpoint_that_nothing_protects_is_refused() -> None:
    with pytest.raises(Broken, match="endpoint e: nothing tells who is calling; configure one of"):
        signature_headers(endpoint("srtp"))
