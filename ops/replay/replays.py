"""Write stored records again to the topic they came from: as they were, marked, at a bounded rate.

A replay is harmless: whoever reads it judges it by the headers it was stored with, and the same
fact has the same event id.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from contracts import dead_letter, raw
from ops.cluster import Cluster
from ops.terminal import text_of
from ops.topic_reader import Place, StoredRecord, read_each
from runtime.configuration import Configuration
from runtime.kafka import RECORD_OVERHEAD_BYTES

_BATCH_BYTES: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Replay:
    """The stored record at `place` shall go to `topic` again; `code` rejected it, if one did.

    Its body is read when it is sent: there may be many, and each may be large.
    """

    place: Place
    topic: str
    code: str = ""

    @property
    def source(self) -> str:
        """Return the id of the record that it replays."""
        return "-".join(map(str, self.place))


@dataclass(frozen=True, slots=True)
class Sent:
    """A replay that now lies at `place`."""

    replay: Replay
    place: Place
    callback_id: str

    @property
    def id(self) -> str:
        """Return the new record's id."""
        return "-".join(map(str, self.place))

    @property
    def subject(self) -> str:
        """Return what it is about, as `ops.replay.outcomes` has it."""
        return self.callback_id or self.id


def replay_headers(record: StoredRecord) -> list[tuple[str, bytes]]:
    """Return the headers of a replay of `record`: its own, without what a dead letter adds."""
    original = dead_letter.original_headers(record.headers)
    headers = [pair for pair in original if pair[0] != dead_letter.REPLAYED_FROM]
    return [*headers, (dead_letter.REPLAYED_FROM, record.id.encode())]


async def send(
    cluster: Cluster, configuration: Configuration, replays: Collection[Replay], *, rate: float
) -> AsyncGenerator[Sent]:
    """Send each replay that is still kept, and yield it once all replicas have it.

    No more than `rate` are sent in a second.
    """
    by_place = {one.place: one for one in replays}
    bodies = [endpoint.limits.body_bytes_max for endpoint in configuration.endpoints]
    producer = cluster.clients.idempotent_producer(
        batch_bytes_max=max(_BATCH_BYTES, *bodies) + RECORD_OVERHEAD_BYTES, linger_milliseconds=0
    )
    async with producer, aclosing(read_each(cluster.clients, list(by_place))) as records:
        began, number = time.monotonic(), 0
        async for record in records:
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            replay, number = by_place[record.place], number + 1
            # Without a partition: the key chooses it, as it did the first time.
            written = await producer.send_and_wait(
                replay.topic, key=record.key, value=record.value, headers=replay_headers(record)
            )
            place = written.topic, written.partition, written.offset
            yield Sent(replay, place, text_of(record.header(raw.CALLBACK_ID)))
