"""Verify a COSE_Sign1 whose signer brings its certificate along (RFC 9052 §4.4, RFC 9360). Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import cbor2
from cryptography import x509

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from workers.verifier.cbor import read_cbor
from workers.verifier.certificate_paths import extension_of
from workers.verifier.certificates import Trust
from workers.verifier.issuer_certificate import issuer_key, read_certificates
from workers.verifier.jws import verify_signature

_ALGORITHM: Final = 1
_CRITICAL: Final = 2
_X5CHAIN: Final = 33
# RFC 9053 §2.1. ISO 18013-5 §9.1.2.4 has EdDSA too, on keys that no certificate here may hold.
_ALGORITHMS: Final[Mapping[int, str]] = {-7: "ES256", -35: "ES384", -36: "ES512"}


def verify_sign1(
    message: object, trust: Trust | None, purpose: x509.ObjectIdentifier, *, at: datetime
) -> tuple[bytes, x509.Certificate]:
    """Return the payload, and the certificate that signed it and is trusted at `at`.

    A certificate that names purposes (extended key usage) must name `purpose`.

    Raises:
        Rejected: `presentation_malformed`, `presentation_untrusted` or `algorithm_forbidden`.
    """
    protected, payload, signature, algorithm, chain = _parts(message)
    key = issuer_key(chain, trust, at=at)
    purposes = extension_of(chain[0], x509.ExtendedKeyUsage)
    if purposes is not None and purpose not in purposes:
        raise _untrusted("its certificate is for another purpose")
    # RFC 9052 §4.4. No data is authenticated beside it: ISO 18013-5 §9.1.2.4.
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    try:
        verify_signature(signed, signature, key=key, algorithm=algorithm)
    except Rejected as error:
        if error.code is RejectionCode.ALGORITHM_FORBIDDEN:
            raise
        raise _untrusted(f"{error.code}") from None
    return payload, chain[0]


def _parts(message: object) -> tuple[bytes, bytes, bytes, str, list[x509.Certificate]]:
    match message:
        case [bytes(protected), dict(unprotected), bytes(payload), bytes(signature)]:
            pass
        case _:
            raise _malformed("not a COSE_Sign1 with its payload")
    try:
        headers = read_cbor(protected)
    except ValueError as error:
        raise _malformed(f"protected headers: {error}") from None
    if not isinstance(headers, dict) or headers.keys() & unprotected.keys():
        raise _malformed("headers: not a map, or one label twice")
    if _CRITICAL in headers or _CRITICAL in unprotected:
        raise _malformed("headers: something critical")
    # What the signature does not cover may not choose how it is checked.
    algorithm = headers.get(_ALGORITHM)
    if not isinstance(algorithm, int) or algorithm not in _ALGORITHMS:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "alg: not one that is allowed")
    chain = _chain({**headers, **unprotected}.get(_X5CHAIN))
    return protected, payload, signature, _ALGORITHMS[algorithm], chain


def _chain(given: object) -> list[x509.Certificate]:
    """Return the certificates of x5chain (RFC 9360 §2): one, or a list with the leaf first."""
    encoded = given if isinstance(given, list) else [given]
    if given is None:
        raise _untrusted("it has no x5chain")
    texts = [one for one in encoded if isinstance(one, bytes)]
    if len(texts) != len(encoded):
        raise _malformed("x5chain: not byte strings")
    return read_certificates(texts)


def _malformed(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_MALFORMED, f"issuerAuth: {rule}")


def _untrusted(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_UNTRUSTED, f"issuerAuth: {rule}")
