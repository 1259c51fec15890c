"""Remove what nobody needs any more, in bounded batches, by one process at a time.

acknowledged: its reader has it. expired: nobody acknowledged it in time, or its stream was disabled
long ago. removed: its stream was deleted. old: an event that came longer ago than Kafka keeps one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from contracts.errors import Broken, Unavailable
from runtime.configuration import Configuration
from runtime.database import Connection, Pool, Row, translated_errors
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.telemetry import Logger

# Rows of one database transaction: some milliseconds, so that nobody waits for it.
BATCH_ROWS: Final = 2_000
_PAUSE_SECONDS: Final = 5.0
_LOCK: Final = 0x65736975

Step = Callable[[Connection], Awaitable[bool]]
_STREAMS_MAX: Final = 100


class Retention:
    """The terms after which rows go."""

    def __init__(
        self, configuration: Configuration, pool: Pool, metrics: Metrics, log: Logger
    ) -> None:
        """Read the terms; events outlive whatever may refer to them."""
        settings = configuration.streams
        self._expired = timedelta(days=settings.retention_days)
        self._disabled = timedelta(days=settings.disabled_days)
        kept_days = configuration.topics.events_retention_days
        # A day more: a reference must never outlive its event.
        self._old = max(
            timedelta(days=kept_days), max(self._expired, self._disabled) + timedelta(days=1)
        )
        self._pool = pool
        self._metrics = metrics
        for cause in ("acknowledged", "expired", "removed", "old"):
            metrics.counter("esito_streams_purged_total", cause)
        self._log = log

    async def run(self) -> None:
        """Remove again and again until cancelled."""
        while True:
            try:
                await self.remove_all()
            except (Unavailable, Broken) as error:
                self._log.warning(LogEvent.BATCH_DELAYED, reason=str(error))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def remove_all(self) -> None:
        """Remove whatever may go now; do nothing while another process does it."""
        for step in (
            self._disabled_streams,
            self._removed,
            self._acknowledged,
            self._expired_events,
            self._old_events,
        ):
            while await self._once(step):
                pass

    async def _once(self, step: Step) -> bool:
        """Run one bounded step; tell whether there may be more of the kind."""
        with translated_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                mine = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK)
                return bool(mine) and await step(connection)

    async def _disabled_streams(self, connection: Connection) -> bool:
        rows = await connection.fetch(
            """WITH gone AS (
                DELETE FROM streams.streams WHERE id IN (
                    SELECT id FROM streams.streams WHERE disabled_at < now() - $1::interval LIMIT $2
                ) RETURNING id
            ), readings AS (
                DELETE FROM streams.readings WHERE stream_id IN (SELECT id FROM gone)
            )
            INSERT INTO streams.removed SELECT id FROM gone RETURNING stream_id""",
            self._disabled,
            _STREAMS_MAX,
        )
        return len(rows) == _STREAMS_MAX

    async def _removed(self, connection: Connection) -> bool:
        row = await connection.fetchrow("SELECT stream_id FROM streams.removed LIMIT 1")
        if row is None:
            return False
        count = await self._delete(connection, row["stream_id"], 2**63 - 1, "removed")
        if count < BATCH_ROWS:
            await connection.execute(
                "DELETE FROM streams.removed WHERE stream_id = $1", row["stream_id"]
            )
        return True

    async def _acknowledged(self, connection: Connection) -> bool:
        row = await connection.fetchrow(
            """SELECT stream_id, acknowledged FROM streams.readings
            WHERE acknowledged > purged LIMIT 1"""
        )
        return row is not None and await self._purge(connection, row, "acknowledged")

    async def _expired_events(self, connection: Connection) -> bool:
        """Remove what was never acknowledged; the first event of a stream is its oldest."""
        row = await connection.fetchrow(
            """SELECT r.stream_id, (
                SELECT max(number) FROM (
                    SELECT number, added_at FROM streams.stream_events e
                    WHERE e.stream_id = r.stream_id AND e.number > r.purged
                    ORDER BY number LIMIT $2
                ) AS oldest WHERE added_at < now() - $1::interval
            ) AS acknowledged FROM streams.readings r
            WHERE EXISTS (
                SELECT FROM (
                    SELECT added_at FROM streams.stream_events e
                    WHERE e.stream_id = r.stream_id AND e.number > r.purged
                    ORDER BY number LIMIT 1
                ) AS first WHERE added_at < now() - $1::interval
            ) LIMIT 1""",
            self._expired,
            BATCH_ROWS,
        )
        return row is not None and await self._purge(connection, row, "expired")

    async def _purge(self, connection: Connection, row: Row, cause: str) -> bool:
        count = await self._delete(connection, row["stream_id"], row["acknowledged"], cause)
        if count < BATCH_ROWS:
            await connection.execute(
                """UPDATE streams.readings
                SET purged = $2, acknowledged = greatest(acknowledged, $2)
                WHERE stream_id = $1 AND purged < $2""",
                row["stream_id"],
                row["acknowledged"],
            )
        return True

    async def _delete(self, connection: Connection, stream: object, number: int, cause: str) -> int:
        tag = await connection.execute(
            """DELETE FROM streams.stream_events WHERE stream_id = $1 AND number IN (
                SELECT number FROM streams.stream_events
                WHERE stream_id = $1 AND number <= $2 ORDER BY number LIMIT $3)""",
            stream,
            number,
            BATCH_ROWS,
        )
        return self._counted(tag, cause)

    async def _old_events(self, connection: Connection) -> bool:
        """Remove events that came longer ago than Kafka keeps them, the first of each partition.

        Not by when they were received: one that was projected late has not been read yet.
        """
        rows = await connection.fetch("SELECT source FROM streams.sources ORDER BY source")
        removed = 0
        for row in rows:
            tag = await connection.execute(
                """DELETE FROM streams.events WHERE source = $1 AND "offset" IN (
                    SELECT "offset" FROM (
                        SELECT "offset", projected_at FROM streams.events WHERE source = $1
                        ORDER BY "offset" LIMIT $3
                    ) AS first WHERE projected_at < now() - $2::interval)""",
                row["source"],
                self._old,
                BATCH_ROWS,
            )
            removed += self._counted(tag, "old")
            if removed >= BATCH_ROWS:
                return True
        return False

    def _counted(self, tag: str, cause: str) -> int:
        count = int(tag.rpartition(" ")[2])
        self._metrics.counter("esito_streams_purged_total", cause).inc(count)
        return count
