"""Say what the loop needs of a processor: work on records, and state that follows the commit."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from aiokafka import ConsumerRecord

InputRecord: TypeAlias = ConsumerRecord[bytes | None, bytes | None]


class Output(NamedTuple):
    """One record to write in the Kafka transaction; without a partition, the key chooses it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]  # aiokafka takes no tuple
    partition: int | None = None


class Processor(Protocol):
    """The work of one input partition.

    Between two calls of `committed` or `aborted` lies one Kafka transaction. `process` either
    returns or raises without effect, so a record that fails leaves nothing of itself behind.
    """

    async def restore(self) -> None:
        """Build the state that the committed records amount to."""

    async def prepare(self, records: Sequence[InputRecord]) -> int:
        """Find what `records` need that cannot be had at once; return how many may be processed.

        It is called outside any Kafka transaction, and may take long: it returns as soon as the
        first record is ready, with as many of those behind it as are ready as well. Called again
        with the rest, it has not forgotten what it found. It fails as `process` would, never for
        the fault of a record: that is `process`'s to tell.

        Raises:
            Unavailable: something is away, and no record is ready.
        """

    def process(self, record: InputRecord) -> Sequence[Output]:
        """Return what `record` leads to.

        Raises:
            Rejected: the record can never be processed; it becomes a dead letter.
            Unavailable: something is away; the same record will be processed again.
        """

    def finish(self) -> Sequence[Output]:
        """Return what the batch as a whole leads to (a changelog); called once, before commit."""

    def committed(self) -> None:
        """Make the effects since the last call the state: the Kafka transaction is committed."""

    def aborted(self) -> None:
        """Forget the effects since the last call: the Kafka transaction is aborted."""

    async def close(self) -> None:
        """Show nothing more of the partition, and end whatever `prepare` has begun.

        Nothing is called after it. It must not raise.
        """

    def alarms(
        self, now_milliseconds: int, *, keys_max: int, given_up: Mapping[bytes, str]
    ) -> Sequence[Output]:
        """Return what the passing of time leads to, of at most so many keys; empty: nothing is due.

        The time is one up to which all that was received has been processed here (RecordClock).
        What fails at a key is the key's affair: it becomes a dead letter, or is logged. So does
        what `given_up` names, with the reason: its outputs cannot be written.
        """
