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
from aiokafka.errors import InvalidTimestampError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.structs import OffsetAndMetadata

from contracts.errors import EsitoError, Rejected, Unavailable
from runtime.log_events import LogEvent
from workers.breaker import telling
from workers.committed_offset import committed_offset
from workers.dead_letters import dead_letter
from workers.isolation import Isolation
from workers.kafka_transaction import Fenced, TransactionalWriter, Unencodable
from workers.loop_meters import LoopMeters
from workers.loop_spans import LoopSpans, led_to
from workers.poison import process_one
from workers.processor import InputRecord, Output, Processor
from workers.record_clock import RecordClock
from workers.surroundings import Surroundings
from workers.turns import InTurns

_IDLE_MILLISECONDS: Final = 500  # how long a deadline may wait behind a quiet topic
_BACKOFF_SECONDS_MIN: Final = 0.1
# What is refused because of one record, however often it is sent. All else is ours, or passes.
_RECORD_FAULTS: Final = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTimestampError,
    Unencodable,
)


class Unwritable(EsitoError):
    """An output of this batch can never be written; the producer is unusable."""

    def __init__(self, first_offset: int, records: int, reason: str) -> None:
        """Say which records the batch came from, and the class of the error."""
        super().__init__(f"{records} records from offset {first_offset}: {reason}")
        self.first_offset = first_offset
        self.records = records
        self.reason = reason


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
        committed = await committed_offset(around.admin, around.group, self._partition)  # 2
        if committed is None:
            await around.consumer.seek_to_beginning(self._partition)
        else:
            around.consumer.seek(self._partition, committed.offset)
        self._isolation.recall(committed)
        await self._processor.restore()  # 3
        around.consumer.resume(self._partition)  # 4
        seconds = time.monotonic() - began
        self._meters.take_over_seconds.observe(seconds)
        self._log.info(LogEvent.PARTITION_TAKEN, seconds=round(seconds, 3))
        if self._isolation.careful:
            self._log.warning(LogEvent.PARTITION_ISOLATED, deaths=self._isolation.deaths)

    async def _fire_alarms(self) -> None:
        self._clock.read_to(await self._around.consumer.position(self._partition))
        outputs = self._processor.alarms(self._clock.milliseconds())
        if outputs:
            await self._write(outputs, None)
            self._processor.committed()

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
                outputs, verdicts = await self._process(records)
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

    async def _process(self, records: Sequence[InputRecord]) -> tuple[list[Output], list[bool]]:
        """Return all outputs of a batch, and for each record whether it was rejected."""
        outputs, verdicts = list[Output](), list[bool]()
        spans = self._spans
        async for record in InTurns(records):
            rejected = False
            step = spans.begin(record) if spans else None
            try:
                given_up = self._isolation.given_up(record.offset)
                found = process_one(self._processor, record, given_up=given_up, log=self._log)
                outputs.extend(led_to(found, step) if step else found)
            except Rejected as rejection:
                self._log.warning(
                    LogEvent.RECORD_REJECTED,
                    offset=record.offset,
                    code=rejection.code,
                    reason=rejection.detail,
                )
                if spans:
                    spans.rejected(rejection.code)
                outputs.append(dead_letter(record, rejection, topic=self._around.rejected_topic))
                rejected = True
            verdicts.append(rejected)
        outputs.extend(self._processor.finish())
        self._around.failpoint("processed")
        return outputs, verdicts

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
        except _RECORD_FAULTS as error:
            raise Unwritable(records[0].offset, len(records), type(error).__name__) from error
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
