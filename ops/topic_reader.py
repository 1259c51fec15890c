"""Read topics for people: committed records only, no consumer group, nothing committed.

- `read_to_end` ends where the topics ended when it was called, however busy they are.
- `follow` never ends.
- `read_at` and `read_each` fetch single records by their coordinates, at once or one by one.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.kafka import KafkaClients

Place = tuple[str, int, int]  # topic, partition, offset
OnProgress = Callable[[int, int], None]  # records passed, records in all
# Of each partition, the first offset to read and the first one not to.
Spans = Mapping[TopicPartition, tuple[int, int]]

_FETCH_BYTES_MAX: Final = 16_777_216
_QUIET_MILLISECONDS: Final = 200
_RECORDS_MAX: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """One record as it lies in a topic; `written_at` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    written_at: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def of(cls, record: Any) -> Self:  # noqa: ANN401 - aiokafka is untyped
        """Return what a consumer gave."""
        return cls(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            written_at=record.timestamp,
            key=record.key,
            value=record.value,
            headers=tuple(record.headers),
        )

    @property
    def place(self) -> Place:
        """Return where it lies."""
        return self.topic, self.partition, self.offset

    @property
    def id(self) -> str:
        """Return how people name it: `<topic>-<partition>-<offset>`."""
        return "-".join(map(str, self.place))

    def header(self, name: str) -> bytes | None:
        """Return the value of the last header called `name`, as Kafka's own readers do."""
        return next((value for key, value in reversed(self.headers) if key == name), None)


def ignore_progress(passed: int, total: int) -> None:
    """Tell nobody."""
    del passed, total


def all_partitions(counts: dict[str, int]) -> list[TopicPartition]:
    """Return every partition of topics with these partition counts."""
    return [TopicPartition(topic, n) for topic, count in counts.items() for n in range(count)]


async def read_to_end(
    clients: KafkaClients,
    partitions: Collection[TopicPartition],
    *,
    since_milliseconds: int | None = None,
    until_milliseconds: int | None = None,
    newest: int | None = None,
    spans: Spans | None = None,
    on_progress: OnProgress = ignore_progress,
) -> AsyncGenerator[StoredRecord]:
    """Yield the committed records of `partitions`, in order within each, up to the end as of now.

    `since_milliseconds` leaves out what was written before that time, `until_milliseconds` what
    came after the first record of that time or later, `newest` all but so many offsets of each
    partition, and `spans` what is not between two offsets of it.
    """
    async with _consumer(clients) as consumer:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        starts = await _starts(consumer, partitions, ends, since_milliseconds)
        if until_milliseconds is not None:
            ends = await _at_time(consumer, partitions, ends, until_milliseconds)
        for partition in starts:
            _narrow(partition, starts, ends, spans=spans or {}, newest=newest)
            consumer.seek(partition, starts[partition])
        total = sum(ends[one] - starts[one] for one in starts)
        left = {one for one in starts if starts[one] < ends[one]}
        consumer.pause(*(set(partitions) - left))
        while left:
            found = await consumer.getmany(
                *left, timeout_ms=_QUIET_MILLISECONDS, max_records=_RECORDS_MAX
            )
            for partition, records in found.items():
                for record in records:
                    if record.offset < ends[partition]:
                        yield StoredRecord.of(record)
            # The position also passes control records and aborted ones.
            positions = {one: await consumer.position(one) for one in starts}
            left = {one for one in left if positions[one] < ends[one]}
            on_progress(sum(min(positions[one], ends[one]) - starts[one] for one in starts), total)


async def follow(
    clients: KafkaClients,
    partitions: Collection[TopicPartition],
    *,
    since_milliseconds: int | None,
    on_ready: Callable[[], None],
) -> AsyncGenerator[StoredRecord]:
    """Yield committed records as they come, for ever; `on_ready` is called when none is missed.

    Those written since that time come first; None: none of those that are there already.
    """
    async with _consumer(clients) as consumer:
        consumer.assign(partitions)
        if since_milliseconds is None:
            await consumer.seek_to_end(*partitions)
        elif since_milliseconds == 0:
            # Records may have a time before 1970 as far as Kafka cares.
            await consumer.seek_to_beginning(*partitions)
        else:
            ends = await consumer.end_offsets(partitions)
            starts = await _starts(consumer, partitions, ends, since_milliseconds)
            for partition, offset in starts.items():
                consumer.seek(partition, offset)
        on_ready()
        async for record in consumer:
            yield StoredRecord.of(record)


async def end_offsets(
    clients: KafkaClients, partitions: Collection[TopicPartition]
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Return where each partition begins and where its committed records end, as of now."""
    async with _consumer(clients) as consumer:
        begins: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        return begins, ends


async def read_at(clients: KafkaClients, places: Iterable[Place]) -> dict[Place, StoredRecord]:
    """Return the records at `places` (topic, partition, offset) that are still kept."""
    async with aclosing(read_each(clients, sorted(set(places)))) as records:
        return {record.place: record async for record in records}


async def read_each(
    clients: KafkaClients, places: Collection[Place]
) -> AsyncGenerator[StoredRecord]:
    """Yield the records at `places` that are still kept, in that order; hold one at a time."""
    if not places:
        # aiokafka's consumer raises CancelledError when it is stopped before it has done anything.
        return
    async with _consumer(clients) as consumer:
        for place in places:
            partition = TopicPartition(*place[:2])
            consumer.assign([partition])
            begin = (await consumer.beginning_offsets([partition]))[partition]
            end = (await consumer.end_offsets([partition]))[partition]
            if not begin <= place[2] < end:
                continue
            consumer.seek(partition, place[2])
            record = await _first(consumer, partition, end)
            if record is not None and record.offset == place[2]:
                yield record


async def _first(
    consumer: AIOKafkaConsumer, partition: TopicPartition, end: int
) -> StoredRecord | None:
    while await consumer.position(partition) < end:
        fetched = await consumer.getmany(partition, timeout_ms=_QUIET_MILLISECONDS, max_records=1)
        for record in fetched.get(partition, ()):
            return StoredRecord.of(record)
    return None


def _narrow(
    partition: TopicPartition,
    starts: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
    *,
    spans: Spans,
    newest: int | None,
) -> None:
    """Move start and end of a partition to what is wanted of it."""
    first, after = spans.get(partition, (0, ends[partition]))
    end = ends[partition] = min(ends[partition], after)
    start = max(starts[partition], first, 0 if newest is None else end - newest)
    starts[partition] = min(start, end)


async def _starts(
    consumer: AIOKafkaConsumer,
    partitions: Collection[TopicPartition],
    ends: dict[TopicPartition, int],
    since_milliseconds: int | None,
) -> dict[TopicPartition, int]:
    if since_milliseconds is None:
        starts: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
        return starts
    return await _at_time(consumer, partitions, ends, since_milliseconds)


async def _at_time(
    consumer: AIOKafkaConsumer,
    partitions: Collection[TopicPartition],
    ends: dict[TopicPartition, int],
    milliseconds: int,
) -> dict[TopicPartition, int]:
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    # Nothing as young as that: at the end.
    return {one: found[one].offset if found[one] else ends[one] for one in partitions}


def _consumer(clients: KafkaClients) -> AIOKafkaConsumer:
    return clients.consumer(group=None, fetch_bytes_max=_FETCH_BYTES_MAX)
