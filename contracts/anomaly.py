"""Describe the anomaly: something a person should look at although every record was processed."""

from typing import Annotated, Final

from pydantic import Field

from contracts.cloud_event import cloud_event_headers
from contracts.codes import AnomalyCode
from contracts.instants import Instant
from contracts.lifecycle import Status
from contracts.status import Evidence
from contracts.update import Record

KIND: Final = "transaction.anomaly"


class Anomaly(Record):
    """One oddity of one transaction; its id is as stable as a status event's.

    `standing` is the native status the transaction has after the decision, `said` what the callback
    claimed. An overdue transaction has no evidence: nobody said anything.
    """

    id: str
    code: Annotated[AnomalyCode, Field(strict=False)]
    provider: str
    endpoint: str
    transaction_id: str
    standing: str | None
    status: Annotated[Status, Field(strict=False)] | None
    said: str | None
    detail: str
    noticed_at: Instant
    evidence: Evidence | None

    @property
    def key(self) -> str:
        """Return the record key: the same for all records of one transaction."""
        return f"{self.endpoint}:{self.transaction_id}"

    def headers(self, traceparent: str = "") -> list[tuple[str, bytes]]:
        """Return the record's headers: the CloudEvents attributes, and the code to filter by."""
        attributes = cloud_event_headers(
            identifier=self.id,
            kind=KIND,
            endpoint=self.endpoint,
            subject=self.transaction_id,
            time=self.noticed_at,
            key=self.key,
            traceparent=traceparent,
        )
        return [*attributes, ("esito-anomaly-code", self.code.value.encode())]
