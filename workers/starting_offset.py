"""Say from where a partition is read, and say aloud what Kafka no longer has of it.

* no offset is committed: from the first record; a warning if there are any
* what comes next is deleted: from the first record there is, and that is committed; an error
* the partition ends before: nothing is read, for its records are not those that were counted
"""

from collections.abc import Awaitable, Callable, Iterable

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from contracts.errors import Broken
from runtime.log_events import LogEvent
from runtime.telemetry import Logger
from workers.committed_offset import committed_offset
from workers.processor import Output
from workers.surroundings import Surroundings

Write = Callable[[Iterable[Output], OffsetAndMetadata | None], Awaitable[None]]


async def starting_offset(
    partition: TopicPartition, around: Surroundings, write: Write, log: Logger
) -> OffsetAndMetadata:
    """Return the offset that is read next, and whether processes died at it.

    Raises:
        Broken: the partition ends before the committed offset; the topic was made anew.
        KafkaError: the brokers do not say; try again.
    """
    missed = around.metrics.counter("esito_worker_missed_records_total", partition.topic)
    committed = await committed_offset(around.admin, around.group, partition)
    begin: int = (await around.consumer.beginning_offsets([partition]))[partition]
    end: int = (await around.consumer.end_offsets([partition]))[partition]
    first = OffsetAndMetadata(begin, "")
    if committed is None:
        if begin < end:
            log.warning(LogEvent.OFFSET_MISSED, offset=begin, records=end - begin)
        return first
    if committed.offset > end:
        log.error(LogEvent.OFFSET_REFUSED, offset=committed.offset, end=end)
        raise Broken(f"{partition} ends at {end}, before the committed offset {committed.offset}")
    if committed.offset >= begin:
        return committed
    missed.inc(begin - committed.offset)
    log.error(LogEvent.RECORDS_MISSED, offset=committed.offset, end=begin)
    await write((), first)  # or the next owner would miss them once more
    return first
