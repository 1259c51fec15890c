"""Turn a record and the reason it cannot be processed into a dead letter. Pure."""

from typing import Protocol

from contracts.codes import RejectionCode
from contracts.dead_letter import DeadLetter
from contracts.errors import Rejected
from contracts.raw import Headers
from runtime.telemetry import own_stack
from workers.processor import Output


class Kept(Protocol):
    """What a dead letter keeps of a record."""

    @property
    def topic(self) -> str:
        """Return where it was read."""

    @property
    def partition(self) -> int:
        """Return the partition."""

    @property
    def offset(self) -> int:
        """Return the offset."""

    @property
    def key(self) -> bytes | None:
        """Return the key."""

    @property
    def value(self) -> bytes | None:
        """Return the value."""

    @property
    def headers(self) -> Headers:
        """Return the headers."""


def dead_letter(record: Kept, rejection: Rejected, *, topic: str) -> Output:
    """Return the dead letter: the record verbatim, and why, without personal data."""
    cause = rejection.__cause__
    letter = DeadLetter(
        code=rejection.code,
        detail=rejection.detail,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        exception=type(cause or rejection).__name__,
        stack=own_stack(cause) if cause and rejection.code is RejectionCode.POISONED else "",
    )
    return Output(
        topic=topic, key=record.key, value=record.value, headers=letter.headers(record.headers)
    )
