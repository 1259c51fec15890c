"""Prove a callback by the schemes that name a signer: certificates and what they signed. Pure.

The order is that of strength: what signs the document itself, then what signs the body, then what
only authenticates the connection.
"""

from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.x509 import Certificate

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.raw import RawCallback
from contracts.update import Proof, Scheme
from workers.verifier.carrier import unverified_document
from workers.verifier.certificates import Trust, check_certificate, read_certificate
from workers.verifier.detached_jws import verify_detached_jws
from workers.verifier.detached_signature import verify_detached
from workers.verifier.policy import Policy
from workers.verifier.xmldsig import SignedDocument, verify_document

_XMLDSIG: Final = b"http://www.w3.org/2000/09/xmldsig#"
_SIGNATURE_HEADER: Final = "x-srtp-signature"


@dataclass(frozen=True, slots=True)
class Proven:
    """One scheme that held: its proof, in whose names it speaks, and the document it signed."""

    proof: Proof
    speaks_for: frozenset[str] = frozenset()
    document: SignedDocument | None = None


Prove = Callable[[RawCallback, Policy, Trust, datetime], Proven | None]


def prove_signatures(callback: RawCallback, policy: Policy) -> Iterator[Proven]:
    """Yield what each signature scheme of the endpoint proves, the strongest first.

    Raises:
        Rejected: a demanded scheme is absent, or one that is there does not hold.
    """
    trust = policy.trust()
    if trust is None:
        return
    at = datetime.fromisoformat(callback.received_at)
    for scheme, by in _SCHEMES.items():
        section = getattr(policy.endpoint, scheme)
        if section is None:
            continue
        proven = by(callback, policy, trust, at)
        if proven is not None:
            yield proven
        elif getattr(section, "required", True):
            raise Rejected(RejectionCode.SIGNATURE_MISSING, f"no {scheme}")


def _xmldsig(callback: RawCallback, policy: Policy, trust: Trust, at: datetime) -> Proven | None:
    section = policy.endpoint.xmldsig
    document = unverified_document(callback, policy.document)
    if section is None or document is None:
        return None
    # Where none is demanded, a document without the namespace has none; else the verifier says it.
    if not section.required and _XMLDSIG not in document:
        return None
    signed = verify_document(document, trust, at=at)
    proven = _proven(Scheme.XMLDSIG, policy, signed.certificate, signed.key_id, signed.algorithm)
    return Proven(proven.proof, proven.speaks_for, signed)


def _detached_signature(
    callback: RawCallback, policy: Policy, trust: Trust, at: datetime
) -> Proven | None:
    if not any(name.startswith(_SIGNATURE_HEADER) for name in callback.http):
        return None
    return _proven(Scheme.DETACHED_SIGNATURE, policy, *verify_detached(callback, trust, at=at))


def _detached_jws(
    callback: RawCallback, policy: Policy, trust: Trust, at: datetime
) -> Proven | None:
    section = policy.endpoint.detached_jws
    value = callback.http.get(section.header) if section else None
    if section is None or value is None:
        return None
    found = verify_detached_jws(value, callback.body, trust, section.algorithms, at=at)
    return _proven(Scheme.DETACHED_JWS, policy, *found)


def _client_certificate(
    callback: RawCallback, policy: Policy, trust: Trust, at: datetime
) -> Proven | None:
    if not callback.client_certificate:
        raise Rejected(RejectionCode.CERTIFICATE_MISSING, "no client certificate in the record")
    try:
        der = b64decode(callback.client_certificate, validate=True)
    except ValueError:
        raise Rejected(RejectionCode.CERTIFICATE_MALFORMED, "not base64") from None
    certificate = read_certificate(der)
    key_id = check_certificate(certificate, (), trust, at=at, client=True)
    return _proven(Scheme.CLIENT_CERTIFICATE, policy, certificate, key_id, "tls")


def _proven(
    scheme: Scheme, policy: Policy, certificate: Certificate, key_id: str, algorithm: str
) -> Proven:
    registry = policy.registry
    if registry is None:
        raise Rejected(RejectionCode.SIGNER_UNKNOWN, "the endpoint has no service_providers")
    owner = registry.owner_of(certificate)
    proof = Proof(scheme=scheme, algorithm=algorithm, key_id=key_id, signer=owner.id)
    return Proven(proof, registry.speaks_for(owner))


_SCHEMES: Final[dict[Scheme, Prove]] = {
    Scheme.XMLDSIG: _xmldsig,
    Scheme.DETACHED_SIGNATURE: _detached_signature,
    Scheme.DETACHED_JWS: _detached_jws,
    Scheme.CLIENT_CERTIFICATE: _client_certificate,
}
