"""Prove who vouches for a callback's bytes, by what its provider demands. Pure: record and keys in.

A function here returns the proven bytes or raises; there is no boolean to forget.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.provider import Door, SignedBytes
from contracts.raw import RawCallback, Source
from contracts.update import Proof, Scheme
from runtime.configuration import Endpoint
from runtime.key_source import EndpointKeys
from runtime.mac import MacInput, matching_secret, read_timestamp


@dataclass(frozen=True, slots=True)
class Policy:
    """What one endpoint's callbacks must prove, and the keys to prove it with."""

    endpoint: Endpoint
    door: Door
    keys: Callable[[], EndpointKeys]


def prove(callback: RawCallback, policy: Policy) -> SignedBytes:
    """Return the callback's bytes with the proof of who vouches for them.

    Raises:
        Rejected: `principal_missing`, or what the provider's scheme says of these bytes.
    """
    if callback.source is not Source.EXPECTATION and "hmac" in policy.door.credentials:
        return _proven_by_hmac(callback, policy)
    return _proven_by_principal(callback)


def _proven_by_principal(callback: RawCallback) -> SignedBytes:
    """Take the ingress's word: a static key leaves nothing in the record to check again."""
    scheme, _, key_id = callback.principal.partition(":")
    if scheme != Scheme.API_KEY or not key_id:
        raise Rejected(RejectionCode.PRINCIPAL_MISSING, "no credential is named")
    signer = "own" if callback.source is Source.EXPECTATION else callback.endpoint
    proof = Proof(scheme=Scheme.API_KEY, algorithm="none-over-body", key_id=key_id, signer=signer)
    return _signed(callback, proof)


def _proven_by_hmac(callback: RawCallback, policy: Policy) -> SignedBytes:
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
        path=urlsplit(callback.target_uri).path,
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
    proof = Proof(
        scheme=Scheme.HMAC, algorithm=f"hmac-{hmac.hash}", key_id=key_id, signer=callback.endpoint
    )
    return _signed(callback, proof)


def _header(callback: RawCallback, name: str) -> bytes:
    value = callback.http.get(name)
    if not value:
        raise Rejected(RejectionCode.SIGNATURE_MISSING, f"no header {name}")
    return value


def _signed(callback: RawCallback, proof: Proof) -> SignedBytes:
    return SignedBytes(callback.body, hashlib.sha256(callback.body).hexdigest(), proof, callback)
