"""What a topic refuses for good becomes a dead letter, alone; if that is refused too, it waits."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from structlog.testing import CapturingLogger

from contracts.codes import RejectionCode
from contracts.dead_letter import CODE, DETAIL, ERROR_OFFSET
from runtime.log_events import LogEvent
from tests.integration.test_membership import IdleProcessor, around, until
from tests.kafka import Kafka
from workers.kafka_transaction import TransactionalWriter
from workers.membership import Membership
from workers.processor import InputRecord, Output
from workers.surroundings import Surroundings
from workers.verified_until import Mark

NARROW = "1000"
LARGE = b"x" * 2_000
REASON = "its outputs cannot be written: MessageSizeTooLargeError"


class Copies(IdleProcessor):
    """Copies every record, and at its alarm every key it was given."""

    def __init__(self, prefix: str, due: Mapping[bytes, bytes]) -> None:
        super().__init__([])
        self._prefix = prefix
        self._due = dict(due)
        self._rung: list[bytes] = []

    def process(self, record: InputRecord) -> tuple[Output, ...]:
        return (Output(f"{self._prefix}out", record.key, record.value, []),)

    def alarms(
        self, now_milliseconds: int, *, keys_max: int, given_up: Mapping[bytes, str]
    ) -> tuple[Output, ...]:
        keys = list(self._due)[:keys_max] if now_milliseconds else []
        self._rung = keys
        return tuple(
            Output(f"{self._prefix}rejected", key, given_up[key].encode(), [("why", b"")])
            if key in given_up
            else Output(f"{self._prefix}out", key, self._due[key], [("rang", b"")])
            for key in keys
        )

    def committed(self) -> None:
        for key in self._rung:
            del self._due[key]
        self._rung = []


@asynccontextmanager
async def member(
    kafka: Kafka,
    prefix: str,
    *records: bytes,
    narrow: Sequence[str],
    due: Mapping[bytes, bytes] = MappingProxyType({}),
) -> AsyncIterator[tuple[Surroundings, CapturingLogger, Membership]]:
    """Give a member that reads `records`, and its log; `narrow` topics refuse a large one."""
    capturing = CapturingLogger()
    async with around(kafka, prefix) as (given, clients):
        await create(given.admin, prefix, narrow)
        await produce(kafka, f"{prefix}in", *records)
        surroundings = replace(
            given,
            log=structlog.wrap_logger(capturing, processors=[]),
            newest_mark=lambda: Mark(1, {0: 0}),
        )
        # One for all lives of the loop: it stands for what a changelog would restore.
        processors = {
            partition: Copies(prefix, due if not partition else {}) for partition in (0, 1)
        }
        membership = Membership(
            f"{prefix}in",
            clients=clients,
            make_processor=lambda partition: processors[partition.partition],
            make_writer=TransactionalWriter,
            around=surroundings,
        )
        await membership.join()
        yield surroundings, capturing, membership
        await membership.leave()


async def create(admin: AIOKafkaAdminClient, prefix: str, narrow: Sequence[str]) -> None:
    await admin.create_topics(
        [
            NewTopic(
                f"{prefix}{name}",
                1,
                1,
                topic_configs={"max.message.bytes": NARROW} if name in narrow else {},
            )
            for name in ("out", "rejected")
        ]
    )


async def produce(kafka: Kafka, topic: str, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


async def read(kafka: Kafka, topic: str, count: int) -> list[InputRecord]:
    """Return the first `count` committed records."""
    found: list[InputRecord] = []
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka.bootstrap_servers,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    ) as consumer:
        while len(found) < count:
            found.append(await consumer.getone())
    return found


def isolated(capturing: CapturingLogger) -> list[dict[str, object]]:
    """Return what was logged of batches that could not be written."""
    found = [one.kwargs for one in capturing.calls]
    return [one for one in found if one["event"] == LogEvent.PARTITION_ISOLATED and "reason" in one]


async def test_record_whose_output_is_refused_is_a_dead_letter_and_nothing_else(
    kafka: Kafka, topic_prefix: str
) -> None:
    async with member(kafka, topic_prefix, b"1", LARGE, b"2", narrow=["out"]) as (
        _,
        log,
        membership,
    ):
        outputs = await read(kafka, f"{topic_prefix}out", 2)
        (letter,) = await read(kafka, f"{topic_prefix}rejected", 1)

    headers = dict(letter.headers)
    assert [one.value for one in outputs] == [b"1", b"2"]
    assert (headers[CODE].decode(), headers[DETAIL].decode()) == (RejectionCode.POISONED, REASON)
    assert (headers[ERROR_OFFSET], letter.value) == (b"1", LARGE)
    assert {one["reason"] for one in isolated(log)} == {"MessageSizeTooLargeError"}
    assert not membership.lost.is_set()


async def test_dead_letter_that_is_refused_too_is_tried_with_pauses(
    kafka: Kafka, topic_prefix: str
) -> None:
    async with member(kafka, topic_prefix, LARGE, narrow=["out", "rejected"]) as (
        surroundings,
        log,
        membership,
    ):
        value = surroundings.metrics.registry.get_sample_value
        labels = {"topic": f"{topic_prefix}in"}
        await until(lambda: (value("esito_worker_delays_total", labels) or 0) > 0)

        assert len(isolated(log)) > 1
        assert not membership.lost.is_set()


async def test_alarm_that_is_refused_is_given_up_and_the_others_ring(
    kafka: Kafka, topic_prefix: str
) -> None:
    due = {b"a": b"1", b"b": LARGE, b"c": b"2"}

    async with member(kafka, topic_prefix, due=due, narrow=["out"]) as (_, log, membership):
        outputs = await read(kafka, f"{topic_prefix}out", 2)
        (letter,) = await read(kafka, f"{topic_prefix}rejected", 1)

    assert [one.key for one in outputs] == [b"a", b"c"]
    assert (letter.key, letter.value) == (b"b", REASON.encode())
    assert [one["count"] for one in isolated(log)] == [3, 1]
    assert not membership.lost.is_set()
