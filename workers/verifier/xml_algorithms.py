"""Name the algorithms that an XML signature may use, and verify by them. Pure.

https://www.w3.org/TR/xmldsig-core1/#sec-AlgID and RFC 9231. Not here: SHA-1, SHA-224, DSA, and
HMAC, whose secret a sender could replace by the public key.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509 import Certificate

from contracts.codes import RejectionCode
from contracts.errors import Rejected


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """One signature method; `padding` is that of RSA, None for ECDSA."""

    uri: str
    name: str
    hash: hashes.HashAlgorithm
    padding: padding.AsymmetricPadding | None


@dataclass(frozen=True, slots=True)
class DigestAlgorithm:
    """One digest method."""

    uri: str
    hash: hashes.HashAlgorithm


def public_key_for(
    algorithm: SignatureAlgorithm, certificate: Certificate
) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """Return the certificate's key if it is one for this algorithm.

    Raises:
        Rejected: `algorithm_forbidden`.
    """
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and algorithm.padding is not None:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and algorithm.padding is None:
        return key
    raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "SignatureMethod: not for this kind of key")


def verify_value(
    algorithm: SignatureAlgorithm, certificate: Certificate, *, value: bytes, signed: bytes
) -> None:
    """Return if the certificate's key signed `signed` with `value`.

    Raises:
        Rejected: `algorithm_forbidden`, `signature_mismatch`.
    """
    key = public_key_for(algorithm, certificate)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_ecdsa(value, key.key_size), signed, ec.ECDSA(algorithm.hash))
        elif algorithm.padding is not None:
            key.verify(value, signed, algorithm.padding, algorithm.hash)
    except (InvalidSignature, ValueError):
        raise Rejected(RejectionCode.SIGNATURE_MISMATCH, "SignatureValue") from None


def digest(algorithm: DigestAlgorithm, content: bytes) -> bytes:
    """Return the digest of `content`."""
    hasher = hashes.Hash(algorithm.hash)
    hasher.update(content)
    return hasher.finalize()


def _ecdsa(value: bytes, key_bits: int) -> bytes:
    # RFC 4050 and XML Signature 1.1 §6.4.3: r and s, each as long as the curve's order, no DER.
    size = (key_bits + 7) // 8
    if len(value) != 2 * size:
        raise ValueError("longer numbers would be another spelling of the same signature")
    r, s = (int.from_bytes(half) for half in (value[:size], value[size:]))
    return utils.encode_dss_signature(r, s)


def _rsa(uri: str, hashed: hashes.HashAlgorithm) -> SignatureAlgorithm:
    return SignatureAlgorithm(uri, uri.partition("#")[2], hashed, padding.PKCS1v15())


def _pss(uri: str, hashed: hashes.HashAlgorithm) -> SignatureAlgorithm:
    # RFC 9231 §2.3.10: MGF1 with the same hash, a salt as long as the digest.
    pss = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
    return SignatureAlgorithm(uri, uri.partition("#")[2], hashed, pss)


def _ecdsa_with(uri: str, hashed: hashes.HashAlgorithm) -> SignatureAlgorithm:
    return SignatureAlgorithm(uri, uri.partition("#")[2], hashed, None)


_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
_ENCRYPTION: Final = "http://www.w3.org/2001/04/xmlenc#"
_SHA256: Final = hashes.SHA256()
_SHA384: Final = hashes.SHA384()
_SHA512: Final = hashes.SHA512()

SIGNATURE_ALGORITHMS: Final = {
    one.uri: one
    for one in (
        _rsa(f"{_MORE}rsa-sha256", _SHA256),
        _rsa(f"{_MORE}rsa-sha384", _SHA384),
        _rsa(f"{_MORE}rsa-sha512", _SHA512),
        _pss(f"{_MORE_2007}sha256-rsa-MGF1", _SHA256),
        _pss(f"{_MORE_2007}sha384-rsa-MGF1", _SHA384),
        _pss(f"{_MORE_2007}sha512-rsa-MGF1", _SHA512),
        _ecdsa_with(f"{_MORE}ecdsa-sha256", _SHA256),
        _ecdsa_with(f"{_MORE}ecdsa-sha384", _SHA384),
        _ecdsa_with(f"{_MORE}ecdsa-sha512", _SHA512),
    )
}
DIGEST_ALGORITHMS: Final = {
    one.uri: one
    for one in (
        DigestAlgorithm(f"{_ENCRYPTION}sha256", _SHA256),
        DigestAlgorithm(f"{_MORE}sha384", _SHA384),
        DigestAlgorithm(f"{_ENCRYPTION}sha512", _SHA512),
        DigestAlgorithm(f"{_MORE_2007}sha3-256", hashes.SHA3_256()),
        DigestAlgorithm(f"{_MORE_2007}sha3-384", hashes.SHA3_384()),
        DigestAlgorithm(f"{_MORE_2007}sha3-512", hashes.SHA3_512()),
    )
}
