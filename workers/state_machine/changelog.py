"""Read a partition's state back from its compacted changelog topic."""

from collections.abc import Callable
from typing import Final

from aiokafka import TopicPartition

from runtime.kafka import KafkaClients, close_client

_FETCH_BYTES_MAX: Final = 16_777_216
_QUIET_MILLISECONDS: Final = 200
_CLOSE_SECONDS: Final = 1.0


async def read_changelog(
    partition: TopicPartition, *, clients: KafkaClients, take: Callable[[bytes, bytes | None], None]
) -> int:
    """Call `take(key, value)` for every committed record, oldest first; return how many.

    It reads up to the end as seen at the call: call it after the former owner is fenced.
    """
    consumer = clients.consumer(group=None, fetch_bytes_max=_FETCH_BYTES_MAX)
    count = 0
    try:
        await consumer.start()
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        await consumer.seek_to_beginning(partition)
        # The position also passes control records and aborted ones: it reaches the end in any case.
        while await consumer.position(partition) < end:
            found = await consumer.getmany(partition, timeout_ms=_QUIET_MILLISECONDS)
            for record in found.get(partition, ()):
                take(record.key, record.value)
                count += 1
    finally:
        await close_client(consumer, seconds=_CLOSE_SECONDS)
    return count
