"""A batch of slow records: heartbeats and /healthz get their turn while it is worked off."""

import asyncio
import time

from aiokafka import AIOKafkaProducer

from tests.integration.test_membership import IdleProcessor, around
from tests.kafka import Kafka
from workers.kafka_transaction import TransactionalWriter
from workers.membership import Membership
from workers.processor import InputRecord, Output
from workers.turns import WORK_SECONDS_MAX

RECORDS = 60
RECORD_SECONDS = WORK_SECONDS_MAX / 5


class SlowProcessor(IdleProcessor):
    """A processor that is at each record for a while, as certificates of strangers make it."""

    def __init__(self) -> None:
        super().__init__([])
        self.worked_on = 0

    def process(self, record: InputRecord) -> tuple[Output, ...]:
        del record
        end = time.monotonic() + RECORD_SECONDS
        while time.monotonic() < end:
            pass
        self.worked_on += 1
        return ()


async def test_others_have_their_turn_within_a_batch(kafka: Kafka, topic_prefix: str) -> None:
    topic, slow = f"{topic_prefix}in", SlowProcessor()
    async with around(kafka, topic_prefix) as (surroundings, clients):
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
            for _ in range(RECORDS):
                await producer.send(topic, b"r", partition=0)
            await producer.flush()
        member = Membership(
            topic,
            clients=clients,
            make_processor=lambda one: IdleProcessor([]) if one.partition else slow,
            make_writer=TransactionalWriter,
            around=surroundings,
        )
        await member.join()
        stretch = await longest_stretch(slow)
        await member.leave()

    assert stretch <= RECORDS / 4


async def longest_stretch(slow: SlowProcessor) -> int:
    """Return how many records were worked off at most between two turns of this task."""
    seen = longest = 0
    async with asyncio.timeout(60):
        while seen < RECORDS:
            await asyncio.sleep(0)
            longest = max(longest, slow.worked_on - seen)
            seen = slow.worked_on
    return longest
