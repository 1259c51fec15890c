"""Read every topic of a provider into a history: committed records, from first to last."""

from collections import defaultdict
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from contracts.topics import Role, Topics
from tests.faults.checker import Acknowledged, History, StoredRecord


class TopicReader:
    """A reader that remembers how far it is, so that a history can be read on again and again."""

    def __init__(self, bootstrap_servers: str, topics: Topics) -> None:
        """Prepare to read; nothing is connected."""
        self._roles = {name: role for role, name in topics.by_role().items()}
        self._records: defaultdict[Role, list[StoredRecord]] = defaultdict(list)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    async def __aenter__(self) -> Self:
        """Connect and start at the first record of every partition."""
        await self._consumer.start()
        found = [
            TopicPartition(topic, partition)
            for topic in self._roles
            for partition in await self._partitions(topic)
        ]
        self._consumer.assign(found)
        await self._consumer.seek_to_beginning(*found)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        await self._consumer.stop()

    async def read(self, marker: str, acknowledged: Iterable[Acknowledged]) -> History:
        """Return the history of all records that bear `marker`, up to the end as it is now."""
        await self._read_on()
        mark = marker.encode()
        found = {
            role.value: [one for one in self._records[role] if mark in _bytes(one)] for role in Role
        }
        return History(acknowledged=tuple(acknowledged), **found)

    async def _read_on(self) -> None:
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        behind = set(ends)
        while behind:
            found = await self._consumer.getmany(*behind, timeout_ms=100)
            for partition, records in found.items():
                self._records[self._roles[partition.topic]].extend(map(_stored, records))
            behind = {
                partition
                for partition in behind
                if await self._consumer.position(partition) < ends[partition]
            }

    async def _partitions(self, topic: str) -> list[int]:
        await self._consumer._client._wait_on_metadata(topic)  # noqa: SLF001 - no public way waits
        return sorted(self._consumer.partitions_for_topic(topic) or ())


def _stored(record: ConsumerRecord[bytes | None, bytes | None]) -> StoredRecord:
    return StoredRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=dict(record.headers),
    )


def _bytes(record: StoredRecord) -> bytes:
    return (record.key or b"") + (record.value or b"")
