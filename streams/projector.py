"""Project status topics into the database: one member of a consumer group, batch by batch.

- Kafka's committed offsets play no part: the database's own are sought to after every rebalance,
  and set with the rows they stand for.
- A record fetched before a rebalance is dropped: it is fetched again from where the database says.
- A projector that lost a partition without knowing it is stopped by the comparison of offsets.
"""

import asyncio
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from contracts.access import Process, group_of
from contracts.errors import Broken, Unavailable
from contracts.topics import Topics
from runtime.configuration import Configuration
from runtime.database import Pool
from runtime.failpoint import Failpoint
from runtime.kafka import KafkaClients, close_client
from runtime.kafka_refusals import absent, log_refusal
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.telemetry import Logger, own_stack
from runtime.tracing import Tracing
from streams.event import Event, read_event
from streams.positions import Position, read_positions
from streams.projector_spans import ProjectorSpans
from streams.store import Fenced, Reached, write_batch

_POLL_MILLISECONDS: Final = 200
_BACKOFF_SECONDS: Final = 0.2
_BACKOFF_SECONDS_MAX: Final = 10.0
_LEAVE_SECONDS: Final = 5.0
_TOPIC_SECONDS: Final = 1.0

Fetched = Mapping[TopicPartition, Sequence[Any]]


def status_topics(configuration: Configuration) -> tuple[str, ...]:
    """Return the status topics of every configured provider."""
    providers = sorted({endpoint.provider for endpoint in configuration.endpoints})
    prefix = configuration.topic_prefix
    return tuple(Topics.of(provider, prefix=prefix).status for provider in providers)


class Projector(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped here
    """One projector of a group; several share the partitions."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        clients: KafkaClients,
        pool: Pool,
        metrics: Metrics,
        log: Logger,
        failpoint: Failpoint,
        tracing: Tracing | None = None,
    ) -> None:
        """Bind it to a cluster and a database; nothing is started."""
        self._topics = status_topics(configuration)
        self._batch = configuration.streams.batch_events_max
        self._pool = pool
        self._metrics = metrics
        self._log = log
        self._failpoint = failpoint
        self._spans = ProjectorSpans(tracing) if tracing else None
        self._clients = clients
        self._make_consumer = partial(
            clients.consumer,
            group=group_of(Process.STREAMS, prefix=configuration.topic_prefix),
            fetch_bytes_max=configuration.worker.fetch_bytes_max,
            session_seconds=configuration.worker.session_seconds,
        )
        self._write_seconds = metrics.histogram("esito_streams_write_seconds")
        self._latency = metrics.histogram("esito_streams_latency_seconds")
        self._fenced = metrics.counter("esito_streams_fenced_total")
        self._delays = metrics.counter("esito_streams_delays_total")
        for outcome in ("projected", "duplicate", "unreadable"):
            self._count(outcome, 0)
        self._consumer: AIOKafkaConsumer = self._make_consumer()
        self._writing = asyncio.Lock()
        self._revoke_seconds = configuration.worker.revoke_seconds
        self._assignment = 0
        self._positions: dict[TopicPartition, Position] | None = None
        self._failures = 0
        self.joined = False

    async def run(self) -> None:
        """Project until cancelled.

        Raises:
            Broken: a topic was made anew.
        """
        await self._wait_for_topics()
        try:
            await self._join()
            while True:
                await self._attempt()
        finally:
            self.joined = False
            await close_client(self._consumer, seconds=_LEAVE_SECONDS)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let the batch at hand end, within the budget; what is late fails its comparison."""
        for partition in revoked:
            self._metrics.forget_gauge(
                "esito_streams_lag_records", partition.topic, partition.partition
            )
        self._positions = None
        self._assignment += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(self._revoke_seconds), self._writing:
                pass

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Read nothing of the new partitions before the database has said from where."""
        self._positions = None
        self._assignment += 1
        self.joined = True
        for partition in assigned:
            self._consumer.pause(partition)
            self._log.info(
                LogEvent.PARTITION_TAKEN, topic=partition.topic, partition=partition.partition
            )

    async def _join(self) -> None:
        """Join the group, as often as it takes: readers are served meanwhile."""
        refused = ""
        while True:
            self._consumer.subscribe(list(self._topics), listener=self)
            try:
                await self._consumer.start()
            except KafkaError as error:
                self._delays.inc()
                self._log.warning(LogEvent.BATCH_DELAYED, exception=type(error).__name__)
                refused = log_refusal(self._log, error, said=refused)
            else:
                return
            await asyncio.sleep(_TOPIC_SECONDS)
            # One that failed to start cannot be started again.
            await close_client(self._consumer, seconds=_LEAVE_SECONDS)
            self._consumer = self._make_consumer()

    async def _wait_for_topics(self) -> None:
        said = ""
        while obstacle := await self._obstacle():
            self._delays.inc()
            if obstacle != said:
                self._log.warning(LogEvent.BATCH_DELAYED, reason=obstacle)
                said = obstacle
            await asyncio.sleep(_TOPIC_SECONDS)

    async def _obstacle(self) -> str:
        admin = self._clients.admin()
        try:
            await admin.start()
            missing = set(self._topics) - set(await admin.list_topics())
        except KafkaError as error:
            return f"Kafka does not answer ({type(error).__name__})"
        finally:
            await admin.close()
        if not missing:
            return ""
        return absent(min(missing))

    async def _attempt(self) -> None:
        """Take one step; whatever fails in it begins again from what the database says."""
        try:
            await self._step()
            self._failures = 0
        except Broken:
            raise
        except Fenced as fence:
            self._fenced.inc()
            self._log.warning(LogEvent.PARTITION_FENCED, reason=str(fence))
            await self._begin_again()
        except Unavailable as error:
            self._delays.inc()
            self._log.warning(LogEvent.BATCH_DELAYED, reason=str(error))
            await self._begin_again()
        except Exception as error:  # noqa: BLE001 - nothing unforeseen may end the projection
            self._delays.inc()
            self._log.error(
                LogEvent.BATCH_DELAYED, exception=type(error).__name__, stack=own_stack(error)
            )
            log_refusal(self._log, error)
            await self._begin_again()

    async def _begin_again(self) -> None:
        self._positions = None
        if self._spans:
            self._spans.end("aborted", failed=True)
        self._failures += 1
        ceiling = min(_BACKOFF_SECONDS_MAX, _BACKOFF_SECONDS * 2**self._failures)
        await asyncio.sleep(random.uniform(0, ceiling))  # noqa: S311 - not a secret

    async def _step(self) -> None:
        if self._positions is None:
            await self._reposition()
        assignment = self._assignment
        fetched = await self._consumer.getmany(
            timeout_ms=_POLL_MILLISECONDS, max_records=self._batch
        )
        async with self._writing:
            positions = self._positions
            if fetched and positions is not None and assignment == self._assignment:
                await self._project(fetched, positions)
        await self._show_lag()

    async def _reposition(self) -> None:
        """Seek to where the database says; an assignment that changes meanwhile begins anew."""
        assignment = self._assignment
        partitions = self._consumer.assignment()
        if not partitions:
            return
        positions = await read_positions(self._pool, self._consumer, partitions, self._log)
        if assignment != self._assignment:
            return
        for partition, position in positions.items():
            self._consumer.seek(partition, position.next)
        self._consumer.resume(*partitions)
        self._positions = positions

    async def _project(
        self, fetched: Fetched, positions: Mapping[TopicPartition, Position]
    ) -> None:
        """Write one batch; on success the positions move to its end."""
        events: list[Event] = []
        reached: dict[TopicPartition, Reached] = {}
        for partition, records in fetched.items():
            at = positions[partition]
            events += self._events(records, at.source)
            reached[partition] = Reached(at.source, at.next, records[-1].offset + 1)
        if self._spans:
            self._spans.begin(fetched)
        began = time.perf_counter()
        new = await write_batch(self._pool, list(reached.values()), events, self._failpoint)
        self._write_seconds.observe(time.perf_counter() - began)
        if self._spans:
            self._spans.end("projected")
        for partition, one in reached.items():
            positions[partition].next = one.next
        self._count("projected", new)
        self._count("duplicate", len(events) - new)
        if events:
            self._latency.observe(max(0.0, time.time() - events[-1].received_at.timestamp()))

    def _events(self, records: Sequence[Any], source: int) -> list[Event]:
        events = []
        for record in records:
            event = read_event(record.value or b"", source=source, offset=record.offset)
            if event is not None:
                events.append(event)
                continue
            self._count("unreadable", 1)
            self._log.error(
                LogEvent.EVENT_UNREADABLE,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
            )
        return events

    def _count(self, outcome: str, count: int) -> None:
        self._metrics.counter("esito_streams_events_total", outcome).inc(count)

    async def _show_lag(self) -> None:
        """Show what is left to read; a step leaves nothing in hand, and control records count not.

        The database's position is behind the last one of these for ever.
        """
        for partition in self._positions or ():
            end = self._consumer.last_stable_offset(partition)
            if end is None:
                continue
            with suppress(IllegalStateError):  # taken away meanwhile
                behind = end - await self._consumer.position(partition)
                self._metrics.gauge(
                    "esito_streams_lag_records", partition.topic, partition.partition
                ).set(max(0, behind))
