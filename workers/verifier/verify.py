"""Turn one raw callback into verified updates. Pure.

1. prove who vouches for the bytes
2. decode what was signed, and lay beside it what was looked up
3. compare the party that the message names with the one that proved who it is
4. bind the path to the transaction, and verify the tokens inside
5. translate
"""

import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.instants import Instant, instant
from contracts.iso20022.parties import normal_party
from contracts.payload import Payload, rules_broken, validate
from contracts.provider import Form, Provider, SignedBytes, SignedFields
from contracts.raw import RawCallback, Source
from contracts.update import (
    Expectation,
    Origin,
    Proof,
    Scheme,
    Statement,
    TransactionId,
    VerifiedUpdate,
    Witness,
)
from runtime import path_token
from workers.verifier.carrier import document_bytes
from workers.verifier.decode import decode_json
from workers.verifier.decode_xml import decode_xml, root_of
from workers.verifier.policy import Policy
from workers.verifier.prove import principal_key, prove


class ExpectationPayload(Payload):
    """The body of `POST /expectations/<endpoint>`; a provider's own terms stand beside these."""

    transaction_id: TransactionId
    deadline: str | None = None


def verify(
    callback: RawCallback,
    *,
    provider: Provider,
    policies: Mapping[str, Policy],
    topic: str,
    at: tuple[int, int],
    evidence: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[VerifiedUpdate, ...]:
    """Return one update for each transaction the callback speaks of; all of them, or none.

    `at` is partition and offset of the raw record in `topic`; `evidence` is what was found of all
    that `needs_of` names.

    Raises:
        Rejected: the callback can never become a status; the code says why.
        Unavailable: a key set that may hold the key is being read; something that is needed has
            not been looked up.
    """
    policy = _policy_of(callback, policies)
    if callback.cut_from:
        kept = f"the first {len(callback.body)} of {callback.cut_from} bytes"
        raise Rejected(RejectionCode.BODY_TOO_LARGE, kept)
    signed = prove(callback, policy)  # 1
    expectation = callback.source is Source.EXPECTATION
    fields = decode_json(signed) if expectation else _decoded(signed, provider, policy)  # 2
    fields = replace(fields, evidence=evidence, place=at, settings=policy.settings())
    if provider.speaker is not None and not expectation:
        _check_speaker(provider.speaker(fields), signed.speaks_for)  # 3
    fields = _with_tokens(_bound(fields, provider, policy), provider, policy)  # 4
    update = partial(
        VerifiedUpdate,
        provider=provider.name,
        endpoint=callback.endpoint,
        source=callback.source,
        received_at=callback.received_at,
        proof=_proof(fields),
        origin=_origin(signed, topic, at),
    )
    return tuple(update(what=what) for what in _said(fields, provider, policy))  # 5


def needs_of(
    callback: RawCallback, *, provider: Provider, policies: Mapping[str, Policy]
) -> Mapping[str, Any]:
    """Return what must be looked up before `verify` can judge the callback, by name.

    Raises:
        Rejected, Unavailable: as `verify`, which will say so again.
    """
    if provider.needs is None or callback.source is Source.EXPECTATION:
        return {}
    policy = _policy_of(callback, policies)
    fields = _decoded(prove(callback, policy), provider, policy)
    return provider.needs(replace(fields, settings=policy.settings()))


def _policy_of(callback: RawCallback, policies: Mapping[str, Policy]) -> Policy:
    policy = policies.get(callback.endpoint)
    if policy is None:
        raise Rejected(RejectionCode.ENDPOINT_UNKNOWN, "esito-endpoint: not configured")
    return policy


def _origin(signed: SignedBytes, topic: str, at: tuple[int, int]) -> Origin:
    return Origin(
        topic=topic,
        partition=at[0],
        offset=at[1],
        sha256=signed.sha256,
        callback_id=signed.callback.callback_id,
    )


def _decoded(signed: SignedBytes, provider: Provider, policy: Policy) -> SignedFields:
    if signed.form is Form.JSON:
        fields = decode_json(signed)
        text = provider.document(fields.members) if provider.document else None
        if text is None:
            return fields
        signed = replace(signed, body=document_bytes(text), form=Form.XML)
    fields = decode_xml(signed)
    if policy.schemas is None:
        return fields
    return replace(fields, findings=policy.schemas.findings(root_of(signed)))


def _check_speaker(speaker: str, speaks_for: frozenset[str]) -> None:
    if normal_party(speaker) not in speaks_for:
        raise Rejected(RejectionCode.SIGNER_MISMATCH, "the message speaks for another party")


def _bound(fields: SignedFields, provider: Provider, policy: Policy) -> SignedFields:
    """Return the fields with the transaction that the path was made for, and its keyed digest."""
    ring = policy.keys().path_token
    if provider.path_state is None or ring is None:
        return fields
    callback = fields.signed.callback
    state = provider.path_state(fields.members)
    secrets = dict(ring.secrets(at=datetime.fromisoformat(callback.received_at)))
    if callback.source is Source.EXPECTATION:
        claimed = str(fields.members.get("transaction_id"))
    else:
        key_id = principal_key(callback, Scheme.PATH_TOKEN)
        secrets = {name: secret for name, secret in secrets.items() if name == key_id}
        claimed = callback.target_uri.partition("?")[0].rpartition("/")[2]
    for secret in secrets.values():
        minted = path_token.mint(secret, endpoint=callback.endpoint, state=state)
        if hmac.compare_digest(minted.transaction_id.encode(), claimed.encode()):
            digest = _digest_of(secret, callback.endpoint, minted.transaction_id)
            return replace(fields, transaction_id=minted.transaction_id, digest=digest)
    raise Rejected(RejectionCode.PATH_TOKEN_MISMATCH, "state")


def _digest_of(secret: bytes, endpoint: str, transaction_id: str) -> Callable[[str], str]:
    def digest(text: str) -> str:
        return path_token.term_digest(
            secret, endpoint=endpoint, transaction_id=transaction_id, text=text
        )

    return digest


def _with_tokens(fields: SignedFields, provider: Provider, policy: Policy) -> SignedFields:
    callback, verify_token, digest = fields.signed.callback, policy.verify_token, fields.digest
    if provider.tokens is None or callback.source is Source.EXPECTATION:
        return fields
    found = provider.tokens(fields.members)
    if verify_token is None or digest is None:
        if found:
            raise Rejected(
                RejectionCode.TOKEN_ISSUER_UNKNOWN, "the endpoint has no tokens: section"
            )
        return fields
    at = datetime.fromisoformat(callback.received_at)
    return replace(
        fields, tokens={name: verify_token(text, at, digest) for name, text in found.items()}
    )


def _proof(fields: SignedFields) -> Proof:
    proof = fields.signed.proof
    for _, token in sorted(fields.tokens.items()):
        return Proof(
            scheme=Scheme.JWS,
            algorithm=token.algorithm,
            key_id=token.key_id,
            signer=token.issuer,
            beside=(proof.scheme, *proof.beside),
        )
    return proof


def _said(
    fields: SignedFields, provider: Provider, policy: Policy
) -> tuple[Statement | Witness | Expectation, ...]:
    try:
        if fields.signed.callback.source is Source.EXPECTATION:
            return (_expectation(fields, provider, policy),)
        return provider.translate(fields)
    except ValidationError as error:
        # A statement is narrower than the provider's own model: its words, not our fault.
        raise Rejected(RejectionCode.PAYLOAD_INVALID, rules_broken(error)) from None


def _expectation(fields: SignedFields, provider: Provider, policy: Policy) -> Expectation:
    payload = validate(ExpectationPayload, fields.members)
    received_at = datetime.fromisoformat(fields.signed.callback.received_at)
    deadline = None
    if payload.deadline is not None:
        deadline = _deadline(payload.deadline)
    elif policy.endpoint.deadline_seconds is not None:
        deadline = instant(received_at + timedelta(seconds=policy.endpoint.deadline_seconds))
    terms = dict(provider.terms(fields)) if provider.terms else {}
    return Expectation(transaction_id=payload.transaction_id, deadline=deadline, terms=terms)


def _deadline(text: str) -> Instant:
    # OverflowError: the last day of the year 9999 west of Greenwich is no day in UTC.
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return instant(moment)
    raise Rejected(RejectionCode.PAYLOAD_INVALID, "deadline: an RFC 3339 instant with its offset")
