"""Verify the signature that a request carries in its X-SRTP-Signature headers. Pure: record in.

Signed are, joined by line feeds: the method, the target URI as the caller wrote it, those of four
header fields that the request has, and the body's own bytes (srtp.md A5). Header values count as
sent; every other header may come, go or change. The reasons to refuse are given in this order:

1. `signature_missing`, `certificate_missing`: one of three headers is absent.
2. `certificate_malformed` and whatever else `certificates` says.
3. `algorithm_forbidden`: the digest is none of six; SHA-1 is not among them.
4. `signature_malformed`: it is not base64.
5. `signature_mismatch`: the certificate's key did not sign these bytes so.

The digest header is not signed: who changes it must find a second digest with the same signature.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.raw import RawCallback
from runtime.plain_base64 import decode_base64
from workers.verifier.certificates import Trust, check_certificate, read_certificate, read_chain

SIGNATURE: Final = "x-srtp-signature"
CERTIFICATE: Final = "x-srtp-signature-certificate"
CHAIN: Final = "x-srtp-signature-certificate-chain"
DIGEST: Final = "x-srtp-signature-algorithm-digest"
SIGNED_FIELDS: Final = frozenset({"content-type", "idempotency-key", "location", "x-request-id"})
# Twice what an RSA key of 8,192 bits makes, in base64.
SIGNATURE_CHARACTERS_MAX: Final = 2_800
# Each signer sends the same two headers every time. At the 32 kB that the ingress takes of each,
# hostile ones make this 16 MB.
_SIGNERS_MAX: Final = 256

# By their names without hyphens and underscores, which senders set as they like.
_DIGESTS: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3256": hashes.SHA3_256(),
    "sha3384": hashes.SHA3_384(),
    "sha3512": hashes.SHA3_512(),
}
_DIGEST_WHEN_ABSENT: Final = b"sha256"

_Padding = padding.PKCS1v15 | padding.PSS


def verify_detached(
    callback: RawCallback, trust: Trust, *, at: datetime
) -> tuple[x509.Certificate, str, str]:
    """Return who signed the request: the certificate, its SHA-256 in hex, and the algorithm.

    Raises:
        Rejected: one of 1 to 5 above, or `record_malformed` when the target URI is no such URI.
    """
    signature = _required(callback, SIGNATURE, RejectionCode.SIGNATURE_MISSING)
    given = _required(callback, CERTIFICATE, RejectionCode.CERTIFICATE_MISSING)
    given_chain = _required(callback, CHAIN, RejectionCode.CERTIFICATE_MISSING)
    certificate, chain = _signer(given, given_chain)
    key_id = check_certificate(certificate, chain, trust, at=at)
    digest = _digest(callback.http.get(DIGEST, _DIGEST_WHEN_ABSENT))
    if len(signature) > SIGNATURE_CHARACTERS_MAX:
        raise Rejected(RejectionCode.SIGNATURE_MALFORMED, f"{SIGNATURE} is too long")
    code = _base64(signature, SIGNATURE, RejectionCode.SIGNATURE_MALFORMED)
    fields = dict(callback.http)
    if callback.content_type:
        fields["content-type"] = callback.content_type.encode("utf-8", "surrogateescape")
    signed = canonical_request(callback.method, callback.target_uri, fields, callback.body)
    return certificate, key_id, _verify(certificate, code, signed, digest)


def canonical_request(
    method: str, target_uri: str, fields: Mapping[str, bytes], body: bytes
) -> bytes:
    """Return the bytes that are signed. `fields` are all of the request's, in any case and order.

    Nothing is normalised: `https://EXAMPLE.org/a` and `https://example.org/a` differ.

    Raises:
        Rejected: `record_malformed` when `target_uri` has no scheme or no authority, and
            `signature_malformed` when a signed field has a line feed, which could be another field.
    """
    try:
        parts = urlsplit(target_uri)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or not parts.netloc:
        raise Rejected(RejectionCode.RECORD_MALFORMED, "esito-target-uri: not an absolute URI")
    lines = sorted(
        (name.lower().encode(), value)
        for name, value in fields.items()
        if name.lower() in SIGNED_FIELDS
    )
    if any(b"\n" in value or b"\r" in value for _, value in lines):
        raise Rejected(RejectionCode.SIGNATURE_MALFORMED, "a signed header field has a line feed")
    signed = [method.upper().encode(), target_uri.encode("utf-8", "surrogateescape")]
    signed += [name + b": " + value for name, value in lines]
    if body:
        signed.append(body)
    return b"\n".join(signed)


def _required(callback: RawCallback, name: str, code: RejectionCode) -> bytes:
    value = callback.http.get(name)
    if not value:
        raise Rejected(code, f"no header {name}")
    return value


@lru_cache(maxsize=_SIGNERS_MAX)
def _signer(
    given: bytes, given_chain: bytes
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """Return the certificate and the chain of two headers: the same for the same bytes."""
    malformed = RejectionCode.CERTIFICATE_MALFORMED
    certificate = read_certificate(_base64(given, CERTIFICATE, malformed))
    return certificate, read_chain(_base64(given_chain, CHAIN, malformed))


def _base64(text: bytes, name: str, code: RejectionCode) -> bytes:
    try:
        return decode_base64(text)
    except ValueError:
        raise Rejected(code, f"{name} is not base64") from None


def _digest(name: bytes) -> hashes.HashAlgorithm:
    plain = name.lower().replace(b"_", b"").replace(b"-", b"").decode("ascii", "replace")
    digest = _DIGESTS.get(plain)
    if digest is None:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, f"{DIGEST} names none that is taken")
    return digest


def _verify(
    certificate: x509.Certificate, code: bytes, signed: bytes, digest: hashes.HashAlgorithm
) -> str:
    """Return the name of the algorithm by which the certificate's key signed `signed`."""
    key = certificate.public_key()
    match key:
        case rsa.RSAPublicKey():
            for name, padded in _rsa_paddings(key, digest):
                if _holds(partial(key.verify, code, signed, padded, digest)):
                    return f"{name}-{digest.name}"
        case ec.EllipticCurvePublicKey():
            if _holds(partial(key.verify, code, signed, ec.ECDSA(digest))):
                return f"ecdsa-{digest.name}"
        case _:
            pass
    raise Rejected(RejectionCode.SIGNATURE_MISMATCH, SIGNATURE)


def _rsa_paddings(
    key: rsa.RSAPublicKey, digest: hashes.HashAlgorithm
) -> Iterator[tuple[str, _Padding]]:
    """Yield the sheet's three, the most frequent first; PSS with any other salt is refused.

    Lengths are written as numbers: in verification, MAX_LENGTH takes a salt of any length.
    """
    yield "rsa-pkcs1v15", padding.PKCS1v15()
    yield "rsa-pss", padding.PSS(padding.MGF1(digest), digest.digest_size)
    longest = padding.calculate_max_pss_salt_length(key, digest)
    yield "rsa-pss-max-salt", padding.PSS(padding.MGF1(digest), longest)


def _holds(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True
