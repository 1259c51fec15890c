"""Turn one raw callback into verified updates: prove, decode, translate. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import ValidationError

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.instants import Instant, instant
from contracts.payload import Payload, rules_broken, validate
from contracts.provider import Provider, SignedFields
from contracts.raw import RawCallback, Source
from contracts.update import Expectation, Origin, Statement, TransactionId, VerifiedUpdate
from workers.verifier.decode import decode_json
from workers.verifier.prove import Policy, prove


class ExpectationPayload(Payload):
    """The body of `POST /expectations/<endpoint>`."""

    transaction_id: TransactionId
    deadline: str | None = None


def verify(
    callback: RawCallback,
    *,
    provider: Provider,
    policies: Mapping[str, Policy],
    topic: str,
    at: tuple[int, int],
) -> tuple[VerifiedUpdate, ...]:
    """Return one update for each transaction the callback speaks of; all of them, or none.

    `at` is partition and offset of the raw record in `topic`.

    Raises:
        Rejected: the callback can never become a status; the code says why.
    """
    policy = policies.get(callback.endpoint)
    if policy is None:
        raise Rejected(RejectionCode.ENDPOINT_UNKNOWN, callback.endpoint)
    signed = prove(callback, policy)
    fields = decode_json(signed)
    origin = Origin(
        topic=topic,
        partition=at[0],
        offset=at[1],
        sha256=signed.sha256,
        callback_id=callback.callback_id,
    )
    return tuple(
        VerifiedUpdate(
            provider=provider.name,
            endpoint=callback.endpoint,
            source=callback.source,
            received_at=callback.received_at,
            what=what,
            proof=signed.proof,
            origin=origin,
        )
        for what in _said(fields, provider, policy)
    )


def _said(
    fields: SignedFields, provider: Provider, policy: Policy
) -> tuple[Statement, ...] | tuple[Expectation, ...]:
    if fields.signed.callback.source is Source.EXPECTATION:
        return (_expectation(fields, policy),)
    try:
        return provider.translate(fields)
    except ValidationError as error:
        # A statement is narrower than the provider's own model: its words, not our fault.
        raise Rejected(RejectionCode.PAYLOAD_INVALID, rules_broken(error)) from None


def _expectation(fields: SignedFields, policy: Policy) -> Expectation:
    payload = validate(ExpectationPayload, fields.members)
    received_at = datetime.fromisoformat(fields.signed.callback.received_at)
    deadline = None
    if payload.deadline is not None:
        deadline = _deadline(payload.deadline)
    elif policy.endpoint.deadline_seconds is not None:
        deadline = instant(received_at + timedelta(seconds=policy.endpoint.deadline_seconds))
    return Expectation(transaction_id=payload.transaction_id, deadline=deadline)


def _deadline(text: str) -> Instant:
    # OverflowError: the last day of the year 9999 west of Greenwich is no day in UTC.
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return instant(moment)
    raise Rejected(RejectionCode.PAYLOAD_INVALID, "deadline: an RFC 3339 instant with its offset")
