"""Sign JSON Web Signatures: compact tokens, detached over a raw body, and the key set to check by.

Own code on the `cryptography` library, apart from the verifier's. Pure but for the randomness of
signatures. RFC 7515, RFC 7517, RFC 7518, RFC 7797, RFC 8037.
"""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator.pki import Identity

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key of a token issuer: its id in the key set, and the one algorithm it signs with."""

    kid: str
    key: SigningKey = field(repr=False)
    algorithm: str = "ES256"


def new_token_key(kid: str, algorithm: str = "ES256") -> TokenKey:
    """Return a new key for this algorithm."""
    if algorithm == "EdDSA":
        return TokenKey(kid, ed25519.Ed25519PrivateKey.generate(), algorithm)
    if algorithm.startswith("ES"):
        curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
        return TokenKey(kid, ec.generate_private_key(curves[algorithm]), algorithm)
    return TokenKey(kid, rsa.generate_private_key(65_537, 2048), algorithm)


def sign_token(
    claims: Mapping[str, Any], key: TokenKey, *, header: Mapping[str, Any] | None = None
) -> str:
    """Return a compact JWT; members of `header` come over alg, kid and typ, None takes one away."""
    members = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT", **(header or {})}
    protected = {name: value for name, value in members.items() if value is not None}
    signing_input = f"{encode_json(protected)}.{encode_json(claims)}"
    signature = sign_input(key.key, key.algorithm, signing_input.encode())
    return f"{signing_input}.{encode(signature)}"


def sign_detached_jws(
    body: bytes,
    signer: Identity,
    *,
    algorithm: str | None = None,
    header: Mapping[str, Any] | None = None,
) -> str:
    """Return `header..signature` over the raw body (RFC 7797), with the chain in x5c."""
    algorithm = algorithm or algorithm_of(signer.key)
    chain = [b64encode(one.public_bytes(Encoding.DER)).decode() for one in signer.chain]
    members = {"alg": algorithm, "b64": False, "crit": ["b64"], "x5c": chain, **(header or {})}
    protected = encode_json({name: one for name, one in members.items() if one is not None})
    signature = sign_input(signer.key, algorithm, protected.encode() + b"." + body)
    return f"{protected}..{encode(signature)}"


def key_set(keys: Sequence[TokenKey]) -> bytes:
    """Return the JWKS document of the public keys."""
    return json.dumps({"keys": [public_jwk(key) for key in keys]}).encode()


def public_jwk(key: TokenKey) -> dict[str, str]:
    """Return the public key as a JWK, with kid, alg and use."""
    named = {"kid": key.kid, "alg": key.algorithm, "use": "sig"}
    match key.key:
        case rsa.RSAPrivateKey():
            rsa_numbers = key.key.public_key().public_numbers()
            return {
                "kty": "RSA",
                "n": encode(_shortest(rsa_numbers.n)),
                "e": encode(_shortest(rsa_numbers.e)),
                **named,
            }
        case ec.EllipticCurvePrivateKey():
            ec_numbers = key.key.public_key().public_numbers()
            length = (key.key.curve.key_size + 7) // 8
            return {
                "kty": "EC",
                "crv": _CURVES[key.key.curve.name],
                "x": encode(ec_numbers.x.to_bytes(length, "big")),
                "y": encode(ec_numbers.y.to_bytes(length, "big")),
                **named,
            }
        case _:
            raw = key.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return {"kty": "OKP", "crv": "Ed25519", "x": encode(raw), **named}


def sign_input(key: SigningKey, algorithm: str, signing_input: bytes) -> bytes:
    """Return the JWS signature of these bytes (RFC 7518 section 3).

    Raises:
        ValueError: the key cannot sign with this algorithm.
    """
    family, digest = algorithm[:2], _HASHES.get(algorithm[2:])
    if isinstance(key, ed25519.Ed25519PrivateKey) and algorithm == "EdDSA":
        return key.sign(signing_input)
    if isinstance(key, rsa.RSAPrivateKey) and digest and family in {"RS", "PS"}:
        return key.sign(signing_input, _padding(family, digest), digest)
    if isinstance(key, ec.EllipticCurvePrivateKey) and digest and family == "ES":
        length = (key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(signing_input, ec.ECDSA(digest)))
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")
    raise ValueError(f"this key does not sign with {algorithm}")


def algorithm_of(key: SigningKey) -> str:
    """Return the usual algorithm of a key: EdDSA, PS256, or that of the curve."""
    match key:
        case ed25519.Ed25519PrivateKey():
            return "EdDSA"
        case rsa.RSAPrivateKey():
            return "PS256"
        case _:
            return {"secp256r1": "ES256", "secp384r1": "ES384"}.get(key.curve.name, "ES512")


def encode(raw: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def encode_json(members: Mapping[str, Any]) -> str:
    """Return the base64url of a JSON object without spaces."""
    return encode(json.dumps(members, separators=(",", ":")).encode())


def _padding(family: str, digest: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if family == "RS":
        return padding.PKCS1v15()
    # RFC 7518 section 3.5: the salt is as long as the digest.
    return padding.PSS(padding.MGF1(digest), digest.digest_size)


def _shortest(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
