"""Sign tokens and publish keys in tests: PyJWT signs what is honest, our hands what is not."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from jwt.algorithms import get_default_algorithms

from contracts.errors import Rejected
from runtime.token_configuration import TokenIssuer
from workers.verifier.jwk import Jwk, parse_jwk
from workers.verifier.jws import read_compact, verify_jws

ISSUER: Final = "https://wallet.example.org"
JWKS_URI: Final = "https://wallet.example.org/jwks.json"
NOON: Final = datetime(2026, 11, 2, 12, tzinfo=UTC)
NOON_SECONDS: Final = 1_793_620_800
CLAIMS: Final = {"iss": ISSUER, "verification_id": "v-1", "iat": NOON_SECONDS - 5}
CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}
ALGORITHMS: Final = (
    *CURVES,
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EdDSA",
)


def private_key(algorithm: str, number: int = 1) -> PrivateKeyTypes:
    """Return the key of this number for an algorithm; the same for all algorithms of RSA."""
    return _private_key("RSA" if algorithm[:2] in {"RS", "PS"} else algorithm, number)


@cache
def _private_key(kind: str, number: int) -> PrivateKeyTypes:
    del number
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind])
    if kind == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65_537, 2_048)


def jwk_members(
    algorithm: str,
    number: int = 1,
    **members: Any,  # noqa: ANN401 - JSON holds any value
) -> dict[str, Any]:
    """Return the public JWK of `private_key(algorithm, number)`, with these members beside."""
    key: Any = private_key(algorithm, number)
    made = get_default_algorithms()[algorithm].to_jwk(key.public_key(), as_dict=True)
    made.pop("key_ops", None)
    return {**made, "kid": f"{algorithm}-{number}", **members}


def jwk(
    algorithm: str,
    number: int = 1,
    **members: Any,  # noqa: ANN401 - JSON holds any value
) -> Jwk:
    """Return the same, parsed."""
    return parse_jwk(jwk_members(algorithm, number, **members))


def jwks(*keys: Mapping[str, Any]) -> bytes:
    """Return a key set."""
    return json.dumps({"keys": keys}).encode()


def token(
    claims: Mapping[str, Any] | None = None,
    *,
    algorithm: str = "ES256",
    number: int = 1,
    header: Mapping[str, Any] | None = None,
) -> str:
    """Return an honest token; a header member of None is left out."""
    members = {"kid": f"{algorithm}-{number}", **(header or {})}
    if members["kid"] is None:
        del members["kid"]  # the library leaves out no other member but typ
    key: Any = private_key(algorithm, number)
    return jwt.encode(dict(claims or CLAIMS), key, algorithm, headers=members)


def b64(value: bytes | str) -> str:
    """Return base64url without padding."""
    given = value.encode() if isinstance(value, str) else value
    return urlsafe_b64encode(given).rstrip(b"=").decode()


def raw_token(
    header: bytes | str, payload: bytes | str, *, algorithm: str = "ES256", number: int = 1
) -> str:
    """Return a token of exactly these bytes, with a signature that holds."""
    signing_input = f"{b64(header)}.{b64(payload)}"
    return f"{signing_input}.{b64(signature(signing_input.encode(), algorithm, number))}"


def signature(signing_input: bytes, algorithm: str, number: int = 1) -> bytes:
    """Return the signature of RFC 7518 over these bytes."""
    made: bytes = get_default_algorithms()[algorithm].sign(
        signing_input, private_key(algorithm, number)
    )
    return made


def x5c(*ders: bytes) -> list[str]:
    """Return certificates as the header member has them."""
    return [b64encode(der).decode() for der in ders]


def issuer(**settings: Any) -> TokenIssuer:  # noqa: ANN401 - settings of any type
    """Return the issuer of the tokens above, with these settings."""
    return TokenIssuer(**{"issuer": ISSUER, "jwks_uri": JWKS_URI, **settings})


def jws_code(
    text: str | bytes, key: Jwk | None = None, algorithms: Collection[str] = ("ES256",)
) -> str:
    """Return the code under which a JWS is rejected."""
    with pytest.raises(Rejected) as caught:
        verify_jws(read_compact(text), key or jwk("ES256"), algorithms=algorithms)
    return str(caught.value.code)
