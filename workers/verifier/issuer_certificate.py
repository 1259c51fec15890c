"""Trust the certificate that an issuer of credentials sends along with what it signed. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from workers.verifier.certificates import Trust, check_certificate, read_certificate
from workers.verifier.jwk import PublicKey

CERTIFICATES_MAX: Final = 5  # a leaf and four authorities; chains of issuers have two or three
SUBJECT_CHARACTERS_MAX: Final = 200


def read_certificates(given: Sequence[bytes]) -> list[x509.Certificate]:
    """Return the certificates of a chain, the leaf first.

    Raises:
        Rejected: `presentation_untrusted`: none, too many, or one that cannot be read.
    """
    if not 0 < len(given) <= CERTIFICATES_MAX:
        raise _untrusted(f"not a chain of 1 to {CERTIFICATES_MAX}")
    try:
        return [read_certificate(one) for one in given]
    except Rejected as error:
        raise _untrusted(f"{error.code}") from None


def issuer_key(
    chain: Sequence[x509.Certificate], trust: Trust | None, *, at: datetime
) -> PublicKey:
    """Return the key of the leaf, if the chain leads to a root for issuers and holds at `at`.

    Raises:
        Rejected: `presentation_untrusted`; the detail has the code of what is wrong with the chain.
    """
    if trust is None:
        raise _untrusted("no root for issuers is configured")
    leaf = chain[0]
    try:
        check_certificate(leaf, chain[1:], trust, at=at)
    except Rejected as error:
        raise _untrusted(f"{error.code}: {error.detail}") from None
    key = leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise _untrusted("a key that is neither RSA nor elliptic")
    return key


def subject_of(certificate: x509.Certificate) -> str:
    """Return the subject as RFC 4514 writes it, cut if very long."""
    return certificate.subject.rfc4514_string()[:SUBJECT_CHARACTERS_MAX]


def _untrusted(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_UNTRUSTED, f"the issuer's certificate: {rule}")
