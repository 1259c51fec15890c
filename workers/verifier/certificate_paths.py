"""Find every chain from a certificate to a pinned root, and what is wrong with it. Pure.

The library's X.509 verifier has one error for all reasons, so a chain is first found and judged
here, where the reasons are told apart; then the verifier must agree with exactly that chain. Times
and revocation are not judged here: they change while a chain stays what it is.
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import SignatureAlgorithmOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from workers.verifier.rsa_keys import rsa_fault

CERTIFICATES_MAX: Final = 10  # from leaf to root, both counted: srtp.md A5
# Three times the longest chain: certificates of one name would otherwise be tried in every order.
SIGNATURE_CHECKS_MAX: Final = 32

# SHA-1 and MD5 are not among them, and the verifier takes no others.
_SIGNATURES: Final = {
    SignatureAlgorithmOID.RSA_WITH_SHA256,
    SignatureAlgorithmOID.RSA_WITH_SHA384,
    SignatureAlgorithmOID.RSA_WITH_SHA512,
    SignatureAlgorithmOID.RSASSA_PSS,
    SignatureAlgorithmOID.ECDSA_WITH_SHA256,
    SignatureAlgorithmOID.ECDSA_WITH_SHA384,
    SignatureAlgorithmOID.ECDSA_WITH_SHA512,
}
_HASHES: Final = {"sha256", "sha384", "sha512"}
_CURVES: Final = {"secp256r1", "secp384r1", "secp521r1"}

E_ = TypeVar("E_", bound=x509.ExtensionType)
NormalName = tuple[frozenset[tuple[str, str]], ...]


@dataclass(frozen=True, slots=True)
class Path:
    """A chain, leaf first and root last, and why it is none to trust: empty if it is.

    `not_before` and `not_after` bound the time in which all of its certificates are valid; where
    there is none, `not_after` is the earlier, and the verifier was not asked.
    """

    certificates: tuple[x509.Certificate, ...]
    fault: str
    not_before: datetime
    not_after: datetime


def find_paths(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
) -> tuple[Path, ...]:
    """Return every chain of accepted signatures from `leaf` over some of `others` to a root."""
    search = _Search(roots, others)
    search.extend((leaf,))
    return tuple(path_of(chain, fault=_fault(chain)) for chain in search.found)


def path_of(chain: tuple[x509.Certificate, ...], *, fault: str) -> Path:
    """Return the chain with the bounds of its validity."""
    not_before = max(one.not_valid_before_utc for one in chain)
    not_after = min(one.not_valid_after_utc for one in chain)
    return Path(chain, fault, not_before, not_after)


def key_fault(certificate: x509.Certificate) -> str:
    """Say what is wrong with a certificate's public key; nothing, if a signature may rest on it."""
    try:
        key = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "a public key of an unknown kind"
    match key:
        case rsa.RSAPublicKey():
            return rsa_fault(key)
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return ""
        case _:
            return "a public key that is neither RSA nor on P-256, P-384 or P-521"


def signature_accepted(signed: x509.Certificate | x509.CertificateRevocationList) -> bool:
    """Tell whether the algorithm that signed a certificate or a list is one of today's strength."""
    try:
        digest = signed.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return False
    return (
        signed.signature_algorithm_oid in _SIGNATURES
        and digest is not None
        and digest.name in _HASHES
    )


def extension_of(
    extended: x509.Certificate | x509.CertificateRevocationList, kind: type[E_]
) -> E_ | None:
    """Return the extension of this kind, or None if there is none."""
    try:
        return extended.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def normal_name(name: x509.Name) -> NormalName:
    """Return a distinguished name such that two that differ in case or spaces alone are equal."""
    return tuple(
        frozenset(
            (attribute.oid.dotted_string, " ".join(str(attribute.value).split()).casefold())
            for attribute in part
        )
        for part in name.rdns
    )


@contextmanager
def quietly() -> Iterator[None]:
    """Read what strangers send without a word on standard error, whatever is odd about it.

    The library warns of a country of three letters, or of text of another kind than is written, and
    reads it all the same. What is not to be taken is refused here, not by a warning.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


class _Search:
    """One search: the chains found, and how many signatures may still be checked."""

    def __init__(
        self, roots: Sequence[x509.Certificate], others: Sequence[x509.Certificate]
    ) -> None:
        self.found: list[tuple[x509.Certificate, ...]] = []
        self._roots = roots
        self._others = others
        self._checks_left = SIGNATURE_CHECKS_MAX

    def extend(self, chain: tuple[x509.Certificate, ...]) -> None:
        last = chain[-1]
        if last in self._roots:
            self.found.append(chain)
            return
        if len(chain) == CERTIFICATES_MAX:
            return
        for candidate in (*self._roots, *self._others):
            if candidate.subject == last.issuer and not _repeats(candidate, chain):
                if self._checks_left == 0:
                    return
                self._checks_left -= 1
                if _issued(candidate, last):
                    self.extend((*chain, candidate))


def _repeats(candidate: x509.Certificate, chain: Iterable[x509.Certificate]) -> bool:
    # RFC 4158 §2.4.2: a name that comes again with the same key is a loop.
    return any(
        one == candidate or (one.subject == candidate.subject and _same_key(one, candidate))
        for one in chain
    )


def _same_key(one: x509.Certificate, other: x509.Certificate) -> bool:
    try:
        return one.public_key() == other.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if not signature_accepted(certificate) or key_fault(issuer):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _fault(chain: tuple[x509.Certificate, ...]) -> str:
    for intermediates, issuer in enumerate(chain[1:]):
        constraints = extension_of(issuer, x509.BasicConstraints)
        if constraints is None or not constraints.ca:
            return "a certificate of the chain is no CA's"
        usage = extension_of(issuer, x509.KeyUsage)
        if usage is None or not usage.key_cert_sign:
            return "a CA of the chain may not sign certificates"
        # RFC 5280 §4.2.1.9: how many certificates may stand between this one and the leaf.
        if constraints.path_length is not None and intermediates > constraints.path_length:
            return "the chain is longer than a CA of it allows"
        if not _names_permitted(issuer, chain[: intermediates + 1]):
            return "a CA of the chain may not issue to such names"
    return _verifier_fault(chain)


def _names_permitted(issuer: x509.Certificate, below: Iterable[x509.Certificate]) -> bool:
    """Apply an issuer's constraints on distinguished names; the verifier applies the others."""
    constraints = extension_of(issuer, x509.NameConstraints)
    if constraints is None:
        return True
    permitted = _directory_names(constraints.permitted_subtrees)
    excluded = _directory_names(constraints.excluded_subtrees)
    subjects = [normal_name(one.subject) for one in below]
    return all(
        (not permitted or any(subject[: len(tree)] == tree for tree in permitted))
        and not any(subject[: len(tree)] == tree for tree in excluded)
        for subject in subjects
    )


def _directory_names(subtrees: Iterable[x509.GeneralName] | None) -> list[NormalName]:
    return [normal_name(one.value) for one in subtrees or () if isinstance(one, x509.DirectoryName)]


def _verifier_fault(chain: tuple[x509.Certificate, ...]) -> str:
    """Ask the library's verifier of just this chain, at a time when all of it is valid."""
    path = path_of(chain, fault="")
    if path.not_before > path.not_after:
        return ""  # the verifier would say no more than that, and the caller judges times
    verifier = (
        PolicyBuilder()
        .store(Store([chain[-1]]))
        .time(path.not_before)
        .max_chain_depth(CERTIFICATES_MAX - 2)  # it counts neither the leaf nor the root
        .extension_policies(ca_policy=_CA_POLICY, ee_policy=_LEAF_POLICY)
        .build_client_verifier()
    )
    try:
        verifier.verify(chain[0], list(chain[1:-1]))
    except (VerificationError, ValueError, UnsupportedAlgorithm):
        return "the X.509 verifier refuses the chain"
    return ""


def _require_ca(_: Policy, __: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("not a CA")


def _require_issuing(_: Policy, __: x509.Certificate, usage: x509.KeyUsage) -> None:
    if not usage.key_cert_sign:
        raise ValueError("not to sign certificates with")


# The defaults are those of web servers: a subjectAltName, an authorityKeyIdentifier and the purpose
# serverAuth or clientAuth, none of which a seal's certificate need have. What is left of them is
# what makes a CA; an unknown critical extension is refused whatever the policy.
_CA_POLICY: Final = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _require_ca)
    .require_present(x509.KeyUsage, Criticality.AGNOSTIC, _require_issuing)
)
_LEAF_POLICY: Final = ExtensionPolicy.permit_all()
