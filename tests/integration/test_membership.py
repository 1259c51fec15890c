"""A membership ends with everything it began, and one that has broken down for good is given up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from runtime.configuration import Configuration
from runtime.failpoint import no_failpoint
from runtime.kafka import KafkaClients
from runtime.metrics import Metrics
from tests.kafka import Kafka
from workers.breaker import Breaker
from workers.kafka_transaction import TransactionalWriter
from workers.membership import Membership
from workers.processor import InputRecord, Output
from workers.surroundings import Surroundings

WAIT_SECONDS_MAX = 90.0
ENDPOINT = {
    "name": "shop",
    "provider": "pivot",
    "path": "/",
    "api_key": {"keys": [{"id": "a", "file": "unused"}]},
}


class IdleProcessor:
    """A processor that makes nothing of any record; the first one fails to restore."""

    def __init__(self, failures: list[BaseException]) -> None:
        self._failures = failures

    async def restore(self) -> None:
        if self._failures:
            raise self._failures.pop()

    async def prepare(self, records: Sequence[InputRecord]) -> int:
        return len(records)

    def process(self, record: InputRecord) -> tuple[Output, ...]:
        del record
        return ()

    def finish(self) -> tuple[Output, ...]:
        return ()

    def committed(self) -> None: ...

    def aborted(self) -> None: ...

    async def close(self) -> None: ...

    def alarms(
        self, now_milliseconds: int, *, keys_max: int, given_up: Mapping[bytes, str]
    ) -> tuple[Output, ...]:
        del now_milliseconds, keys_max, given_up
        return ()


@asynccontextmanager
async def around(kafka: Kafka, prefix: str) -> AsyncIterator[tuple[Surroundings, KafkaClients]]:
    configuration = Configuration(
        kafka_bootstrap_servers=kafka.bootstrap_servers,
        endpoints=[ENDPOINT],
        worker={"backoff_seconds_max": 0.05, "revoke_seconds": 2},
    )
    clients = KafkaClients(configuration, client_id="membership")
    admin = clients.admin()
    await admin.start()
    await admin.create_topics([NewTopic(f"{prefix}in", 2, 1)])
    consumer = clients.consumer(
        group=f"{prefix}group", fetch_bytes_max=1_024, session_seconds=6, may_skip=False
    )
    try:
        yield (
            Surroundings(
                group=f"{prefix}group",
                rejected_topic=f"{prefix}rejected",
                consumer=consumer,
                admin=admin,
                settings=configuration.worker,
                breaker=Breaker(configuration.worker.breaker),
                metrics=Metrics(),
                log=structlog.get_logger(),
                failpoint=no_failpoint,
            ),
            clients,
        )
    finally:
        await consumer.stop()
        await admin.close()


@pytest.fixture
async def membership(kafka: Kafka, topic_prefix: str) -> AsyncIterator[Membership]:
    """Give a member that has worked off a record of each partition.

    One restore fails by a cancellation that nobody asked for, as aiokafka's consumer does when it
    is closed while brokers are away: the partition was orphaned by it before.
    """
    failures: list[BaseException] = [asyncio.CancelledError()]
    async with around(kafka, topic_prefix) as (surroundings, clients):
        member = Membership(
            f"{topic_prefix}in",
            clients=clients,
            make_processor=lambda _: IdleProcessor(failures),
            make_writer=TransactionalWriter,
            around=surroundings,
        )
        await member.join()
        await produce_to_both(kafka, f"{topic_prefix}in")
        value = surroundings.metrics.registry.get_sample_value
        labels = {"topic": f"{topic_prefix}in", "outcome": "processed"}
        await until(lambda: value("esito_worker_records_total", labels) == 2)
        yield member
        await member.leave()


async def produce_to_both(kafka: Kafka, topic: str) -> None:
    """Give each partition a record, so that each has an offset committed."""
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
        for partition in (0, 1):
            await producer.send_and_wait(topic, b"record", partition=partition)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


async def test_membership_whose_consumer_is_broken_is_given_up(membership: Membership) -> None:
    """A loop that went on would fence the partition's new owner again and again."""
    await membership._around.consumer.stop()  # noqa: SLF001 - what breaks it down for good

    async with asyncio.timeout(WAIT_SECONDS_MAX):
        await membership.lost.wait()
        # aiokafka leaks a connection when it is cancelled while it connects: let all loops end.
        await asyncio.gather(*membership._tasks.values())  # noqa: SLF001 - the tasks are the point


async def test_fence_of_a_silent_broker_ends() -> None:
    """A loop that waits for it for ever would own its partition, and say nothing."""
    silent = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    writer = TransactionalWriter(
        AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{port}", transactional_id="t"),
        group="group",
        partition=TopicPartition("t", 0),
        failpoint=no_failpoint,
        fence_seconds=0.2,
    )

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await writer.fence()

    await writer.stop()
    silent.close()


async def test_membership_that_has_left_takes_no_late_assignment(
    membership: Membership, topic_prefix: str
) -> None:
    """aiokafka may finish a join, and assign, while its consumer is being stopped."""
    await membership.leave()

    await membership.on_partitions_assigned([TopicPartition(f"{topic_prefix}in", 0)])

    assert membership.partitions == 0
