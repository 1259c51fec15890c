"""Verify that a trusted issuer signed an SD-JWT: by its pinned keys, or its certificate. Pure.

SD-JWT VC: a key that cannot be shown to be the issuer's own is no reason to believe anything. So a
certificate must lead to a root for credential issuers, and must be for the name in `iss`.
"""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from workers.verifier.certificate_paths import extension_of
from workers.verifier.issuer_certificate import issuer_key, read_certificates, subject_of
from workers.verifier.jwk import Jwk, PublicKey
from workers.verifier.jws import CompactJws, verify_signature
from workers.verifier.presentation_policy import PresentationPolicy

ISSUER_CHARACTERS_MAX: Final = 500


def verify_issuer(
    jws: CompactJws, payload: Mapping[str, Any], policy: PresentationPolicy, at: datetime
) -> str:
    """Return the name of the issuer that signed `jws`: its `iss`, or its certificate's subject.

    An issuer whose keys are pinned is verified by these alone, whatever the header brings along.

    Raises:
        Rejected: `presentation_untrusted`, `algorithm_forbidden`; `presentation_claim_missing` for
            an `iss` that is no text, `presentation_malformed` for an `x5c` that is no list.
    """
    if "iss" not in payload:
        return _verify_by_certificate(jws, None, policy, at)
    unverified = payload["iss"]
    if not isinstance(unverified, str) or not 0 < len(unverified) <= ISSUER_CHARACTERS_MAX:
        raise Rejected(RejectionCode.PRESENTATION_CLAIM_MISSING, "iss: not a short text")
    # It is shown to subscribers, and the reader of URLs leaves out tabs and line feeds.
    if not unverified.isprintable():
        raise Rejected(RejectionCode.PRESENTATION_CLAIM_MISSING, "iss: not printable")
    if unverified not in policy.issuer_keys:
        return _verify_by_certificate(jws, unverified, policy, at)
    _verify_by_pinned_key(jws, policy.issuer_keys[unverified])
    return unverified


def _verify_by_pinned_key(jws: CompactJws, keys: tuple[Jwk, ...]) -> None:
    fitting = [key for key in keys if jws.kid is None or key.kid == jws.kid]
    fitting = [key for key in fitting if jws.algorithm in key.algorithms]
    for number, key in enumerate(fitting, 1):
        try:
            _verify(jws, key.key)
        except Rejected:
            if number == len(fitting):
                raise
        else:
            return
    raise _untrusted("no pinned key of its issuer fits kid and alg")


def _verify_by_certificate(
    jws: CompactJws, issuer: str | None, policy: PresentationPolicy, at: datetime
) -> str:
    chain = _chain(jws.header.get("x5c"))
    _verify(jws, issuer_key(chain, policy.trust, at=at))
    if issuer is not None and not _is_for(chain[0], issuer):
        raise _untrusted("its certificate is not for the issuer named in iss")
    return subject_of(chain[0]) if issuer is None else issuer


def _chain(given: object) -> list[x509.Certificate]:
    """Return the certificates of `x5c` (RFC 7515 §4.1.6), the leaf first."""
    if given is None:
        raise _untrusted("its issuer is not pinned, and it has no x5c")
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise Rejected(RejectionCode.PRESENTATION_MALFORMED, "SD-JWT: x5c: not a list of texts")
    try:
        return read_certificates([b64decode(one, validate=True) for one in given])
    except ValueError:  # binascii.Error is one
        raise _untrusted("x5c: not base64") from None


def _is_for(leaf: x509.Certificate, issuer: str) -> bool:
    """Tell whether the certificate is for the issuer of this name.

    SD-JWT VC: `iss` is a URI in the subjectAltName, or an https URL whose host is a DNS name there.
    No wildcard is taken, as the name of an issuer is not that of one of its hosts.
    """
    names = extension_of(leaf, x509.SubjectAlternativeName)
    if names is None:
        return False
    if issuer in names.get_values_for_type(x509.UniformResourceIdentifier):
        return True
    try:
        split = urlsplit(issuer)
        host = split.hostname
    except ValueError:
        return False
    # What stands before an @ looks like a host to people: it would be another's name.
    if split.scheme != "https" or not host or "*" in host or "@" in split.netloc:
        return False
    return host in {name.lower() for name in names.get_values_for_type(x509.DNSName)}


def _verify(jws: CompactJws, key: PublicKey) -> None:
    try:
        verify_signature(jws.signing_input, jws.signature, key=key, algorithm=jws.algorithm)
    except Rejected as error:
        if error.code is RejectionCode.ALGORITHM_FORBIDDEN:
            raise
        raise _untrusted(f"{error.code}") from None


def _untrusted(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_UNTRUSTED, f"SD-JWT: {rule}")
