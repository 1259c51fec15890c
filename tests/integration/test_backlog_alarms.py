"""Alarms and the loop: none rings before its backlog is read; what all fail at is our fault."""

import time
from collections.abc import Mapping
from dataclasses import replace

from aiokafka import AIOKafkaProducer

from tests.integration.test_membership import IdleProcessor, around, until
from tests.kafka import Kafka
from workers.kafka_transaction import TransactionalWriter
from workers.membership import Membership
from workers.processor import InputRecord, Output
from workers.verified_until import Mark

HOUR = 3_600_000
RECORDS = 1_200  # more than one batch


class Diary(IdleProcessor):
    """A processor that writes down what it worked on, and at which times its alarms might ring."""

    def __init__(self) -> None:
        super().__init__([])
        self.worked_on = 0
        self.times: list[tuple[int, int]] = []

    def process(self, record: InputRecord) -> tuple[Output, ...]:
        del record
        self.worked_on += 1
        return ()

    def alarms(
        self, now_milliseconds: int, *, keys_max: int, given_up: Mapping[bytes, str]
    ) -> tuple[Output, ...]:
        del keys_max, given_up
        self.times.append((self.worked_on, now_milliseconds))
        return ()


async def test_no_alarm_rings_for_what_lies_in_the_backlog(kafka: Kafka, topic_prefix: str) -> None:
    async with around(kafka, topic_prefix) as (surroundings, clients):
        began = time.time_ns() // 1_000_000
        await produce(kafka, f"{topic_prefix}in", began - HOUR)
        diaries = {partition: Diary() for partition in (0, 1)}
        member = Membership(
            f"{topic_prefix}in",
            clients=clients,
            make_processor=lambda partition: diaries[partition.partition],
            make_writer=TransactionalWriter,
            around=replace(surroundings, newest_mark=lambda: Mark(began, {0: RECORDS, 1: 0})),
        )
        await member.join()
        await until(lambda: all(one.times[-1:] >= [(0, began)] for one in diaries.values()))
        await until(lambda: diaries[0].times[-1] >= (RECORDS, began))
        await member.leave()

    behind = [now for worked_on, now in diaries[0].times if worked_on < RECORDS]
    assert set(behind) == {0}


class Poisoned(IdleProcessor):
    """A processor all of whose alarms are dead letters."""

    def __init__(self, rejected: str) -> None:
        super().__init__([])
        self._rejected = rejected

    def alarms(
        self, now_milliseconds: int, *, keys_max: int, given_up: Mapping[bytes, str]
    ) -> tuple[Output, ...]:
        del now_milliseconds, keys_max, given_up
        return (Output(self._rejected, b"k", b"v", [("why", b"")]),) * 30


async def test_alarms_that_all_fail_open_the_breaker(kafka: Kafka, topic_prefix: str) -> None:
    async with around(kafka, topic_prefix) as (surroundings, clients):
        member = Membership(
            f"{topic_prefix}in",
            clients=clients,
            make_processor=lambda _: Poisoned(surroundings.rejected_topic),
            make_writer=TransactionalWriter,
            around=surroundings,
        )
        await member.join()
        await until(lambda: surroundings.breaker.is_open)
        await member.leave()

    labels = {"topic": f"{topic_prefix}in", "outcome": "committed"}
    value = surroundings.metrics.registry.get_sample_value
    assert value("esito_worker_kafka_transactions_total", labels) == 0


async def produce(kafka: Kafka, topic: str, first_at: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
        for number in range(RECORDS):
            await producer.send(topic, b"{}", partition=0, timestamp_ms=first_at + number)
        await producer.flush()
