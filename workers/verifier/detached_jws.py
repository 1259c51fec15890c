"""Verify a detached JWS over a raw body (RFC 7515 appendix F, RFC 7797). Pure.

The header field has `protected..signature`; the payload between the two dots is the body itself,
not its base64url: `b64` is false, and critical. A signature without it, or with `b64: true`, would
be over other bytes; it is refused as malformed, so that no body has two signatures to try.

The certificate is the first of `x5c`, or the pinned one that `x5t#S256` names, or else the only
pinned one there is. Whom it belongs to is the registry's to say.
"""

from base64 import b64decode
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cryptography.x509 import Certificate

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from workers.verifier.base64url import decode_base64url
from workers.verifier.certificate_paths import CERTIFICATES_MAX
from workers.verifier.certificates import (
    CERTIFICATE_BYTES_MAX,
    Trust,
    check_certificate,
    fingerprint,
    read_certificate,
)
from workers.verifier.jws import HEADER_BYTES_MAX, OWN_KEY, read_header, verify_signature

VALUE_BYTES_MAX: Final = HEADER_BYTES_MAX + 2_048  # and an RSA signature of 8,192 bits
_SHA256_BYTES: Final = 32
_DER_SEQUENCE: Final = b"\x30"  # what every certificate begins with
_FORBIDDEN: Final = OWN_KEY - {"x5c"}  # a certificate is checked against the endpoint's trust


def verify_detached_jws(
    value: bytes, body: bytes, trust: Trust, algorithms: Collection[str], *, at: datetime
) -> tuple[Certificate, str, str]:
    """Return the certificate that signed `body`, its fingerprint, and the algorithm.

    1. The value has a protected header and a signature, and nothing between them.
    2. The header says `b64: false` and nothing else critical; its `alg` is allowed.
    3. The certificate is trusted at `at`.
    4. Its key signed the protected header as sent, a dot, and the body.

    Raises:
        Rejected: `signature_malformed`, `token_header_forbidden`, `algorithm_forbidden`,
            `certificate_*`, or `signature_mismatch`.
    """
    # 1
    protected, signature = _parts(value)
    # 2
    header = _header(protected)
    algorithm: str = header["alg"]
    if algorithm not in algorithms:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "alg: not one that is allowed")
    # 3
    leaf, chain = _certificates(header, trust)
    key_id = check_certificate(leaf, chain, trust, at=at)
    # 4
    verify_signature(protected + b"." + body, signature, key=leaf.public_key(), algorithm=algorithm)
    return leaf, key_id, algorithm


def _parts(value: bytes) -> tuple[bytes, bytes]:
    if len(value) > VALUE_BYTES_MAX:
        raise _malformed(f"more than {VALUE_BYTES_MAX} bytes")
    protected, dots, rest = value.partition(b"..")
    if not dots or b"." in protected or b"." in rest:
        raise _malformed("not a protected header, two dots and a signature")
    try:
        return protected, decode_base64url(rest)
    except ValueError as error:
        raise _malformed(f"signature: {error}") from None


def _header(protected: bytes) -> Mapping[str, Any]:
    try:
        header = read_header(protected)
    except Rejected as error:
        raise _malformed(error.detail) from None
    for name in sorted(_FORBIDDEN & header.keys()):
        raise Rejected(RejectionCode.TOKEN_HEADER_FORBIDDEN, name)
    critical = header.get("crit", ["b64"])
    if not isinstance(critical, list) or not critical:
        raise _malformed("crit: a list of names")
    # RFC 7515 §4.1.11: what is critical and not understood makes a JWS invalid.
    if any(name != "b64" for name in critical):
        raise Rejected(RejectionCode.TOKEN_HEADER_FORBIDDEN, "crit: more than b64")
    # RFC 7797 §6: without crit, one reader takes the body as it is and another encodes it first.
    if "crit" not in header or len(critical) != 1 or header.get("b64") is not False:
        raise _malformed("b64 is not false, or not critical")
    return header


def _certificates(
    header: Mapping[str, Any], trust: Trust
) -> tuple[Certificate, Sequence[Certificate]]:
    named = _named(header)
    if "x5c" in header:
        leaf, *chain = _brought(header["x5c"])
        if named is not None and named != fingerprint(leaf):
            raise Rejected(RejectionCode.CERTIFICATE_MALFORMED, "x5t#S256: not that of x5c")
        return leaf, chain
    if named is not None:
        if named not in trust.pinned:
            raise Rejected(RejectionCode.CERTIFICATE_UNTRUSTED, "x5t#S256: none that is pinned")
        return trust.pinned[named], ()
    if len(trust.pinned) != 1:
        raise Rejected(RejectionCode.CERTIFICATE_MISSING, "neither x5c nor x5t#S256")
    return next(iter(trust.pinned.values())), ()


def _named(header: Mapping[str, Any]) -> str | None:
    """Return the fingerprint that the header names, in hexadecimal."""
    if "x5t#S256" not in header:
        return None
    given = header["x5t#S256"]
    try:
        digest = decode_base64url(given.encode("ascii")) if isinstance(given, str) else b""
    except ValueError:
        digest = b""
    if len(digest) != _SHA256_BYTES:
        raise _malformed("x5t#S256: a SHA-256 in base64url")
    return digest.hex()


def _brought(given: object) -> list[Certificate]:
    if not isinstance(given, list) or not 1 <= len(given) <= CERTIFICATES_MAX:
        raise Rejected(
            RejectionCode.CERTIFICATE_MALFORMED, f"x5c: a list of 1 to {CERTIFICATES_MAX}"
        )
    return [_read(one) for one in given]


def _read(text: object) -> Certificate:
    """Return the certificate of one x5c member: DER in base64, not base64url (RFC 7515 §4.1.6)."""
    der = b""
    if isinstance(text, str) and len(text) <= 2 * CERTIFICATE_BYTES_MAX:
        try:
            der = b64decode(text, validate=True)
        except ValueError:
            der = b""
    if not der.startswith(_DER_SEQUENCE):
        raise Rejected(RejectionCode.CERTIFICATE_MALFORMED, "x5c: DER in base64")
    return read_certificate(der)


def _malformed(rule: str) -> Rejected:
    return Rejected(RejectionCode.SIGNATURE_MALFORMED, rule)
