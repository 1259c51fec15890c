"""Tell which outputs can never be written, whoever tries, and what they came from."""

from collections.abc import Sequence
from typing import Final

from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from contracts.errors import EsitoError
from workers.kafka_transaction import Unencodable
from workers.processor import InputRecord

# What is refused because of one record, however often it is sent. All else is ours, or passes: a
# timestamp that brokers refuse is this process's clock.
RECORD_FAULTS: Final = (MessageSizeTooLargeError, RecordListTooLargeError, Unencodable)


class Unwritable(EsitoError):
    """An output of this batch can never be written; the producer is unusable.

    It came from `records` records from `first_offset` on, or of the alarms of the keys `alarms`.
    """

    def __init__(
        self,
        error: Exception,
        *,
        records: Sequence[InputRecord] = (),
        alarms: frozenset[bytes] = frozenset(),
    ) -> None:
        """Say what the batch came from, and the class of the error."""
        self.reason = type(error).__name__
        self.first_offset = records[0].offset if records else None
        self.records = len(records)
        self.alarms = alarms
        super().__init__(
            f"{self.records} records from offset {self.first_offset}, {len(alarms)} alarms: "
            f"{self.reason}"
        )
