"""The one loop: consume → process → produce in a Kafka transaction, for one input partition.

Taking over a partition, before the first record is read:
1. start the transactional producer: it fences the former owner and ends what that left open
2. only now read the committed offset (and whether processes died at it), and seek to it
3. restore the processor's state
4. resume fetching

Every record read ends in exactly one of: outputs, dead letter, read again.
"""

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from contracts.errors import Unavailable
from runtime.log_events import LogEvent
from workers.batch import BatchProcess
from workers.breaker import telling
from workers.isolation import Isolation
from workers.kafka_transaction import Fenced, TransactionalWriter
from workers.loop_meters import LoopMeters
from workers.loop_spans import LoopSpans
from workers.processor import InputRecord, Output, Processor
from workers.record_clock import RecordClock
from workers.starting_offset import starting_offset
from workers.surroundings import Surroundings
from workers.unwritable import RECORD_FAULTS, Unwritable

_IDLE_MILLISECONDS: Final = 500  # how long a deadline may wait behind a quiet topic
_BACKOFF_SECONDS_MIN: Final = 0.1


class PartitionLoop:
    """The loop over one assigned partition; it ends when stopped, fenced or broken."""

    def __init__(
        self,
        partition: TopicPartition,
        *,
        processor: Processor,
        writer: TransactionalWriter,
        isolation: Isolation,
        around: Surroundings,
    ) -> None:
        """Bind a partition to its processor and its transactional writer; nothing is started."""
        self._partition = partition
        self._processor = processor
        self._writer = writer
        self._isolation = isolation
        self._around = around
        self._meters = LoopMeters(around.metrics, partition)
        self._clock = RecordClock(partition.partition, around.newest_mark)
        self._spans = (
            LoopSpans(around.tracing, partition, step=around.step) if around.tracing else None
        )
        self._log = around.log.bind(topic=partition.topic, partition=partition.partition)
        self._batches = BatchProcess(
            processor, isolation=isolation, around=around, spans=self._spans, log=self._log
        )
        self.stopping = False  # set by `stop`: end after the Kafka transaction at hand
        self._usable = False  # from the fence to the first Kafka transaction that is not committed
        self.writing = False  # while True a Kafka transaction is open: wait for its end

    def stop(self) -> None:
        """Ask the loop to end after the Kafka transaction at hand."""
        self.stopping = True

    def show_lag(self, end: int) -> None:
        """Show how far the loop is behind `end`, however long it waits with what it has."""
        self._meters.show_lag(end)

    async def run(self) -> None:
        """Take the partition over, then work until stopped or cancelled.

        Raises:
            Fenced: another process owns the partition, or the coordinator gave us up.
            Unwritable: an output of the batch can never be written.
            KafkaError: the outcome of a Kafka transaction is unknown; take the partition over anew.
        """
        try:
            await self._take_over()
            while not self.stopping:
                await self._fire_alarms()
                records = await self._fetch()
                if records:
                    await self._work_off(records)
                self._around.refused.discard(self._partition.partition)
            await self._renounce()
        except asyncio.CancelledError:
            await self._renounce()
            raise
        finally:
            self._around.breaker.release(self._partition.partition)
            self._meters.release(breaker_open=self._around.breaker.is_open)
            try:
                await self._processor.close()
            finally:
                await self._writer.stop()

    async def _take_over(self) -> None:
        around, began = self._around, time.monotonic()
        await self._writer.fence()  # 1
        self._usable = True
        start = await starting_offset(self._partition, around, self._write, self._log)  # 2
        around.consumer.seek(self._partition, start.offset)
        self._isolation.recall(start)
        await self._processor.restore()  # 3
        around.consumer.resume(self._partition)  # 4
        seconds = time.monotonic() - began
        self._meters.taken(seconds=seconds)
        self._log.info(LogEvent.PARTITION_TAKEN, seconds=round(seconds, 3))
        if self._isolation.careful:
            self._log.warning(LogEvent.PARTITION_ISOLATED, deaths=self._isolation.deaths)

    async def _fire_alarms(self) -> None:
        self._clock.read_to(await self._around.consumer.position(self._partition))
        # While one is suspected, none is left behind: each is a Kafka transaction of its own.
        while await self._fire_some() and self._isolation.careful and not self.stopping:
            pass

    async def _fire_some(self) -> bool:
        """Ring a batch of alarms, as often as it takes; tell whether any was due."""
        isolation, around = self._isolation, self._around
        while outputs := self._processor.alarms(
            self._clock.milliseconds(),
            keys_max=isolation.batch_records_max,
            given_up=isolation.given_up_alarms,
        ):
            told = [one.topic == around.rejected_topic for one in outputs if one.headers]
            if self._admitted(told):
                await self._commit_alarms(outputs)
                around.breaker.count(told)
                return True
            self._aborted()
            await asyncio.sleep(around.settings.breaker.retry_seconds)
            if self.stopping:
                break
        return False

    async def _commit_alarms(self, outputs: Sequence[Output]) -> None:
        keys = frozenset(one.key for one in outputs if one.key is not None)
        try:
            await self._write(outputs, None)
        except RECORD_FAULTS as error:
            raise Unwritable(error, alarms=keys) from error
        self._processor.committed()
        self._isolation.rang(keys)
        self._meters.count([], outputs)

    async def _fetch(self) -> Sequence[InputRecord]:
        found = await self._around.consumer.getmany(
            self._partition,
            timeout_ms=_IDLE_MILLISECONDS,
            max_records=self._isolation.batch_records_max,
        )
        records: Sequence[InputRecord] = found.get(self._partition, ())
        await self._meters.fetched(self._around.consumer, records)
        if records:
            self._around.failpoint("fetched")
        return records

    async def _work_off(self, records: Sequence[InputRecord]) -> None:
        """Process and commit `records`, as often as it takes; return early only when stopped."""
        if self._isolation.careful:
            # One suspect at a time in the whole process: a death must count against it alone, and
            # not against whatever the other partitions had in hand just then.
            async with self._around.suspicion:
                await self._prepare_and_try(records)
        else:
            await self._prepare_and_try(records)

    async def _prepare_and_try(self, records: Sequence[InputRecord]) -> None:
        """Commit what is ready, so that one slow record holds up only those behind it."""
        failures = 0
        await self._announce(records[0].offset)
        while records and not self.stopping:
            try:
                ready = await self._ready(records)
            except Unavailable as error:
                failures += 1
                await self._back_off(failures, error)
                continue
            await self._try(records[:ready])
            records, failures = records[ready:], 0

    async def _ready(self, records: Sequence[InputRecord]) -> int:
        if self._isolation.given_up(records[0].offset) is not None:
            return 1  # whatever it does to a process, it must not do it once more
        return await self._processor.prepare(records)

    async def _try(self, records: Sequence[InputRecord]) -> None:
        failures = 0
        while not self.stopping:
            try:
                outputs, verdicts = await self._batches.run(records)
            except Unavailable as error:
                self._aborted()
                failures += 1
                await self._back_off(failures, error)
                continue
            told = telling(verdicts, [record.headers for record in records])
            if self._admitted(told):
                await self._commit(records, outputs, verdicts)
                self._around.breaker.count(told)
                return
            self._aborted()
            await asyncio.sleep(self._around.settings.breaker.retry_seconds)

    def _aborted(self) -> None:
        self._processor.aborted()
        if self._spans:
            self._spans.end("aborted")

    async def _announce(self, offset: int) -> None:
        if (announcement := self._isolation.announce(offset)) is not None:
            await self._write((), announcement)

    async def _renounce(self) -> None:
        """Tell the next owner that this process was stopped, and did not die."""
        offset = self._isolation.renounce()
        if offset is None or not self._usable:
            return
        # Best effort: at worst the next owner is careful without need. Nothing may replace the
        # cancellation that brought us here, or the loop would be begun anew on a revoked partition.
        with suppress(Exception):
            await self._write((), offset)

    def _admitted(self, verdicts: list[bool]) -> bool:
        breaker, partition = self._around.breaker, self._partition.partition
        admitted = breaker.admits(verdicts)
        if admitted and breaker.release(partition):
            self._log.info(LogEvent.BREAKER_CLOSED)
        if not admitted and breaker.hold(partition):
            self._log.error(LogEvent.BREAKER_OPENED, ratio=round(breaker.ratio(verdicts), 3))
        self._meters.breaker_open.set(breaker.is_open)
        return admitted

    async def _commit(
        self, records: Sequence[InputRecord], outputs: Sequence[Output], verdicts: list[bool]
    ) -> None:
        offset = self._isolation.progress(records[-1].offset + 1, len(records))
        try:
            await self._write(outputs, offset)
        except RECORD_FAULTS as error:
            raise Unwritable(error, records=records) from error
        self._processor.committed()
        self._isolation.committed(len(records))
        self._meters.count(verdicts, outputs)
        self._meters.processed(records[-1].offset + 1)

    async def _write(self, outputs: Iterable[Output], offset: OffsetAndMetadata | None) -> None:
        began, outcome = time.monotonic(), "aborted"
        if self._spans:
            self._spans.commit()
        self.writing, self._usable = True, False
        try:
            await self._writer.write(outputs, offset)
            self._usable, outcome = True, "committed"
        except Fenced:
            outcome = "fenced"
            raise
        finally:
            self.writing = False
            if self._spans:
                self._spans.end(outcome)
            self._meters.kafka_transaction(outcome, seconds=time.monotonic() - began)

    async def _back_off(self, failures: int, error: Unavailable) -> None:
        ceiling = min(self._around.settings.backoff_seconds_max, _BACKOFF_SECONDS_MIN * 2**failures)
        # Full jitter: partitions that failed together must not come back together.
        seconds = random.uniform(0, ceiling)  # noqa: S311 - not a secret
        self._meters.delays.inc()
        self._log.warning(LogEvent.BATCH_DELAYED, reason=str(error), seconds=round(seconds, 3))
        await asyncio.sleep(seconds)
