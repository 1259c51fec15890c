"""Know up to when all that was received has been verified, for partitions that alarms ring in.

The callbacks of one transaction come by any raw partition, and one of those may stand (a slow
request, a verifier that has died) while the others go on. By the clock alone, what came by the
others would settle, or be missed, while the rest still lies there.

1. note the time, and ask for the end of every raw partition
2. wait until the verifier has committed up to these ends
3. ask for the end of every verified partition: whoever has read so far has read all of it
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownTopicOrPartitionError

from runtime.kafka import KafkaClients, close_client
from runtime.kafka_refusals import log_refusal
from runtime.metrics import Metrics
from runtime.telemetry import Logger

_PAUSE_SECONDS: Final = 0.5
_CLOSE_SECONDS: Final = 2.0
_FETCH_BYTES_MAX: Final = 1  # nothing is fetched


class Mark(NamedTuple):
    """A time (milliseconds since 1970), and how far each partition must be read to have it."""

    milliseconds: int
    ends: Mapping[int, int]


class Upstream(NamedTuple):
    """Who writes the input: a group, and the topic that it reads."""

    group: str
    topic: str


class VerifiedUntil:
    """The newest mark of one input topic, asked for again and again while `watching`."""

    def __init__(self, upstream: Upstream, topic: str, *, metrics: Metrics, log: Logger) -> None:
        """Watch how what `upstream` reads comes to be in `topic`."""
        self._upstream = upstream
        self._topic = topic
        self._log = log
        self._refused = ""
        self._behind = metrics.gauge("esito_state_unverified_seconds", topic)
        self._known = time.time()
        self.mark: Mark | None = None

    @asynccontextmanager
    async def watching(
        self, clients: KafkaClients, admin: AIOKafkaAdminClient
    ) -> AsyncIterator[None]:
        """Keep the mark new until the block ends."""
        watching = asyncio.create_task(self._watch(clients, admin), name="verified-until")
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, clients: KafkaClients, admin: AIOKafkaAdminClient) -> None:
        while True:
            # Ends beyond open Kafka transactions: a commit shows in one partition before another.
            consumer = clients.consumer(
                group=None, fetch_bytes_max=_FETCH_BYTES_MAX, committed_only=False
            )
            try:
                await consumer.start()
                # Assigned, so that the client follows their leaders; paused, so it fetches nothing.
                assigned = await _partitions(admin, self._upstream.topic)
                assigned += await _partitions(admin, self._topic)
                consumer.assign(assigned)
                consumer.pause(*assigned)
                while True:
                    await self._next(consumer, admin)
                    await self._pause()
            except Exception as error:  # noqa: BLE001 - if this loop ended, no alarm would ever ring again
                self._refused = log_refusal(self._log, error, said=self._refused)
                await self._pause()
            finally:
                await close_client(consumer, seconds=_CLOSE_SECONDS)

    async def _next(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        noted, before = time.time(), _now_of(consumer, self._upstream.topic)
        begins, ends = await consumer.beginning_offsets(before), await consumer.end_offsets(before)
        left = {one: end for one, end in ends.items() if end > begins[one]}
        while left:
            reached = await admin.list_consumer_group_offsets(self._upstream.group)
            left = {
                one: end
                for one, end in left.items()
                if one not in reached or reached[one].offset < end
            }
            if left:
                await self._pause()
        verified = await consumer.end_offsets(_now_of(consumer, self._topic))
        self.mark = Mark(int(noted * 1000), {one.partition: end for one, end in verified.items()})
        self._known = noted
        self._behind.set(time.time() - noted)

    async def _pause(self) -> None:
        self._behind.set(time.time() - self._known)
        await asyncio.sleep(_PAUSE_SECONDS)


async def _partitions(admin: AIOKafkaAdminClient, topic: str) -> list[TopicPartition]:
    """Return the partitions of a topic.

    Raises:
        UnknownTopicOrPartitionError: it does not exist yet.
    """
    # All topics are described: asking for one that is missing may create it.
    for one in await admin.describe_topics():
        if one["topic"] == topic:
            return [TopicPartition(topic, number) for number in range(len(one["partitions"]))]
    raise UnknownTopicOrPartitionError(topic)


def _now_of(consumer: AIOKafkaConsumer, topic: str) -> set[TopicPartition]:
    """Return the partitions of a topic: those assigned, and what the client has heard of since."""
    since = consumer.partitions_for_topic(topic) or ()
    assigned = {one for one in consumer.assignment() if one.topic == topic}
    return assigned | {TopicPartition(topic, one) for one in since}
