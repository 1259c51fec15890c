"""Prove who vouches for a callback's bytes, by what its endpoint demands. Pure: record and keys in.

A function here returns the proven bytes or raises; there is no boolean to forget. Every scheme that
the endpoint demands must hold, and all that name a signer must name the same one.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.provider import Form, SignedBytes
from contracts.raw import RawCallback, Source
from contracts.update import Proof, Scheme
from runtime.mac import MacInput, matching_secret, read_timestamp
from workers.verifier.carrier import form_of
from workers.verifier.decode_xml import SignedXml
from workers.verifier.policy import Policy
from workers.verifier.prove_signature import Proven, prove_signatures


def prove(callback: RawCallback, policy: Policy) -> SignedBytes:
    """Return the callback's bytes with the proof of who vouches for them.

    Raises:
        Rejected: `principal_missing`, `key_unknown`, `record_malformed` when the target URI is
            none, or what a scheme of the endpoint says of these bytes.
    """
    if callback.source is Source.EXPECTATION:
        return _signed(callback, [Proven(_by_principal(callback, Scheme.API_KEY))])
    if callback.source is Source.REQUEST:
        return _signed(callback, [Proven(_by_body(callback, policy))])
    proven = [*prove_signatures(callback, policy), *_by_door(callback, policy)]
    if not proven:
        raise Rejected(RejectionCode.SIGNATURE_MISSING, "no scheme of the endpoint")
    if len({one.proof.signer for one in proven if one.speaks_for}) > 1:
        raise Rejected(RejectionCode.SIGNER_MISMATCH, "two schemes name two service providers")
    return _signed(callback, proven)


def _signed(callback: RawCallback, proven: list[Proven]) -> SignedBytes:
    strongest = proven[0]
    beside = tuple(one.proof.scheme for one in proven[1:])
    proof = strongest.proof.model_copy(update={"beside": beside}) if beside else strongest.proof
    sha256 = hashlib.sha256(callback.body).hexdigest()
    document, names = strongest.document, strongest.speaks_for
    if document is None:
        return SignedBytes(callback.body, sha256, proof, callback, form_of(callback), names)
    return SignedXml(document.body, sha256, proof, callback, Form.XML, names, root=document.root)


def _by_door(callback: RawCallback, policy: Policy) -> Iterator[Proven]:
    """Yield what the ingress has authenticated, the strongest first."""
    demanded = {
        *policy.door.credentials,
        *(name for name in policy.door.offered if getattr(policy.endpoint, name) is not None),
    }
    if "hmac" in demanded:
        yield Proven(_by_hmac(callback, policy))
    if "path_token" in demanded:
        yield Proven(_by_principal(callback, Scheme.PATH_TOKEN))
    if "api_key" in demanded:
        api_key = Proven(_by_principal(callback, Scheme.API_KEY))
        if "hmac" not in policy.door.credentials:  # the code beside it says all that the key says
            yield api_key


def _by_principal(callback: RawCallback, scheme: Scheme) -> Proof:
    """Take the ingress's word: a static key leaves nothing in the record to check again."""
    key_id = principal_key(callback, scheme)
    signer = "own" if callback.source is Source.EXPECTATION else callback.endpoint
    return Proof(scheme=scheme, algorithm="none-over-body", key_id=key_id, signer=signer)


def _by_body(callback: RawCallback, policy: Policy) -> Proof:
    """Take the intake's word for which key of which public body a request came with.

    The key must still be configured, so that one that was stolen can be shut out of replays too:
    a key that is only out of use stays, with its `not_after`.
    """
    name = principal_key(callback, Scheme.API_KEY)
    body_id, _, key_id = name.partition(".")
    section = policy.endpoint.notifications
    for body in section.bodies if section else ():
        if body.id == body_id:
            if any(key.id == key_id for key in body.keys):
                return Proof(
                    scheme=Scheme.API_KEY, algorithm="none-over-body", key_id=name, signer=body_id
                )
            raise Rejected(RejectionCode.KEY_UNKNOWN, "the public body has no such key")
    raise Rejected(RejectionCode.PRINCIPAL_MISSING, "no public body of the endpoint")


def principal_key(callback: RawCallback, scheme: Scheme) -> str:
    """Return the id of the key that the ingress authenticated the caller by.

    Raises:
        Rejected: `principal_missing`: the record names no key of this scheme.
    """
    for one in callback.principal.split():
        found, _, key_id = one.partition(":")
        if found == scheme and key_id:
            return key_id
    raise Rejected(RejectionCode.PRINCIPAL_MISSING, f"no {scheme} is named")


def _by_hmac(callback: RawCallback, policy: Policy) -> Proof:
    hmac = policy.endpoint.hmac
    ring = policy.keys().hmac
    if hmac is None or ring is None:
        raise Rejected(RejectionCode.KEY_UNKNOWN, "the endpoint has no hmac keys")
    timestamp = _header(callback, policy.door.timestamp_header)
    signature = _header(callback, policy.door.signature_header)
    received_at = datetime.fromisoformat(callback.received_at)
    secrets = ring.secrets(at=received_at)
    if not secrets:
        raise Rejected(RejectionCode.KEY_UNKNOWN, "no key was valid at the time of receipt")
    signed = MacInput(
        timestamp=timestamp,
        method=callback.method,
        path=_path(callback.target_uri),
        target_uri=callback.target_uri,
        body=callback.body,
    )
    key_id = matching_secret(hmac.profile, signed, header=signature, secrets=secrets)
    if key_id is None:
        raise Rejected(RejectionCode.SIGNATURE_MISMATCH, policy.door.signature_header)
    claimed = read_timestamp(hmac.timestamp_format, timestamp)
    if claimed is None:
        raise Rejected(RejectionCode.TIMESTAMP_MALFORMED, policy.door.timestamp_header)
    if abs(received_at - claimed) > timedelta(seconds=hmac.tolerance_seconds):
        raise Rejected(RejectionCode.TIMESTAMP_OUTSIDE_TOLERANCE, policy.door.timestamp_header)
    return Proof(
        scheme=Scheme.HMAC, algorithm=f"hmac-{hmac.hash}", key_id=key_id, signer=callback.endpoint
    )


def _path(target_uri: str) -> str:
    try:
        return urlsplit(target_uri).path
    except ValueError:
        raise Rejected(RejectionCode.RECORD_MALFORMED, "esito-target-uri: not a URI") from None


def _header(callback: RawCallback, name: str) -> bytes:
    value = callback.http.get(name)
    if not value:
        raise Rejected(RejectionCode.SIGNATURE_MISSING, f"no header {name}")
    return value
