"""Count the records that each consumer group has still to process, partition by partition.

An offset is not a record: a Kafka transaction ends with a marker, and what an aborted one wrote is
nobody's. So the records are read and counted, up to COUNTED_MAX of each partition; beyond, the
share of records among the offsets passed so far tells how many there are, about.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.cluster import Cluster
from ops.groups import Group, committed_offsets, members
from ops.topic_reader import all_partitions

COUNTED_MAX: Final = 500
_FETCH_BYTES_MAX: Final = 1_048_576
_QUIET_MILLISECONDS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionLag:
    """How far one group is behind in one partition; `exact` where every record was counted.

    The rates are in records a second, and None after a first look.
    """

    partition: TopicPartition
    committed: int | None
    position: int
    end: int
    records: int
    exact: bool
    taken_per_second: float | None = None
    written_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class GroupLag:
    """One look at a group: its members, and its lag by partition."""

    group: Group
    members: int
    partitions: tuple[PartitionLag, ...]
    looked_at: float

    @property
    def records(self) -> int:
        """Return how many records wait in all partitions."""
        return sum(one.records for one in self.partitions)

    @property
    def exact(self) -> bool:
        """Tell whether all of them were counted."""
        return all(one.exact for one in self.partitions)


def seconds_left(partitions: Sequence[PartitionLag]) -> float | None:
    """Return when the slowest of them will have caught up; None: never at this pace, or unknown."""
    left = 0.0
    for one in partitions:
        if not one.records:
            continue
        if one.taken_per_second is None or one.written_per_second is None:
            return None
        gained = one.taken_per_second - one.written_per_second
        if gained <= 0:
            return None
        left = max(left, one.records / gained)
    return left


async def look(cluster: Cluster, group: Group) -> GroupLag:
    """Return how far behind `group` is now.

    Raises:
        Broken: its topic does not exist.
    """
    partitions = all_partitions(await cluster.partitions(group.topic))
    committed = await committed_offsets(cluster, group.name, partitions)
    consumer = cluster.clients.consumer(group=None, fetch_bytes_max=_FETCH_BYTES_MAX)
    async with consumer:
        consumer.assign(partitions)
        looked_at = time.monotonic()
        found = await _counted(consumer, partitions, committed)
    return GroupLag(group, await members(cluster, group.name), tuple(found), looked_at)


def compared(before: GroupLag, after: GroupLag) -> GroupLag:
    """Return `after` with the rates since `before`."""
    seconds = after.looked_at - before.looked_at
    former = {one.partition: one for one in before.partitions}
    rated = [
        _rated(former[one.partition], one, seconds) if one.partition in former else one
        for one in after.partitions
    ]
    return replace(after, partitions=tuple(rated))


def _rated(before: PartitionLag, after: PartitionLag, seconds: float) -> PartitionLag:
    # Offsets hold markers too: what of them are records is taken from the newest count.
    behind = after.end - after.position
    share = after.records / behind if behind and after.records else 1.0
    return replace(
        after,
        taken_per_second=max(0, after.position - before.position) * share / seconds,
        written_per_second=max(0, after.end - before.end) * share / seconds,
    )


async def _counted(
    consumer: AIOKafkaConsumer,
    partitions: Sequence[TopicPartition],
    committed: Mapping[TopicPartition, int],
) -> list[PartitionLag]:
    begins: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    starts = {one: max(committed.get(one, 0), begins[one]) for one in partitions}
    counts, positions = dict.fromkeys(partitions, 0), dict(starts)
    for one, offset in starts.items():
        consumer.seek(one, min(offset, ends[one]))
    left = {one for one in partitions if starts[one] < ends[one]}
    while left:
        consumer.pause(*(set(partitions) - left))
        found = await consumer.getmany(
            *left, timeout_ms=_QUIET_MILLISECONDS, max_records=COUNTED_MAX
        )
        for one, records in found.items():
            counts[one] += sum(record.offset < ends[one] for record in records)
        positions = {one: min(await consumer.position(one), ends[one]) for one in partitions}
        left = {one for one in left if positions[one] < ends[one] and counts[one] < COUNTED_MAX}
    return [
        PartitionLag(
            partition=one,
            committed=committed.get(one),
            position=min(starts[one], ends[one]),
            end=ends[one],
            records=_estimate(counts[one], positions[one] - starts[one], ends[one] - starts[one]),
            exact=positions[one] >= ends[one],
        )
        for one in partitions
    ]


def _estimate(counted: int, passed: int, behind: int) -> int:
    """Return how many records `behind` offsets hold, of which `passed` held `counted`."""
    if behind <= 0 or passed <= 0:
        return 0
    return counted if passed >= behind else round(counted * behind / passed)
