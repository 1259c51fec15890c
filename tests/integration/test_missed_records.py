"""A worker says what Kafka no longer has of its input, and reads nothing of a topic made anew."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import OffsetAndMetadata
from structlog.testing import capture_logs

from tests.integration.test_membership import IdleProcessor, around, until
from tests.kafka import Kafka
from workers.committed_offset import committed_offset
from workers.kafka_transaction import TransactionalWriter
from workers.membership import Membership
from workers.processor import InputRecord, Output
from workers.surroundings import Surroundings

Lines = list[MutableMapping[str, Any]]


class Reader(IdleProcessor):
    """A processor that writes down which records it was given."""

    def __init__(self) -> None:
        super().__init__([])
        self.offsets: list[int] = []

    def process(self, record: InputRecord) -> tuple[Output, ...]:
        self.offsets.append(record.offset)
        return ()


class Site:
    """A group of its own, with a topic of which partition 0 is looked at."""

    def __init__(self, kafka: Kafka, surroundings: Surroundings, clients: Any) -> None:  # noqa: ANN401 - as `around` gives it
        self.around = surroundings
        self.topic = surroundings.rejected_topic.removesuffix("rejected") + "in"
        self.partition = TopicPartition(self.topic, 0)
        self.read = Reader()
        self._kafka = kafka
        self._clients = clients

    async def produce(self, records: int) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._kafka.bootstrap_servers) as producer:
            for _ in range(records):
                await producer.send_and_wait(self.topic, b"record", partition=0)

    async def delete(self, before: int) -> None:
        await self.around.admin.delete_records({self.partition: RecordsToDelete(before)})

    async def commit(self, offset: int) -> None:
        producer = self._clients.transactional_producer(
            f"{self.topic}.test", batch_bytes_max=1_024, timeout_seconds=10
        )
        async with producer, producer.transaction():
            await producer.send_offsets_to_transaction(
                {self.partition: OffsetAndMetadata(offset, "")}, self.around.group
            )

    async def committed(self) -> OffsetAndMetadata | None:
        return await committed_offset(self.around.admin, self.around.group, self.partition)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        readers = {0: self.read, 1: IdleProcessor([])}
        member = Membership(
            self.topic,
            clients=self._clients,
            make_processor=lambda partition: readers[partition.partition],
            make_writer=TransactionalWriter,
            around=self.around,
        )
        await member.join()
        try:
            yield
        finally:
            await member.leave()

    def metric(self, name: str) -> float | None:
        return self.around.metrics.registry.get_sample_value(name, {"topic": self.topic})


def said(lines: Lines, event: str) -> Lines:
    return [line for line in lines if line["event"] == event]


async def test_records_deleted_while_away_are_counted_and_said(
    kafka: Kafka, topic_prefix: str
) -> None:
    with capture_logs() as lines:
        async with around(kafka, topic_prefix) as (surroundings, clients):
            site = Site(kafka, surroundings, clients)
            await site.produce(5)
            await site.commit(1)
            await site.delete(4)

            async with site.working():
                await until(lambda: site.read.offsets == [4])

    (line,) = said(lines, "records.missed")
    assert (line["log_level"], line["offset"], line["end"]) == ("error", 1, 4)
    assert site.metric("esito_worker_missed_records_total") == 3


async def test_records_deleted_while_away_are_missed_once(kafka: Kafka, topic_prefix: str) -> None:
    """The group moves on with it: the next owner has nothing to say."""
    async with around(kafka, topic_prefix) as (surroundings, clients):
        site = Site(kafka, surroundings, clients)
        await site.produce(4)
        await site.commit(1)
        await site.delete(4)

        async with site.working():
            await until(lambda: site.metric("esito_worker_partitions") == 2)

        assert await site.committed() == OffsetAndMetadata(4, "")


async def test_records_deleted_under_a_working_loop_are_counted_and_said(
    kafka: Kafka, topic_prefix: str
) -> None:
    with capture_logs() as lines:
        async with around(kafka, topic_prefix) as (surroundings, clients):
            site = Site(kafka, surroundings, clients)
            async with site.working():
                await until(lambda: site.metric("esito_worker_partitions") == 2)
                surroundings.consumer.pause(site.partition)
                await site.produce(3)
                await site.commit(0)
                await site.delete(2)
                surroundings.consumer.resume(site.partition)
                await until(lambda: site.read.offsets == [2])

    assert [line["end"] for line in said(lines, "records.missed")] == [2]


async def test_partition_that_ends_before_the_offset_is_not_read(
    kafka: Kafka, topic_prefix: str
) -> None:
    with capture_logs() as lines:
        async with around(kafka, topic_prefix) as (surroundings, clients):
            site = Site(kafka, surroundings, clients)
            await site.produce(1)
            await site.commit(7)

            async with site.working():
                await until(lambda: bool(said(lines, "offset.refused")))

            assert await site.committed() == OffsetAndMetadata(7, "")

    line = said(lines, "offset.refused")[0]
    assert (line["log_level"], line["offset"], line["end"]) == ("error", 7, 1)
    assert site.read.offsets == []


async def test_records_without_an_offset_are_read_and_said(kafka: Kafka, topic_prefix: str) -> None:
    with capture_logs() as lines:
        async with around(kafka, topic_prefix) as (surroundings, clients):
            site = Site(kafka, surroundings, clients)
            await site.produce(2)

            async with site.working():
                await until(lambda: site.read.offsets == [0, 1])

    told = [(line["log_level"], line["partition"]) for line in said(lines, "offset.missed")]
    assert told == [("warning", 0)]
    assert not said(lines, "batch.delayed")


async def test_partition_that_is_being_taken_over_is_not_owned_yet(
    kafka: Kafka, topic_prefix: str
) -> None:
    """Without an owner nothing of it is read, however long a fence or a restore takes."""
    restored = asyncio.Event()

    class Slow(Reader):
        async def restore(self) -> None:
            await restored.wait()

    async with around(kafka, topic_prefix) as (surroundings, clients):
        site = Site(kafka, surroundings, clients)
        site.read = Slow()
        async with site.working():
            await until(lambda: site.metric("esito_worker_partitions") == 1)
            restored.set()
            await until(lambda: site.metric("esito_worker_partitions") == 2)
        assert site.metric("esito_worker_partitions") == 0
