"""Build the tables anew from Kafka, beside those in use, and put them in their place at once.

1. Partitions that were made anew get a number of their own; what was projected of the former ones
   stays under the old number.
2. What Kafka no longer has is copied; everything else is read again, up to where the projection
   stands. Nobody waits for that.
3. The offsets are locked, so the projection stands still; the rest is read; what streams refer to
   and Kafka does not have is copied; the tables change places. All in one transaction.
4. What the projection has not reached yet is projected the ordinary way.

Streams, their numbers and what was acknowledged are not touched: they say what readers were told,
and Kafka knows nothing of it. A reader sees the same event under the same number as before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.errors import Broken
from runtime.configuration import Configuration
from runtime.database import Connection, Pool, own_connection, translated_errors
from runtime.failpoint import no_failpoint
from runtime.kafka import KafkaClients
from runtime.kafka_refusals import absent
from streams.event import Event, read_event
from streams.projector import status_topics
from streams.store import (
    Fenced,
    Reached,
    fold_batch,
    insert_events,
    upsert_transactions,
    write_batch,
)

OnProgress = Callable[[int, int], None]  # records passed, records in all
_FETCH_BYTES_MAX: Final = 16_777_216
_BATCH_RECORDS: Final = 2_000
_POLL_MILLISECONDS: Final = 200
# What is left when the offsets are locked: a second's work at the most.
_REST_RECORDS_MAX: Final = 5_000
_STEP_SECONDS: Final = 3_600.0
_LOCK: Final = 0x65736974_7265

_PREPARE: Final = """
DROP TABLE IF EXISTS streams.events_new, streams.transactions_new;
CREATE TABLE streams.events_new (LIKE streams.events INCLUDING ALL);
CREATE TABLE streams.transactions_new (LIKE streams.transactions INCLUDING ALL)
    WITH (fillfactor = 80);
"""
# The view is bound to the table, not to its name.
_SWAP: Final = """
ALTER TABLE streams.events RENAME TO events_old;
ALTER TABLE streams.transactions RENAME TO transactions_old;
ALTER TABLE streams.events_new RENAME TO events;
ALTER TABLE streams.transactions_new RENAME TO transactions;
"""
_DROP: Final = "DROP TABLE streams.events_old, streams.transactions_old;"
_REACHED: Final = """
SELECT source, next_offset FROM streams.sources WHERE source = ANY($1::integer[]) ORDER BY source"""
_REACHED_LOCKED: Final = f"{_REACHED} FOR UPDATE"
_COLUMNS: Final = {
    "events": 'source, "offset", endpoint, transaction_id, id, received_at, event, projected_at',
    "transactions": """endpoint, transaction_id, source, "offset", native_status, status, final,
        sequence, updated_at, event""",
}
_GONE_FROM_KAFKA: Final = """
    NOT EXISTS (
        SELECT FROM unnest($1::integer[], $2::bigint[]) AS kept(source, begin)
        WHERE kept.source = o.source AND o."offset" >= kept.begin)"""


@dataclass(slots=True)
class Span:
    """What is to be read of one partition: from `next` up to `target`."""

    source: int
    begin: int
    next: int
    target: int


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild came to."""

    records: int
    projected: int


async def rebuild(
    configuration: Configuration, pool: Pool, clients: KafkaClients, on_progress: OnProgress
) -> Rebuilt:
    """Build the tables anew; return how many records were read, and how many were new.

    Raises:
        Broken: another rebuild is running, or a topic does not exist.
        Unavailable: the database is away; what was built is thrown away by the next try.
    """
    partitions = await _partitions(clients, status_topics(configuration))
    consumer: AIOKafkaConsumer = clients.consumer(group=None, fetch_bytes_max=_FETCH_BYTES_MAX)
    await consumer.start()
    try:
        consumer.assign(partitions)
        async with own_connection(configuration, application="esito-rebuild") as connection:
            with translated_errors():
                if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                    raise Broken("another esito streams rebuild is running; wait until it has done")
                return await _Rebuild(pool, connection, consumer, on_progress).run(partitions)
    finally:
        await consumer.stop()


class _Rebuild:
    """One run: what it reads from, what it writes to, how far it is."""

    def __init__(
        self,
        pool: Pool,
        connection: Connection,
        consumer: AIOKafkaConsumer,
        on_progress: OnProgress,
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._consumer = consumer
        self._on_progress = on_progress
        self._records = 0

    async def run(self, partitions: Sequence[TopicPartition]) -> Rebuilt:
        # 1.
        spans = await self._spans(partitions)
        # 2.
        await self._connection.execute(_PREPARE)
        await self._copy_what_kafka_lacks(spans)
        while await self._left(spans) > _REST_RECORDS_MAX or not self._records:
            before = self._records
            await self._read(spans)
            if self._records == before:
                break
        # 3.
        await self._swap(spans)
        # 4.
        projected = await self._project(spans)
        return Rebuilt(self._records, projected)

    async def _spans(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Span]:
        begins = await self._consumer.beginning_offsets(partitions)
        stored = {one: await self._source(one, begins[one]) for one in partitions}
        # Asked for last: a projection that goes on meanwhile must not seem to be ahead of Kafka.
        ends = await self._consumer.end_offsets(partitions)
        spans = {}
        for one, (source, reached) in stored.items():
            spans[one] = Span(source, begins[one], begins[one], reached)
            if reached > ends[one]:
                await self._connection.execute(
                    "UPDATE streams.sources SET topic = topic || '~' || source WHERE source = $1",
                    source,
                )
                anew, begin = await self._source(one, begins[one])
                spans[one] = Span(anew, begin, begin, begin)
        return spans

    async def _source(self, partition: TopicPartition, begin: int) -> tuple[int, int]:
        row = await self._connection.fetchrow(
            """INSERT INTO streams.sources (topic, partition, next_offset) VALUES ($1, $2, $3)
            ON CONFLICT (topic, partition) DO UPDATE SET topic = excluded.topic
            RETURNING source, next_offset""",
            partition.topic,
            partition.partition,
            begin,
        )
        source, reached = row or (0, 0)  # an upsert returns its row
        return source, reached

    async def _copy_what_kafka_lacks(self, spans: dict[TopicPartition, Span]) -> None:
        for table, columns in _COLUMNS.items():
            await self._connection.execute(
                f"""INSERT INTO streams.{table}_new ({columns})
                SELECT {columns} FROM streams.{table} o WHERE {_GONE_FROM_KAFKA}""",  # noqa: S608 - names of ours
                [one.source for one in spans.values()],
                [one.begin for one in spans.values()],
                timeout=_STEP_SECONDS,
            )

    async def _left(self, spans: dict[TopicPartition, Span], *, lock: bool = False) -> int:
        """Read how far the projection is by now; return how many offsets are between."""
        rows = await self._connection.fetch(
            _REACHED_LOCKED if lock else _REACHED,
            [one.source for one in spans.values()],
        )
        reached = {row["source"]: row["next_offset"] for row in rows}
        for span in spans.values():
            span.target = reached[span.source]
        return sum(max(0, one.target - one.next) for one in spans.values())

    async def _read(self, spans: dict[TopicPartition, Span]) -> None:
        """Read every partition up to its target, into the new tables."""
        behind = {one for one, span in spans.items() if span.next < span.target}
        for one in behind:
            self._consumer.seek(one, spans[one].next)
        while behind:
            fetched = await self._consumer.getmany(
                *behind, timeout_ms=_POLL_MILLISECONDS, max_records=_BATCH_RECORDS
            )
            events: list[Event] = []
            for partition, records in fetched.items():
                events += _events(records, spans[partition])
            if events:
                await self._write(events)
            for one in tuple(behind):
                # The position also passes control records and aborted ones.
                spans[one].next = min(await self._consumer.position(one), spans[one].target)
                if spans[one].next >= spans[one].target:
                    behind.remove(one)
            self._tell(spans)

    async def _write(self, events: Sequence[Event]) -> None:
        folded = await fold_batch(self._connection, events, suffix="_new")
        await insert_events(self._connection, "events_new", folded)
        await upsert_transactions(self._connection, "transactions_new", folded)
        self._records += len(events)

    async def _swap(self, spans: dict[TopicPartition, Span]) -> None:
        connection = self._connection
        async with connection.transaction():
            await self._left(spans, lock=True)
            await self._read(spans)
            await connection.execute(
                f"""INSERT INTO streams.events_new ({_COLUMNS["events"]})
                SELECT {_COLUMNS["events"]} FROM streams.events
                WHERE (source, "offset") IN (SELECT source, "offset" FROM streams.stream_events)
                ON CONFLICT DO NOTHING""",  # noqa: S608 - names of ours
                timeout=_STEP_SECONDS,
            )
            view = await connection.fetchval(
                "SELECT pg_get_viewdef('streams.current_transactions'::regclass)"
            )
            await connection.execute(_SWAP)
            # pg_get_viewdef was asked before the tables changed names: the text names the new one.
            await connection.execute(
                f"CREATE OR REPLACE VIEW streams.current_transactions AS {view}"
            )
            await connection.execute(_DROP)

    async def _project(self, spans: dict[TopicPartition, Span]) -> int:
        """Project up to the end as of now; who meets a running projector leaves it to that one."""
        ends = await self._consumer.end_offsets(list(spans))
        total = 0
        for partition, span in spans.items():
            self._consumer.seek(partition, span.next)
            while span.next < ends[partition]:
                fetched = await self._consumer.getmany(
                    partition, timeout_ms=_POLL_MILLISECONDS, max_records=_BATCH_RECORDS
                )
                events = _events(fetched.get(partition, ()), span, beyond=True)
                following = await self._consumer.position(partition)
                reached = Reached(span.source, span.next, following)
                try:
                    total += await write_batch(self._pool, [reached], events, no_failpoint)
                except Fenced:
                    break
                span.next = following
                self._tell(spans)
        return total

    def _tell(self, spans: dict[TopicPartition, Span]) -> None:
        passed = sum(one.next - one.begin for one in spans.values())
        total = sum(max(one.target, one.next) - one.begin for one in spans.values())
        self._on_progress(passed, total)


def _events(records: Sequence[Any], span: Span, *, beyond: bool = False) -> list[Event]:
    """Return the events of records before the target; of all records with `beyond`."""
    found = (
        read_event(record.value or b"", source=span.source, offset=record.offset)
        for record in records
        if beyond or record.offset < span.target
    )
    return [event for event in found if event is not None]


async def _partitions(clients: KafkaClients, topics: Sequence[str]) -> list[TopicPartition]:
    admin = clients.admin()
    await admin.start()
    try:
        # All topics are described: asking for one that is missing may create it.
        described = await admin.describe_topics()
    finally:
        await admin.close()
    counts = {one["topic"]: len(one["partitions"]) for one in described}
    for topic in topics:
        if topic not in counts:
            raise Broken(absent(topic))
    return [TopicPartition(topic, number) for topic in topics for number in range(counts[topic])]
