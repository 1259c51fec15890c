"""Turn a record and the reason it cannot be processed into a dead letter. Pure."""

from contracts.codes import RejectionCode
from contracts.dead_letter import DeadLetter
from contracts.errors import Rejected
from runtime.telemetry import own_stack
from workers.processor import InputRecord, Output


def dead_letter(record: InputRecord, rejection: Rejected, *, topic: str) -> Output:
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
