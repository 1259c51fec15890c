"""Make verified updates for tests of what follows the verifier."""

from datetime import UTC, datetime, timedelta
from typing import Final

from aiokafka import ConsumerRecord

from contracts.instants import epoch_milliseconds, instant
from contracts.providers import provider_named
from contracts.raw import Source
from contracts.update import (
    Amount,
    Expectation,
    Origin,
    Proof,
    Reason,
    Scheme,
    Statement,
    VerifiedUpdate,
)
from workers.processor import InputRecord
from workers.state_machine.decision import Rules

NOON: Final = datetime(2026, 11, 2, 12, tzinfo=UTC)
NOON_MILLISECONDS: Final = 1_793_620_800_000
PIVOT: Final = provider_named("pivot")
UAEPASS: Final = provider_named("uaepass")
RULES: Final = Rules(provider=PIVOT)
REGISTERED: Final = Rules(provider=PIVOT, registration_required=True, early_milliseconds=60_000)


def at(seconds: float = 0) -> str:
    """Return the instant so many seconds after noon."""
    return instant(NOON + timedelta(seconds=seconds))


def said(
    native: str,
    *,
    transaction: str = "t1",
    amount: str | None = None,
    reason: str | None = None,
    seconds: float = 0,
    source: Source = Source.CALLBACK,
    endpoint: str = "shop",
    offset: int = 0,
) -> VerifiedUpdate:
    """Return an update in which the provider says `native` of a transaction."""
    statement = Statement(
        transaction_id=transaction,
        native_status=native,
        fact=native,
        amount=Amount(value=amount, currency="IDR") if amount else None,
        reason=Reason(code=reason) if reason else None,
        occurred_at="2026-11-02T11:59:59.020691396Z",
        references={"client_reference_id": "INV-1"},
    )
    return _update(statement, endpoint=endpoint, source=source, seconds=seconds, offset=offset)


def announced(
    *, transaction: str = "t1", deadline: str | None = None, seconds: float = 0, offset: int = 0
) -> VerifiedUpdate:
    """Return an update in which our own side announces a transaction."""
    expectation = Expectation(transaction_id=transaction, deadline=deadline)
    return _update(
        expectation, endpoint="shop", source=Source.EXPECTATION, seconds=seconds, offset=offset
    )


def verified_record(
    update: VerifiedUpdate, *, offset: int = 0, written: int | None = None
) -> InputRecord:
    """Return the record of the verified topic that carries `update`, written when it was received.

    `written` is another time for the record itself, in milliseconds since 1970.
    """
    value = update.model_dump_json(exclude_none=True).encode()
    headers = [("content-type", b"application/json")]
    return ConsumerRecord(
        "verified",
        3,
        offset,
        written or epoch_milliseconds(update.received_at),
        0,
        update.key.encode(),
        value,
        None,
        1,
        len(value),
        headers,
    )


def _update(
    what: Statement | Expectation, *, endpoint: str, source: Source, seconds: float, offset: int
) -> VerifiedUpdate:
    return VerifiedUpdate(
        provider="pivot",
        endpoint=endpoint,
        source=source,
        received_at=at(seconds),
        what=what,
        proof=Proof(
            scheme=Scheme.API_KEY, algorithm="none-over-body", key_id="current", signer=endpoint
        ),
        origin=Origin(
            topic="callbacks.pivot.raw.v1",
            partition=0,
            offset=offset,
            sha256="ab" * 32,
            callback_id="019a0000-0000-7000-8000-000000000000",
        ),
    )
