"""Read a JWS in compact form (RFC 7515) and verify its signature, by keys of ours alone. Pure.

What a header says is the sender's: it names an algorithm out of those that we allow, and a key out
of those that we have. Encrypted, nested and JSON-serialised forms are not taken.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.json_object import read_json
from workers.verifier.base64url import decode_base64url
from workers.verifier.jwk import KID_CHARACTERS_MAX, Jwk, fitting_algorithms

JWS_BYTES_MAX: Final = 4_194_304  # two portraits of 1 MB, in base64 twice over; a body has 8 MiB
HEADER_BYTES_MAX: Final = 16_384  # x5c with four certificates of 3 kB in base64
OWN_KEY: Final = frozenset({"jku", "jwk", "x5u", "x5c"})
"""The header members by which a token brings its own key (RFC 7515 §4.1.2 to §4.1.6)."""

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
# RFC 7518 §3.5: MGF1 with the same hash, and a salt as long as its output.
_PADDINGS: Final[Mapping[str, padding.AsymmetricPadding]] = {
    **{f"RS{bits}": padding.PKCS1v15() for bits in _HASHES},
    **{
        f"PS{bits}": padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
        for bits, digest in _HASHES.items()
    },
}
# RFC 7518 §3.4: r and s, each as long as the curve's order.
_ELLIPTIC: Final[Mapping[str, tuple[int, ec.ECDSA]]] = {
    "ES256": (32, ec.ECDSA(hashes.SHA256())),
    "ES384": (48, ec.ECDSA(hashes.SHA384())),
    "ES512": (66, ec.ECDSA(hashes.SHA512())),
}
_EDDSA_BYTES: Final = 64  # RFC 8032 §5.1.6
_ENCRYPTED_PARTS: Final = 5  # RFC 7516 §3.1


@dataclass(frozen=True, slots=True)
class CompactJws:
    """The parts of a compact JWS; nothing of it is proven yet."""

    header: Mapping[str, Any]
    algorithm: str
    kid: str | None
    payload: bytes
    signing_input: bytes
    signature: bytes


def read_compact(text: str | bytes, *, forbidden: Collection[str] = OWN_KEY) -> CompactJws:
    """Return the parts of a compact JWS; its signature is still to be verified.

    `forbidden` are the header members it may not have, beside `crit` and `b64`: nothing critical
    is understood (RFC 7515 §4.1.11), and a compact JWS has its payload in base64url.

    Raises:
        Rejected: `token_malformed` or `token_header_forbidden`.
    """
    if len(text) > JWS_BYTES_MAX:
        raise _malformed(f"more than {JWS_BYTES_MAX} bytes")
    if isinstance(text, str):
        if not text.isascii():
            raise _malformed("not ASCII")
        text = text.encode()
    parts = text.split(b".", _ENCRYPTED_PARTS)
    if len(parts) == _ENCRYPTED_PARTS:
        raise _malformed("five parts: an encrypted token")
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        raise _malformed("not three parts")
    header = read_header(parts[0])
    for name in ("crit", "b64", *forbidden):
        if name in header:
            raise Rejected(RejectionCode.TOKEN_HEADER_FORBIDDEN, name)
    if "enc" in header or _nested(header.get("cty")):
        raise _malformed("an encrypted or nested token")
    return CompactJws(
        header=header,
        algorithm=header["alg"],
        kid=header.get("kid"),
        payload=_part(parts[1], "payload"),
        signing_input=text[: len(parts[0]) + 1 + len(parts[1])],
        signature=_part(parts[2], "signature"),
    )


def read_header(part: bytes) -> dict[str, Any]:
    """Return the members of a JOSE header: `alg` is text, `kid` short text where there is one.

    Raises:
        Rejected: `token_malformed`.
    """
    if len(part) > HEADER_BYTES_MAX:
        raise _malformed(f"header: more than {HEADER_BYTES_MAX} bytes")
    try:
        header = read_json(_part(part, "header"))
    except Rejected as error:
        if error.code is RejectionCode.TOKEN_MALFORMED:
            raise
        raise _malformed(f"header: {error.code}") from None
    if not isinstance(header.get("alg"), str):
        raise _malformed("header: alg is text")
    kid = header.get("kid", "")
    if not isinstance(kid, str) or len(kid) > KID_CHARACTERS_MAX:
        raise _malformed(f"header: kid is text of at most {KID_CHARACTERS_MAX} characters")
    return header


def verify_jws(jws: CompactJws, key: Jwk, *, algorithms: Collection[str]) -> None:
    """Return if `key` signed the header and the payload, by one of `algorithms`.

    Raises:
        Rejected: `algorithm_forbidden` (not allowed, or not one of this key), `signature_malformed`
            or `signature_mismatch`.
    """
    if jws.algorithm not in algorithms:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "alg: not one that is allowed")
    if jws.algorithm not in key.algorithms:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "alg: not one of this key")
    verify_signature(jws.signing_input, jws.signature, key=key.key, algorithm=jws.algorithm)


def signer_among(
    keys: Iterable[Jwk], *, jws: CompactJws, algorithms: Collection[str]
) -> Jwk | None:
    """Return the first of `keys` that signed the header and the payload, or None.

    For a token that names none (RFC 7515 §4.1.4: kid is optional) while its issuer changes keys.
    """
    for key in keys:
        with suppress(Rejected):
            verify_jws(jws, key, algorithms=algorithms)
            return key
    return None


def verify_signature(
    signing_input: bytes, signature: bytes, *, key: CertificatePublicKeyTypes, algorithm: str
) -> None:
    """Return if `key` signed `signing_input` by this algorithm of RFC 7518.

    Raises:
        Rejected: `algorithm_forbidden`, `signature_malformed` or `signature_mismatch`.
    """
    try:
        fits = algorithm in fitting_algorithms(key)
    except ValueError:
        fits = False
    if not fits:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "alg: not one of this key")
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                size, method = _ELLIPTIC[algorithm]
                key.verify(_der(signature, size), signing_input, method)
            case rsa.RSAPublicKey():
                _check_length(signature, (key.key_size + 7) // 8)
                digest = _HASHES[algorithm[2:]]
                key.verify(signature, signing_input, _PADDINGS[algorithm], digest)
            case ed25519.Ed25519PublicKey():
                _check_length(signature, _EDDSA_BYTES)
                key.verify(signature, signing_input)
    except InvalidSignature:
        raise Rejected(
            RejectionCode.SIGNATURE_MISMATCH, "the key did not sign these bytes"
        ) from None


def _malformed(rule: str) -> Rejected:
    return Rejected(RejectionCode.TOKEN_MALFORMED, rule)


def _part(part: bytes, name: str) -> bytes:
    try:
        return decode_base64url(part)
    except ValueError as error:
        raise _malformed(f"{name}: {error}") from None


def _nested(content_type: object) -> bool:
    """Tell whether the payload is a token itself: JWT, dc+sd-jwt and so on (RFC 7519 §5.2)."""
    return isinstance(content_type, str) and content_type.lower().endswith("jwt")


def _check_length(signature: bytes, expected: int) -> None:
    if len(signature) != expected:
        raise Rejected(RejectionCode.SIGNATURE_MALFORMED, f"not {expected} bytes")


def _der(signature: bytes, size: int) -> bytes:
    """Return r and s as DER; a zero would pass a verifier that forgot to look (CVE-2022-21449)."""
    _check_length(signature, 2 * size)
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    if not r or not s:
        raise Rejected(RejectionCode.SIGNATURE_MALFORMED, "r or s is zero")
    return encode_dss_signature(r, s)
