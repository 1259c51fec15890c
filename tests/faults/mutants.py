"""Break the loop's Kafka transaction on purpose: each mutant leaves out one thing it needs.

They are what the checker and the faults are tried on: a mutant that no fault exposes says that the
fault is too weak.
"""

import os
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.structs import OffsetAndMetadata

from runtime.kafka import KafkaClients
from workers.kafka_transaction import TransactionalWriter
from workers.processor import Output


class CommitsFirst(TransactionalWriter):
    """Commits the input offset, and only then writes what the records led to."""

    async def write(self, outputs: Iterable[Output], offset: OffsetAndMetadata | None) -> None:
        """Write twice; a death between the two (`between`) forgets the outputs."""
        found = list(outputs)
        await super().write((), offset)
        if found:
            self._failpoint("between")
            await super().write(found, None)


class OffsetsOutside(TransactionalWriter):
    """Writes the outputs in one Kafka transaction and the input offset in another."""

    async def write(self, outputs: Iterable[Output], offset: OffsetAndMetadata | None) -> None:
        """Write twice; a death between the two (`between`) repeats the outputs."""
        found = list(outputs)
        await super().write(found, None)
        if found:
            self._failpoint("between")
        await super().write((), offset)


class NamesAlarms(TransactionalWriter):
    """The real writer, no mutant: its points are called `alarm-…` where an alarm rings."""

    async def write(self, outputs: Iterable[Output], offset: OffsetAndMetadata | None) -> None:
        """Write; a batch of alarms has no offset to commit."""
        found, plain = list(outputs), self._failpoint
        if found and offset is None:
            self._failpoint = lambda point: plain(f"alarm-{point}")
        try:
            await super().write(found, offset)
        finally:
            self._failpoint = plain


class UnfencedClients(KafkaClients):
    """Gives every process transactional ids of its own, so no owner ever shuts out another."""

    def transactional_producer(self, transactional_id: str, **settings: Any) -> AIOKafkaProducer:  # noqa: ANN401 - as the method it replaces
        """Return a producer whose start fences nobody."""
        return super().transactional_producer(f"{transactional_id}.{os.getpid()}", **settings)


WRITERS: Final = {
    "none": TransactionalWriter,
    "names-alarms": NamesAlarms,
    "unfenced": TransactionalWriter,
    "commits-first": CommitsFirst,
    "offsets-outside": OffsetsOutside,
}
