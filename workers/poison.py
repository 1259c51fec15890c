"""Do one thing so that nothing in it stops its partition: what fails twice is poisoned."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from contracts.codes import RejectionCode
from contracts.errors import Rejected, Unavailable
from runtime.log_events import LogEvent
from runtime.telemetry import Logger, own_stack
from workers.processor import InputRecord, Output, Processor

T = TypeVar("T")


def process_one(
    processor: Processor, record: InputRecord, *, given_up: str | None, log: Logger
) -> Sequence[Output]:
    """Return what `record` leads to; `given_up` says why it is not even tried any more.

    Raises:
        Rejected: the record can never be processed.
        Unavailable: something is away.
    """
    found = attempted(lambda: processor.process(record), given_up=given_up)
    if isinstance(found, Rejected):
        log_poisoned(log, record.offset, found)
        raise found
    return found


def attempted(work: Callable[[], T], *, given_up: str | None = None) -> T | Rejected:
    """Return the result of `work`, which is tried twice, or why it is poisoned.

    Raises:
        Rejected: the work itself says so.
        Unavailable: something is away.
    """
    if given_up is not None:
        return Rejected(RejectionCode.POISONED, given_up)
    try:
        return work()
    except (Rejected, Unavailable):
        raise
    except Exception:  # noqa: BLE001 - whatever one record does must not stop its partition
        return _again(work)


def log_poisoned(log: Logger, offset: int, rejection: Rejected) -> None:
    """Log what failed; what was given up without a try has been told already."""
    cause = rejection.__cause__
    if cause is not None:
        log.error(
            LogEvent.RECORD_POISONED,
            offset=offset,
            exception=type(cause).__name__,
            stack=own_stack(cause),  # a traceback may quote the body
        )


def _again(work: Callable[[], T]) -> T | Rejected:
    try:
        return work()
    except (Rejected, Unavailable):
        raise
    except Exception as error:  # noqa: BLE001 - as above
        rejection = Rejected(RejectionCode.POISONED, type(error).__name__)
        rejection.__cause__ = error
        return rejection
