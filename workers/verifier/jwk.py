"""Turn a JSON Web Key Set (RFC 7517) into key objects, once, each with what it may verify. Pure.

A key that we cannot use is left out, as RFC 7517 §5 asks: another kind, another use, too weak.
A set that publishes a secret, or names two keys alike, is at fault as a whole.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from contracts.errors import Rejected
from contracts.json_object import read_json
from workers.verifier.base64url import decode_base64url
from workers.verifier.rsa_keys import RSA_BITS_MAX, rsa_fault

JWKS_BYTES_MAX: Final = 65_536  # fifty RSA keys of 4,096 bits are 45 kB
JWKS_KEYS_MAX: Final = 50  # real sets have 1 to 10; each one costs a parse
KID_CHARACTERS_MAX: Final = 200

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
# RFC 7518 §3.4 and RFC 8037: each algorithm has its own curve, and each curve one algorithm.
_CURVES: Final[Mapping[str, tuple[ec.EllipticCurve, str, int]]] = {
    "P-256": (ec.SECP256R1(), "ES256", 32),
    "P-384": (ec.SECP384R1(), "ES384", 48),
    "P-521": (ec.SECP521R1(), "ES512", 66),
}
_CURVE_ALGORITHMS: Final = {curve.name: name for curve, name, _ in _CURVES.values()}
# RFC 7518 §6.2.2, §6.3.2, §6.4: what stands only in private and symmetric keys.
_SECRET_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class Jwk:
    """A public key, and the algorithms of RFC 7518 that it may verify.

    `thumbprint` is that of RFC 7638 (SHA-256, base64url): the key's name where it has no `kid`.
    """

    kid: str | None
    key: PublicKey
    algorithms: frozenset[str]
    thumbprint: str


def parse_jwks(document: bytes) -> tuple[Jwk, ...]:
    """Return the keys of a key set that can verify signatures, in their order.

    Raises:
        ValueError: it is no key set, it is too large, it has a secret, one `kid` twice, or no key
            that we can use. The message names the rule and no value.
    """
    if len(document) > JWKS_BYTES_MAX:
        raise ValueError(f"more than {JWKS_BYTES_MAX} bytes")
    try:
        given = read_json(document).get("keys")
    except Rejected as error:
        raise ValueError(f"not JSON to be read in one way: {error.code}") from None
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ValueError("keys: a list of objects")
    if len(given) > JWKS_KEYS_MAX:
        raise ValueError(f"keys: more than {JWKS_KEYS_MAX}")
    if any(_SECRET_MEMBERS & one.keys() for one in given):
        raise ValueError("keys: a private or symmetric key is published")
    keys = []
    for one in given:
        with suppress(ValueError):
            keys.append(parse_jwk(one))
    kids = [key.kid for key in keys if key.kid is not None]
    if len(set(kids)) != len(kids):
        raise ValueError("keys: one kid stands twice")
    if not keys:
        raise ValueError("keys: none that verifies signatures")
    return tuple(keys)


def parse_jwk(members: Mapping[str, Any]) -> Jwk:
    """Return the key that a JWK describes.

    Raises:
        ValueError: it is private, not for verifying, of another kind, too weak, or malformed. The
            message names the rule and no value.
    """
    if _SECRET_MEMBERS & members.keys():
        raise ValueError("a private or symmetric key")
    kind = members.get("kty")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise ValueError("kty: not one that we know")
    try:
        key = read(members)
    except UnsupportedAlgorithm:
        raise ValueError("not a key that this build verifies with") from None
    return Jwk(
        kid=_kid(members),
        key=key,
        algorithms=_narrowed(fitting_algorithms(key), members),
        thumbprint=_thumbprint(members),
    )


def fitting_algorithms(key: object) -> frozenset[str]:
    """Return the algorithms that a public key of this type, curve and length may verify.

    Raises:
        ValueError: none that we take.
    """
    match key:
        case rsa.RSAPublicKey():
            if fault := rsa_fault(key):
                raise ValueError(fault)
            return _RSA
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVE_ALGORITHMS:
            return frozenset({_CURVE_ALGORITHMS[key.curve.name]})
        case ed25519.Ed25519PublicKey():
            return frozenset({"EdDSA"})
        case _:
            raise ValueError("not a type of key that we verify with")


def _rsa(members: Mapping[str, Any]) -> PublicKey:
    modulus, exponent = _octets(members, "n"), _octets(members, "e")
    # Bounded before the arithmetic; one byte of a sign is what some libraries put before it.
    if len(modulus) > RSA_BITS_MAX // 8 + 1:
        raise ValueError(f"n: more than {RSA_BITS_MAX} bits")
    n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    return rsa.RSAPublicNumbers(e, n).public_key()


def _elliptic(members: Mapping[str, Any]) -> PublicKey:
    name = members.get("crv")
    if not isinstance(name, str) or name not in _CURVES:
        raise ValueError("crv: not one that we know")
    curve, _, size = _CURVES[name]
    x, y = _octets(members, "x"), _octets(members, "y")
    # RFC 7518 §6.2.1.2: the full length of the curve, leading zeros included.
    if len(x) != size or len(y) != size:
        raise ValueError("x, y: not of the curve's length")
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve
    )
    return numbers.public_key()


def _edwards(members: Mapping[str, Any]) -> PublicKey:
    if members.get("crv") != "Ed25519":
        raise ValueError("crv: not one that we know")
    return ed25519.Ed25519PublicKey.from_public_bytes(_octets(members, "x"))


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], PublicKey]]] = {
    "RSA": _rsa,
    "EC": _elliptic,
    "OKP": _edwards,
}
# RFC 7638 §3.2 and RFC 8037 §2.
_THUMBPRINT_MEMBERS: Final = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}


def _octets(members: Mapping[str, Any], name: str) -> bytes:
    text = members.get(name)
    if not isinstance(text, str) or not text.isascii():
        raise ValueError(f"{name}: base64url text")
    return decode_base64url(text.encode())


def _kid(members: Mapping[str, Any]) -> str | None:
    kid = members.get("kid")
    if kid is None:
        return None
    if not isinstance(kid, str) or len(kid) > KID_CHARACTERS_MAX:
        raise ValueError(f"kid: text of at most {KID_CHARACTERS_MAX} characters")
    return kid


def _narrowed(algorithms: frozenset[str], members: Mapping[str, Any]) -> frozenset[str]:
    """Return those of `algorithms` that the key's own `use`, `key_ops` and `alg` leave."""
    if members.get("use", "sig") != "sig":
        raise ValueError("use: not sig")
    operations = members.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise ValueError("key_ops: without verify")
    if "alg" not in members:
        return algorithms
    if members["alg"] not in tuple(algorithms):
        raise ValueError("alg: none that this key verifies")
    return frozenset({members["alg"]})


def _thumbprint(members: Mapping[str, Any]) -> str:
    required = {name: members[name] for name in _THUMBPRINT_MEMBERS[members["kty"]]}
    digest = hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
