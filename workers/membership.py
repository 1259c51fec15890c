"""Be a member of a consumer group: one partition loop for each assigned partition, side by side.

Rebalancing stops every loop within a budget and starts new ones for what is assigned then; what a
stopped loop left open is aborted by the next owner. A loop that loses its fence waits for the next
assignment; if none comes, the membership is given up and a new one begun.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from aiokafka import ConsumerRebalanceListener, TopicPartition

from contracts.access import transactional_id
from runtime.kafka import KafkaClients, close_client
from runtime.kafka_refusals import log_refusal
from runtime.log_events import LogEvent
from runtime.telemetry import Logger, own_stack
from workers.isolation import Isolation
from workers.kafka_transaction import Fenced, TransactionalWriter
from workers.processor import Processor
from workers.surroundings import Surroundings
from workers.transaction import PartitionLoop
from workers.unwritable import Unwritable

MakeProcessor = Callable[[TopicPartition], Processor]
MakeWriter = type[TransactionalWriter]
_TRANSACTION_SECONDS: Final = 60  # the coordinator aborts what is open longer
_BATCH_BYTES_MAX: Final = 1_048_576
_BACKOFF_SECONDS: Final = 1.0
_LAG_SECONDS: Final = 2.0
_HEALTHY_SECONDS: Final = 60.0
_FAILURES_MAX: Final = 5  # in a row, in which half a minute passes
_LEAVE_SECONDS: Final = 5.0  # a broker that is away must not hold up the end of the process


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped here
    """One stay in a consumer group, from joining to leaving."""

    def __init__(
        self,
        topic: str,
        *,
        clients: KafkaClients,
        make_processor: MakeProcessor,
        make_writer: MakeWriter,
        around: Surroundings,
    ) -> None:
        """Prepare to join the group of `around` for `topic`; its consumer is not started yet."""
        self._topic = topic
        self._clients = clients
        self._make_processor = make_processor
        self._make_writer = make_writer
        self._around = around
        self._loops: dict[TopicPartition, PartitionLoop] = {}
        self._tasks: dict[TopicPartition, asyncio.Task[None]] = {}
        self._has = around.metrics.gauge("esito_worker_topic_partitions", topic)
        self._delays = around.metrics.counter("esito_worker_delays_total", topic)
        self._fenced = around.metrics.counter("esito_worker_fenced_total", topic)
        self._leaving = False
        self._watching: asyncio.Task[None] | None = None
        # Set when a partition is fenced or fails for good: leave, and join again.
        self.lost = asyncio.Event()

    @property
    def partitions(self) -> int:
        """Return how many partitions are assigned."""
        return len(self._tasks)

    async def join(self) -> None:
        """Start the consumer; assignments arrive from now on."""
        self._around.consumer.subscribe([self._topic], listener=self)
        await self._around.consumer.start()
        self._watching = asyncio.create_task(self._watch_lag())

    async def leave(self) -> None:
        """Stop all loops and leave the group."""
        self._leaving = True
        if self._watching is not None:
            self._watching.cancel()
        await self._release()
        await close_client(self._around.consumer, seconds=_LEAVE_SECONDS)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start one loop for each partition; none fetches before it has taken over."""
        if self._leaving:
            return  # a join that ended too late: nobody would stop these loops any more
        assigned = tuple(assigned)
        self._around.refused.intersection_update(one.partition for one in assigned)
        for partition in assigned:
            self._around.consumer.pause(partition)
            self._tasks[partition] = asyncio.create_task(
                self._keep(partition), name=f"loop-{partition}"
            )
        self._has.set(len(self._around.consumer.partitions_for_topic(self._topic) or ()))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Stop every loop: the client's protocol revokes all partitions at once."""
        del revoked
        await self._release()

    async def _watch_lag(self) -> None:
        """Show the lag of loops that wait, too: they fetch nothing, and so hear of no end."""
        while True:
            await asyncio.sleep(_LAG_SECONDS)
            with suppress(Exception):  # the brokers are away, and the loops say so
                ends = await self._around.consumer.end_offsets(list(self._loops))
                for partition, end in ends.items():
                    if partition in self._loops:
                        self._loops[partition].show_lag(end)

    async def _release(self) -> None:
        for partition, task in self._tasks.items():
            loop = self._loops.get(partition)
            if loop and loop.writing:
                loop.stop()
            else:
                task.cancel()
        if self._tasks:
            _, late = await asyncio.wait(
                self._tasks.values(), timeout=self._around.settings.revoke_seconds
            )
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for partition in self._tasks:
            self._around.log.info(
                LogEvent.PARTITION_RELEASED, topic=partition.topic, partition=partition.partition
            )
        self._tasks.clear()
        self._loops.clear()

    async def _keep(self, partition: TopicPartition) -> None:
        """Run the partition's loop, anew after every failure, until fenced or cancelled."""
        settings = self._around.settings
        isolation = Isolation(settings.deaths_max, settings.batch_records_max)
        log = self._around.log.bind(topic=partition.topic, partition=partition.partition)
        failures = 0
        loop: PartitionLoop | None = None
        while loop is None or not loop.stopping:
            loop = self._loops[partition] = self._loop(partition, isolation)
            began = time.monotonic()
            try:
                await loop.run()
            except Fenced as error:
                self._fenced.inc()
                log.warning(LogEvent.PARTITION_FENCED, reason=str(error))
                await asyncio.sleep(settings.session_seconds)
                self.lost.set()
                return
            except Unwritable as error:
                _log_unwritable(log, error)
                if isolation.refused(error):  # the dead letter, too: no other member could do more
                    failures += 1
                    self._delays.inc()
                    await self._pause(failures)
            except (Exception, asyncio.CancelledError) as error:
                if _is_cancelled():
                    raise
                # What went well for a while was no continuation of the former failure.
                failures = 1 if time.monotonic() - began > _HEALTHY_SECONDS else failures + 1
                self._delays.inc()
                log.warning(
                    LogEvent.BATCH_DELAYED, exception=type(error).__name__, stack=own_stack(error)
                )
                if log_refusal(log, error):
                    self._around.refused.add(partition.partition)
                if failures > _FAILURES_MAX:
                    # A consumer can break down for good; this loop would go on fencing its heir.
                    self.lost.set()
                    return
                await self._pause(failures)

    async def _pause(self, failures: int) -> None:
        ceiling = min(self._around.settings.backoff_seconds_max, _BACKOFF_SECONDS * 2**failures)
        await asyncio.sleep(random.uniform(0, ceiling))  # noqa: S311 - not a secret

    def _loop(self, partition: TopicPartition, isolation: Isolation) -> PartitionLoop:
        around = self._around
        producer = self._clients.transactional_producer(
            transactional_id(around.group, partition.topic, partition.partition),
            batch_bytes_max=_BATCH_BYTES_MAX,
            timeout_seconds=_TRANSACTION_SECONDS,
        )
        writer = self._make_writer(
            producer, group=around.group, partition=partition, failpoint=around.failpoint
        )
        return PartitionLoop(
            partition,
            processor=self._make_processor(partition),
            writer=writer,
            isolation=isolation,
            around=around,
        )


def _log_unwritable(log: Logger, error: Unwritable) -> None:
    log.warning(
        LogEvent.PARTITION_ISOLATED,
        offset=error.first_offset,
        records=error.records,
        count=len(error.alarms),
        reason=error.reason,
    )


def _is_cancelled() -> bool:
    """Tell whether somebody cancelled this task; aiokafka lets cancellations of its own escape."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
