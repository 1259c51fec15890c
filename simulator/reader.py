"""Read the topics of the providers being played, and know when nothing more can come."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, NodeNotReadyError

from contracts.status import StatusEvent
from contracts.topics import Role, Topics
from runtime.kafka import KafkaClients
from simulator.tally import Tally

_FETCH_BYTES_MAX: Final = 4_194_304
_POLL_MILLISECONDS: Final = 100
# The roles whose records a worker group consumes, and that group's name before the provider's.
_CONSUMED: Final = {Role.RAW: "esito.verifier", Role.VERIFIED: "esito.state-machine"}

OnStatus = Callable[[StatusEvent], None]


@dataclass(frozen=True, slots=True)
class _Source:
    provider: str
    role: Role


class Reader:
    """What comes out from the moment it was opened: `async with Reader(...) as reader: ...`."""

    def __init__(
        self,
        providers: Collection[str],
        *,
        clients: KafkaClients,
        topic_prefix: str,
        on_status: OnStatus = lambda _: None,
    ) -> None:
        """Describe what to read; nothing is connected. `on_status` hears each status event."""
        self.tallies: Mapping[str, Tally] = {provider: Tally() for provider in providers}
        self._prefix = topic_prefix
        self._sources = {
            topic: _Source(provider, role)
            for provider in providers
            for role, topic in Topics.of(provider, prefix=topic_prefix).by_role().items()
            if role is not Role.STATE
        }
        self._on_status = on_status
        self._consumer: AIOKafkaConsumer = clients.consumer(
            group=None, fetch_bytes_max=_FETCH_BYTES_MAX
        )
        self._admin: AIOKafkaAdminClient = clients.admin()
        self._partitions: list[TopicPartition] = []
        self._last: dict[TopicPartition, int] = {}
        self._changed = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect, go to the present end of every topic, and read from there on."""
        await self._admin.start()
        await self._consumer.start()
        described = await self._admin.describe_topics(list(self._sources))
        self._partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
        self._consumer.assign(self._partitions)
        for partition, end in (await self._consumer.end_offsets(self._partitions)).items():
            self._consumer.seek(partition, end)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._consumer.stop()
        await self._admin.close()

    async def wait_for_outputs(
        self, provider: str, transactions: Collection[str], count: int, *, seconds_max: float
    ) -> bool:
        """Return True once the transactions have `count` status events and anomalies together."""
        tally = self.tallies[provider]
        try:
            async with asyncio.timeout(seconds_max), self._changed:
                await self._changed.wait_for(lambda: tally.outputs_of(transactions) >= count)
        except TimeoutError:
            return False
        return True

    async def wait_until_drained(self, *, seconds_max: float) -> bool:
        """Return True once every record was consumed, committed, and its outputs were read."""
        deadline = time.monotonic() + seconds_max
        while not (
            await self._has_caught_up()
            and await self._is_committed()
            and await self._has_caught_up()
        ):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_POLL_MILLISECONDS / 1000)
        return True

    async def _read(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=_POLL_MILLISECONDS)
            if not found:
                continue
            for partition, records in found.items():
                for record in records:
                    self._take(partition, record)
            async with self._changed:
                self._changed.notify_all()

    def _take(self, partition: TopicPartition, record: ConsumerRecord[bytes, bytes]) -> None:
        source = self._sources[partition.topic]
        self._last[partition] = record.offset
        event = self.tallies[source.provider].take(source.role, record.value, record.headers)
        if event is not None:
            self._on_status(event)

    async def _has_caught_up(self) -> bool:
        if self._reading is not None and self._reading.done():
            self._reading.result()
        # The position passes control records, so it reaches the end of every partition.
        ends = await self._consumer.end_offsets(self._partitions)
        return all([await self._consumer.position(one) >= end for one, end in ends.items()])

    async def _is_committed(self) -> bool:
        """Say whether the workers have committed past every record read from their input topics."""
        for topic, source in self._sources.items():
            if source.role not in _CONSUMED:
                continue
            group = f"{self._prefix}{_CONSUMED[source.role]}.{source.provider}"
            try:
                committed = await self._admin.list_consumer_group_offsets(group)
            except (GroupCoordinatorNotAvailableError, NodeNotReadyError):
                return False  # its broker died, and another takes its place
            for partition, last in self._last.items():
                if partition.topic == topic and (
                    partition not in committed or committed[partition].offset <= last
                ):
                    return False
        return True
