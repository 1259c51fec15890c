"""Know how far each partition has been projected: the database says, never Kafka."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.errors import Broken
from runtime.database import Pool, translated_errors
from runtime.log_events import LogEvent
from runtime.telemetry import Logger


@dataclass(slots=True)
class Position:
    """A partition's number in the database, and the offset that is read next."""

    source: int
    next: int


async def read_positions(
    pool: Pool, consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition], log: Logger
) -> dict[TopicPartition, Position]:
    """Return where to go on in each partition, after those of the database.

    A partition that was never projected begins where Kafka does. What Kafka has deleted before it
    was projected is gone: that is logged as an error.

    Raises:
        Broken: a partition ends before what was projected of it: the topic was made anew.
        Unavailable: the database is away.
    """
    begins: Mapping[TopicPartition, int] = await consumer.beginning_offsets(partitions)
    found = {one: await _stored(pool, one, begins[one]) for one in sorted(partitions)}
    # Asked for last: a former owner's last batch must not seem to lie beyond the end.
    ends: Mapping[TopicPartition, int] = await consumer.end_offsets(partitions)
    for partition, position in found.items():
        if position.next > ends[partition]:
            raise Broken(
                f"{partition.topic}, partition {partition.partition}: projected up to offset "
                f"{position.next}, but the partition ends at {ends[partition]}; the topic was made "
                "anew: esito streams rebuild"
            )
        if position.next < begins[partition]:
            await _skip(pool, position, begins[partition])
            log.error(
                LogEvent.EVENTS_MISSED,
                topic=partition.topic,
                partition=partition.partition,
                offset=begins[partition],
            )
    return found


async def _stored(pool: Pool, partition: TopicPartition, begin: int) -> Position:
    with translated_errors():
        row = await pool.fetchrow(
            """INSERT INTO streams.sources (topic, partition, next_offset) VALUES ($1, $2, $3)
            ON CONFLICT (topic, partition) DO UPDATE SET topic = excluded.topic
            RETURNING source, next_offset""",
            partition.topic,
            partition.partition,
            begin,
        )
    source, following = row or (0, 0)  # an upsert returns its row
    return Position(source, following)


async def _skip(pool: Pool, position: Position, begin: int) -> None:
    with translated_errors():
        await pool.execute(
            "UPDATE streams.sources SET next_offset = $2 WHERE source = $1 AND next_offset = $3",
            position.source,
            begin,
            position.next,
        )
    position.next = begin
