"""Trust a certificate at a time, or say in which of seven ways it fails. Pure: values in.

The reasons are told apart in this order, and the first that holds is given (srtp.md A5):

1. `certificate_malformed`: it, or its chain, cannot be read.
2. `certificate_untrusted`: no chain of accepted signatures leads to a root, and it is not pinned.
3. `certificate_chain_invalid`: a chain leads to a root, but one of its CAs may not issue so.
4. `certificate_not_yet_valid`, `certificate_expired`: any certificate of the chain.
5. `certificate_profile_invalid`: it is not one to sign, or to call, with.
6. `certificate_revoked`: any certificate of the chain, the root excepted.
7. `certificate_status_unknown`: where the endpoint demands a current list for each.

Of several chains (cross-signed CAs) one that holds is enough; if none does, the reason is that of
the chain that came furthest. A pinned certificate needs no chain; 4 to 7 hold for it too. RSA keys
below 2048 bits are `certificate_untrusted`, and so are signatures by SHA-1 and MD5: who could forge
a link of the chain makes it none. A signature that nobody relies on may be of any kind: a root's or
a pinned certificate's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from workers.verifier.certificate_paths import (
    CERTIFICATES_MAX,
    Path,
    extension_of,
    find_paths,
    key_fault,
    path_of,
    quietly,
)
from workers.verifier.revocation import (
    Revocation,
    RevocationList,
    lists_about,
    read_list,
    revocation_of,
)

CERTIFICATE_BYTES_MAX: Final = 16_384  # eight times a qualified certificate with its statements
CHAIN_BYTES_MAX: Final = 65_536  # ten certificates in PEM of three times the usual size
NAME_PARTS_MAX: Final = 32  # twice those of the longest in use; names are compared part by part
# Signers are hundreds at most. The bound is against a caller who sends ever new certificates: at
# their largest, 512 of them are 8 MiB.
_KNOWN_MAX: Final = 512

# What the library raises where a certificate or a list is none.
READING_ERRORS: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_PEM: Final = b"-----BEGIN "
_ORDER: Final = (
    RejectionCode.CERTIFICATE_UNTRUSTED,
    RejectionCode.CERTIFICATE_CHAIN_INVALID,
    RejectionCode.CERTIFICATE_NOT_YET_VALID,
    RejectionCode.CERTIFICATE_EXPIRED,
    RejectionCode.CERTIFICATE_PROFILE_INVALID,
    RejectionCode.CERTIFICATE_REVOKED,
    RejectionCode.CERTIFICATE_STATUS_UNKNOWN,
)
_CLIENT_PURPOSES: Final = {
    ExtendedKeyUsageOID.CLIENT_AUTH,
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}


@dataclass(frozen=True, slots=True)
class _Known:
    """A chain, and for each of its certificates but the root the lists of its issuer.

    `key_id` is the leaf's fingerprint; `unfit` says why it may not sign, `unfit_to_call` why not
    call.
    """

    path: Path
    key_id: str
    unfit: str
    unfit_to_call: str
    lists: tuple[tuple[x509.Certificate, tuple[RevocationList, ...]], ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom an endpoint trusts. `pinned` is by the lower-case hex SHA-256 of the DER.

    The chains of certificates seen before are remembered, so that only times and revocation are
    judged anew; a new Trust remembers nothing.
    """

    roots: tuple[x509.Certificate, ...]
    pinned: Mapping[str, x509.Certificate]
    intermediates: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...]
    reject_unknown: bool
    skew: timedelta
    _known: Callable[[x509.Certificate, tuple[x509.Certificate, ...]], tuple[_Known, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Read the lists.

        Raises:
            ValueError: a list cannot be used; see `revocation.read_list`.
        """
        lists = tuple(read_list(crl) for crl in self.crls)
        signers = (*self.roots, *self.intermediates, *self.pinned.values())

        def know(leaf: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> tuple[_Known, ...]:
            if fingerprint(leaf) in self.pinned:
                paths: tuple[Path, ...] = (path_of((leaf,), fault=""),)
            else:
                paths = find_paths(leaf, (*self.intermediates, *chain), self.roots)
            return tuple(_know(path, lists, signers) for path in paths)

        object.__setattr__(self, "_known", lru_cache(maxsize=_KNOWN_MAX)(know))

    def known(
        self, leaf: x509.Certificate, chain: Sequence[x509.Certificate]
    ) -> tuple[_Known, ...]:
        """Return the chains that lead from `leaf` to a root, sound or not."""
        return self._known(leaf, tuple(chain))


# The same bytes are always the same certificate, and senders bring their chain with every message:
# reading it, and its public key, costs more than a signature does. A refusal is not remembered.
@lru_cache(maxsize=_KNOWN_MAX)
def read_certificate(given: bytes) -> x509.Certificate:
    """Return the one certificate that `given` is, in DER or PEM.

    Raises:
        Rejected: `certificate_malformed`.
    """
    if len(given) > CERTIFICATE_BYTES_MAX:
        raise _malformed(f"the certificate has more than {CERTIFICATE_BYTES_MAX} bytes")
    if given.lstrip().startswith(_PEM):
        chain = read_chain(given)
        if len(chain) != 1:
            raise _malformed("more than one certificate where one must stand")
        return chain[0]
    return _read(lambda: [x509.load_der_x509_certificate(given)])[0]


def read_chain(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM text, one at least.

    Raises:
        Rejected: `certificate_malformed`.
    """
    if len(pem) > CHAIN_BYTES_MAX:
        raise _malformed(f"the chain has more than {CHAIN_BYTES_MAX} bytes")
    if pem.count(_PEM) > CERTIFICATES_MAX:
        raise _malformed(f"the chain has more than {CERTIFICATES_MAX} certificates")
    return _read(lambda: x509.load_pem_x509_certificates(pem))


@lru_cache(maxsize=_KNOWN_MAX)
def fingerprint(certificate: x509.Certificate) -> str:
    """Return the lower-case hex SHA-256 of the certificate's DER."""
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def check_certificate(
    leaf: x509.Certificate,
    chain: Sequence[x509.Certificate],
    trust: Trust,
    *,
    at: datetime,
    client: bool = False,
) -> str:
    """Return the fingerprint of a certificate that is trusted at `at`, to call with if `client`.

    `chain` is what the caller sent along: in any order, the leaf and strangers among it.

    Raises:
        Rejected: one of 2 to 7 above.
    """
    if fault := key_fault(leaf):
        raise Rejected(RejectionCode.CERTIFICATE_UNTRUSTED, f"the certificate has {fault}")
    furthest = Rejected(
        RejectionCode.CERTIFICATE_UNTRUSTED,
        "no chain of accepted signatures leads to a pinned root",
    )
    for known in trust.known(leaf, chain):
        failure = _failure(known, trust, at=at, client=client)
        if failure is None:
            return known.key_id
        if _ORDER.index(failure.code) > _ORDER.index(furthest.code):
            furthest = failure
    raise furthest


def _know(
    path: Path, lists: Sequence[RevocationList], signers: Sequence[x509.Certificate]
) -> _Known:
    chain = path.certificates
    # A chain of one is a pinned certificate: its issuer's list may be configured all the same.
    below = chain[:-1] or chain
    about = tuple(
        (one, lists_about(one, lists, (*chain[number : number + 1], *signers)))
        for number, one in enumerate(below, 1)
    )
    return _Known(path, fingerprint(chain[0]), _unfit(chain[0]), _unfit_to_call(chain), about)


def _read(load: Callable[[], list[x509.Certificate]]) -> tuple[x509.Certificate, ...]:
    try:
        with quietly():
            certificates = tuple(load())
            for one in certificates:
                # The library reads these when they are first asked for, and keeps them; ask now,
                # where errors are due.
                _ = one.subject, one.issuer, one.extensions
                _ = one.not_valid_before_utc, one.not_valid_after_utc, one.signature_algorithm_oid
            numbered = all(one.serial_number > 0 for one in certificates)
    except READING_ERRORS:
        raise _malformed("neither DER nor PEM of an X.509 certificate") from None
    if not certificates:
        raise _malformed("no certificate")
    # RFC 5280 §4.1.2.2. The library still reads such certificates, with a warning.
    if not numbered:
        raise _malformed("a serial number that is not positive")
    if any(
        len(name) > NAME_PARTS_MAX for one in certificates for name in (one.subject, one.issuer)
    ):
        raise _malformed(f"a name of more than {NAME_PARTS_MAX} parts")
    if not all(map(_has_one_spelling, certificates)):
        raise _malformed("a signature that is no whole number of bytes")
    return certificates


def _has_one_spelling(certificate: x509.Certificate) -> bool:
    # X.690 §8.6.2.2: how many bits of the last byte do not count stands before a signature, outside
    # of what is signed. The library takes any number, and each makes another fingerprint.
    der = certificate.public_bytes(Encoding.DER)
    return der.endswith(b"\0" + certificate.signature)


def _failure(known: _Known, trust: Trust, *, at: datetime, client: bool) -> Rejected | None:
    path = known.path
    if path.fault:
        return Rejected(RejectionCode.CERTIFICATE_CHAIN_INVALID, path.fault)
    # Differences, not sums: the last day of the year 9999 has no tomorrow.
    if path.not_before - at > trust.skew:
        return Rejected(RejectionCode.CERTIFICATE_NOT_YET_VALID, "at the time of receipt")
    # A chain whose certificates were never valid together is as good as expired, whatever the skew.
    if at - path.not_after > trust.skew or path.not_before > path.not_after:
        return Rejected(RejectionCode.CERTIFICATE_EXPIRED, "at the time of receipt")
    if fault := known.unfit or (known.unfit_to_call if client else ""):
        return Rejected(RejectionCode.CERTIFICATE_PROFILE_INVALID, fault)
    return _revocation_failure(known, trust, at=at)


def _revocation_failure(known: _Known, trust: Trust, *, at: datetime) -> Rejected | None:
    said = [revocation_of(one, lists, at=at, skew=trust.skew) for one, lists in known.lists]
    if Revocation.REVOKED in said:
        return Rejected(RejectionCode.CERTIFICATE_REVOKED, "by a list of its issuer")
    if trust.reject_unknown and Revocation.UNKNOWN in said:
        return Rejected(RejectionCode.CERTIFICATE_STATUS_UNKNOWN, "no current list of its issuer")
    return None


def _unfit(leaf: x509.Certificate) -> str:
    constraints = extension_of(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        return "it is a CA's"
    usage = extension_of(leaf, x509.KeyUsage)
    # content_commitment is the later name of nonRepudiation.
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        return "its key usage is neither digitalSignature nor nonRepudiation"
    return ""


def _unfit_to_call(chain: tuple[x509.Certificate, ...]) -> str:
    # A CA that issues for one purpose alone cannot make certificates for another.
    for one in chain[:-1] or chain:
        purposes = extension_of(one, x509.ExtendedKeyUsage)
        if purposes is not None and not _CLIENT_PURPOSES & set(purposes):
            return "its extended key usage is not clientAuth"
    return ""


def _malformed(detail: str) -> Rejected:
    return Rejected(RejectionCode.CERTIFICATE_MALFORMED, detail)
