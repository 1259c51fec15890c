"""Read a status record as far as the projection needs it. Pure.

Members that we do not know are no fault: a newer state machine may publish them already.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.instants import Instant
from contracts.update import NativeStatus, TransactionId

# PostgreSQL reads no NUL in JSON; nobody but a provider's free text can hold one.
_NUL: Final = "\\u0000"
_REPLACEMENT: Final = "\ufffd"


class _Members(BaseModel):
    """What is read of a status event."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: UUID
    endpoint: str
    transaction_id: TransactionId
    status: str
    native_status: NativeStatus
    final: bool
    sequence: int = Field(ge=1, lt=2**31)
    received_at: Instant
    references: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One status event: where it lies, the text as published, and what is read of it."""

    source: int
    offset: int
    text: str
    id: UUID
    endpoint: str
    transaction_id: str
    status: str
    native_status: str
    final: bool
    sequence: int
    received_at: datetime
    references: dict[str, str]

    @property
    def transaction(self) -> tuple[str, str]:
        """Return which transaction it is about."""
        return self.endpoint, self.transaction_id

    @property
    def searchable(self) -> str:
        """Return the text as PostgreSQL can take it apart: without NULs."""
        if _NUL not in self.text:
            return self.text
        return json.dumps(_without_nul(json.loads(self.text)))


def read_event(value: bytes, *, source: int, offset: int) -> Event | None:
    """Return the event in a record's value, or None where it holds none."""
    try:
        members = _Members.model_validate_json(value)
        text = value.decode()
    except (ValidationError, UnicodeDecodeError):
        return None
    return Event(
        source=source,
        offset=offset,
        text=text,
        id=members.id,
        endpoint=members.endpoint,
        transaction_id=members.transaction_id,
        status=members.status,
        native_status=members.native_status,
        final=members.final,
        sequence=members.sequence,
        received_at=datetime.fromisoformat(members.received_at),
        references=members.references,
    )


def _without_nul(value: object) -> object:
    match value:
        case str():
            return value.replace("\0", _REPLACEMENT)
        case list():
            return [_without_nul(one) for one in value]
        case dict():
            return {_without_nul(name): _without_nul(one) for name, one in value.items()}
        case _:
            return value
