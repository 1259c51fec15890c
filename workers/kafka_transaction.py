"""Write one batch as one Kafka transaction: outputs and input offset together, or nothing.

1. encode: what cannot be encoded is found before anything is begun
2. begin
3. produce: whole batches, one future each
4. send the input offset, into the same Kafka transaction
5. wait until every batch is confirmed: aiokafka commits happily after a batch has failed for good
6. commit
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
)
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import OffsetAndMetadata

from contracts.errors import EsitoError
from runtime.failpoint import Failpoint
from runtime.kafka import PRODUCER_START_SECONDS, close_client
from workers.processor import Output

_STOP_SECONDS: Final = 2.0
# What the brokers say to a producer that another process, or the coordinator itself, has shut out.
_FENCED = (
    ProducerFenced,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    OutOfOrderSequenceNumber,
)


class Fenced(EsitoError):
    """Another owner exists, or the coordinator gave us up: drop everything, join the group anew."""


class Unencodable(EsitoError):
    """An output is no Kafka record: a key, value or header of a wrong type or size."""


EncodedBatch = tuple[TopicPartition, BatchBuilder]


class TransactionalWriter:
    """The transactional producer of one input partition."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        *,
        group: str,
        partition: TopicPartition,
        failpoint: Failpoint,
        fence_seconds: float = PRODUCER_START_SECONDS,
    ) -> None:
        """Wrap a producer that is not started yet."""
        self._producer = producer
        self._group = group
        self._partition = partition
        self._failpoint = failpoint
        self._fence_seconds = fence_seconds
        self._partitioner = DefaultPartitioner()

    async def fence(self) -> None:
        """Start the producer: that shuts out the former owner, and ends what it left open.

        Raises:
            TimeoutError: the brokers do not let it; try again.
        """
        async with asyncio.timeout(self._fence_seconds):
            await self._producer.start()

    async def stop(self) -> None:
        """Close the connection; what is open is aborted by the next owner's `fence`."""
        # A producer whose broker is away would wait for its batches for ever.
        if not await close_client(self._producer, seconds=_STOP_SECONDS):
            await self._producer.client.close()

    async def write(self, outputs: Iterable[Output], offset: OffsetAndMetadata | None) -> None:
        """Commit `outputs` and the next input offset (None: as it was) as one Kafka transaction.

        Raises:
            Unencodable: an output is no Kafka record; nothing was begun.
            Fenced: this producer has been shut out.
            KafkaError: whether the Kafka transaction is committed is not known; take over again.
        """
        try:
            batches = await self.encode(outputs)  # 1
            await self.begin()  # 2
            confirmations = await self.produce(batches)  # 3
            if offset is not None:
                await self.send_offset(offset)  # 4
            await self.confirm(confirmations)  # 5
            await self.commit()  # 6
        except _FENCED as error:
            raise Fenced(type(error).__name__) from error
        except KafkaError as error:
            # The sender task wraps what killed it.
            if isinstance(error.__cause__, _FENCED):
                raise Fenced(type(error.__cause__).__name__) from error
            raise

    async def encode(self, outputs: Iterable[Output]) -> list[EncodedBatch]:
        """Return the outputs as batches, in order for each partition."""
        batches: list[EncodedBatch] = []
        open_batches: dict[TopicPartition, BatchBuilder] = {}
        known: dict[str, list[int]] = {}
        for output in outputs:
            partition = output.partition
            if partition is None:
                if output.topic not in known:
                    known[output.topic] = sorted(await self._producer.partitions_for(output.topic))
                partition = self._partitioner(output.key, known[output.topic], known[output.topic])
            target = TopicPartition(output.topic, partition)
            batch = open_batches.get(target)
            if batch is None or not _append(batch, output):
                batch = open_batches[target] = self._producer.create_batch()
                batches.append((target, batch))
                _append(batch, output)
        return batches

    async def begin(self) -> None:
        """Open the Kafka transaction."""
        await self._producer.begin_transaction()
        self._failpoint("begun")

    async def produce(self, batches: Iterable[EncodedBatch]) -> list[asyncio.Future[object]]:
        """Hand the batches to the producer; return one future for each."""
        futures = [
            await self._producer.send_batch(batch, target.topic, partition=target.partition)
            for target, batch in batches
        ]
        self._failpoint("produced")
        return futures

    async def send_offset(self, offset: OffsetAndMetadata) -> None:
        """Add the input offset to the same Kafka transaction."""
        await self._producer.send_offsets_to_transaction({self._partition: offset}, self._group)
        self._failpoint("offsets_sent")

    async def confirm(self, confirmations: Sequence[asyncio.Future[object]]) -> None:
        """Raise the first failure to write a batch, after all have ended."""
        for outcome in await asyncio.gather(*confirmations, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def commit(self) -> None:
        """Make outputs and offset visible, together."""
        await self._producer.commit_transaction()
        self._failpoint("committed")


def _append(batch: BatchBuilder, output: Output) -> bool:
    """Add `output`; False when the batch is full (an empty batch takes a record of any size)."""
    try:
        taken = batch.append(
            timestamp=None, key=output.key, value=output.value, headers=output.headers
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise Unencodable(type(error).__name__) from error
    return taken is not None
