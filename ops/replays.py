"""Write stored records again to the topic they came from: as they were, marked, at a bounded rate.

A replay is harmless: whoever reads it judges it by the headers it was stored with, and the same
fact has the same event id.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Final

from contracts import dead_letter
from ops.cluster import Cluster
from ops.topic_reader import Place, StoredRecord
from runtime.configuration import Configuration
from runtime.kafka import RECORD_OVERHEAD_BYTES

_BATCH_BYTES: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Replay:
    """What is sent for one stored record, and why: `code` is its rejection code, if it has one."""

    record: StoredRecord
    topic: str
    headers: list[tuple[str, bytes]]
    code: str = ""

    @property
    def source(self) -> str:
        """Return the id of the record that it replays."""
        return self.record.id


def replay_of(record: StoredRecord, topic: str, *, code: str = "") -> Replay:
    """Return what a replay of `record` to `topic` sends: it, without what a dead letter adds."""
    original = dead_letter.original_headers(record.headers)
    headers = [pair for pair in original if pair[0] != dead_letter.REPLAYED_FROM]
    headers.append((dead_letter.REPLAYED_FROM, record.id.encode()))
    return Replay(record, topic, headers, code)


async def send(
    cluster: Cluster, configuration: Configuration, replays: Iterable[Replay], *, rate: float
) -> AsyncGenerator[tuple[Replay, Place]]:
    """Send each replay, and yield it with its new place once all replicas have it.

    No more than `rate` are sent in a second.
    """
    bodies = [endpoint.limits.body_bytes_max for endpoint in configuration.endpoints]
    producer = cluster.clients.idempotent_producer(
        batch_bytes_max=max(_BATCH_BYTES, *bodies) + RECORD_OVERHEAD_BYTES, linger_milliseconds=0
    )
    async with producer:
        began = time.monotonic()
        for number, replay in enumerate(replays):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            record = replay.record
            # Without a partition: the key chooses it, as it did the first time.
            written = await producer.send_and_wait(
                replay.topic, key=record.key, value=record.value, headers=replay.headers
            )
            yield replay, (written.topic, written.partition, written.offset)
