"""Describe the status event: what Esito publishes about one transaction, for subscribers."""

from typing import Annotated, Final

from pydantic import Field

from contracts.cloud_event import cloud_event_headers
from contracts.instants import Instant
from contracts.lifecycle import Status
from contracts.update import Amount, Origin, Proof, Reason, Record

KIND: Final = "transaction.status"


class Evidence(Record):
    """Why a subscriber may believe an event: where the raw record lies, and how it was proven."""

    raw: Origin
    proof: Proof


class StatusEvent(Record):
    """One change of one transaction's status.

    `id` is the same for the same provider fact on redelivery, replay and re-verification: a
    subscriber that remembers ids has effectively-once delivery. `sequence` counts from 1 without
    gaps for each transaction. `occurred_at` is the provider's own text; `received_at` is ours.
    `reasons` are all reasons where there are several; `reason` is then the first of them.
    """

    id: str
    provider: str
    endpoint: str
    transaction_id: str
    status: Annotated[Status, Field(strict=False)]
    native_status: str
    previous_status: Annotated[Status, Field(strict=False)] | None
    final: bool
    reason: Reason | None
    reasons: Annotated[tuple[Reason, ...], Field(strict=False)] = Field(
        (), exclude_if=lambda given: not given
    )
    amount: Amount | None
    references: dict[str, str]
    occurred_at: str | None
    received_at: Instant
    sequence: Annotated[int, Field(ge=1)]
    evidence: Evidence

    @property
    def key(self) -> str:
        """Return the record key: the same for all events of one transaction."""
        return f"{self.endpoint}:{self.transaction_id}"

    def headers(self, traceparent: str = "") -> list[tuple[str, bytes]]:
        """Return the record's headers: the CloudEvents attributes."""
        return cloud_event_headers(
            identifier=self.id,
            kind=KIND,
            endpoint=self.endpoint,
            subject=self.transaction_id,
            time=self.received_at,
            key=self.key,
            traceparent=traceparent,
        )
