"""Process one record so that nothing it does stops its partition: what fails twice is poisoned."""

from collections.abc import Sequence

from contracts.codes import RejectionCode
from contracts.errors import Rejected, Unavailable
from runtime.log_events import LogEvent
from runtime.telemetry import Logger, own_stack
from workers.processor import InputRecord, Output, Processor


def process_one(
    processor: Processor, record: InputRecord, *, given_up: str | None, log: Logger
) -> Sequence[Output]:
    """Return what `record` leads to; `given_up` says why it is not even tried any more.

    Raises:
        Rejected: the record can never be processed.
        Unavailable: something is away.
    """
    if given_up is not None:
        raise Rejected(RejectionCode.POISONED, given_up)
    try:
        return processor.process(record)
    except (Rejected, Unavailable):
        raise
    except Exception:  # noqa: BLE001 - whatever one record does must not stop its partition
        return _process_again(processor, record, log)


def _process_again(processor: Processor, record: InputRecord, log: Logger) -> Sequence[Output]:
    """Try a record a second time, by itself; what fails twice is poisoned."""
    try:
        return processor.process(record)
    except (Rejected, Unavailable):
        raise
    except Exception as error:
        exception = type(error).__name__
        log.error(  # noqa: TRY400 - a traceback may quote the body
            LogEvent.RECORD_POISONED,
            offset=record.offset,
            exception=exception,
            stack=own_stack(error),
        )
        raise Rejected(RejectionCode.POISONED, exception) from error
