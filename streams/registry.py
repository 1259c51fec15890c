"""Keep streams and hand out their events: the statements behind both APIs.

Every statement names the owner, so another's stream is like one that does not exist: the same
answer, in the same time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from runtime.database import Connection, Pool, Row, translated_errors
from streams.readers import Reader

# https://github.com/pagopa/pn-stream: a replacing stream goes on here after the old one's last.
REPLACEMENT_GAP: Final = 1_000

_COLUMNS: Final = """id, version, title, event_type, endpoints, groups, filters,
    wait_for_accepted, activated_at, disabled_at, last_number"""


class TooManyStreams(Exception):
    """The owner has as many enabled streams as it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a reader says of a stream."""

    version: str
    title: str
    event_type: str
    endpoints: tuple[str, ...]
    groups: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    wait_for_accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Settings):
    """A stream as it is kept."""

    id: UUID
    activated_at: datetime
    disabled_at: datetime | None
    last_number: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An event of a stream: its number there, whether it changed the status, its JSON."""

    number: int
    changed: bool
    event: str


class Registry:
    """The streams in the database."""

    def __init__(self, pool: Pool, *, streams_max: int, page_events: int) -> None:
        """Use `pool`; `streams_max` enabled ones for each owner."""
        self._pool = pool
        self._streams_max = streams_max
        self.page_events = page_events

    async def create(
        self, reader: Reader, settings: Settings, *, replaces: UUID | None = None
    ) -> Kept:
        """Make a stream, and disable the one it replaces.

        Raises:
            TooManyStreams: the owner has its share.
            LookupError: the owner has no stream to replace.
        """
        identifier = uuid4()
        with translated_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                # Two at once would both count one too few.
                await connection.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", reader.owner
                )
                first = await _replaced(connection, reader, replaces) if replaces else 0
                enabled = await connection.fetchval(
                    "SELECT count(*) FROM streams.streams WHERE owner = $1 AND disabled_at IS NULL",
                    reader.owner,
                )
                if enabled >= self._streams_max:
                    raise TooManyStreams
                row = await _insert(connection, identifier, reader, settings, first)
        return _kept(row)

    async def all_of(self, reader: Reader) -> list[Kept]:
        """Return the owner's streams, the oldest first."""
        with translated_errors():
            rows = await self._pool.fetch(
                f"""SELECT {_COLUMNS} FROM streams.streams WHERE owner = $1
                ORDER BY activated_at, id""",  # noqa: S608 - columns of ours
                reader.owner,
            )
        return [_kept(row) for row in rows]

    async def find(self, reader: Reader, identifier: UUID) -> Kept | None:
        """Return the owner's stream of that id, or None."""
        with translated_errors():
            row = await self._pool.fetchrow(
                f"SELECT {_COLUMNS} FROM streams.streams WHERE id = $1 AND owner = $2",  # noqa: S608 - columns of ours
                identifier,
                reader.owner,
            )
        return _kept(row) if row else None

    async def change(self, reader: Reader, stream: Kept, settings: Settings) -> Kept | None:
        """Let the stream be as `settings` say, but for its version and `wait_for_accepted`.

        None: it is no longer as it was when `stream` was found, so nobody has checked whether it
        may be changed so, and what another call has said meanwhile would be lost.
        """
        with translated_errors():
            row = await self._pool.fetchrow(
                f"""UPDATE streams.streams SET title = $3, event_type = $4, endpoints = $5,
                groups = $6, filters = $7 WHERE id = $1 AND owner = $2
                AND (title, event_type, endpoints, groups, filters) = ($8, $9, $10, $11, $12)
                AND disabled_at IS NOT DISTINCT FROM $13 RETURNING {_COLUMNS}""",  # noqa: S608 - columns of ours
                stream.id,
                reader.owner,
                *_changeable(settings),
                *_changeable(stream),
                stream.disabled_at,
            )
        return _kept(row) if row else None

    async def disable(self, reader: Reader, identifier: UUID) -> Kept | None:
        """Let the stream get no more events, for ever."""
        with translated_errors():
            row = await self._pool.fetchrow(
                f"""UPDATE streams.streams SET disabled_at = coalesce(disabled_at, now())
                WHERE id = $1 AND owner = $2 RETURNING {_COLUMNS}""",  # noqa: S608 - columns of ours
                identifier,
                reader.owner,
            )
        return _kept(row) if row else None

    async def delete(self, reader: Reader, identifier: UUID) -> bool:
        """Forget the stream; its events are removed later, batch by batch."""
        with translated_errors():
            row = await self._pool.fetchrow(
                """WITH gone AS (
                    DELETE FROM streams.streams WHERE id = $1 AND owner = $2 RETURNING id
                ), reading AS (DELETE FROM streams.readings WHERE stream_id = $1)
                INSERT INTO streams.removed SELECT id FROM gone RETURNING stream_id""",
                identifier,
                reader.owner,
            )
        return row is not None

    async def page(
        self,
        reader: Reader,
        stream: Kept,
        *,
        acknowledge: int | None,
        beyond: int | None = None,
        count: int | None = None,
    ) -> list[Entry]:
        """Acknowledge all up to `acknowledge`, and return what follows it and `beyond`.

        What was acknowledged never comes back, whatever is asked for. A reader that has lost an
        endpoint sees nothing of it, not even what was there before.
        """
        with translated_errors():
            if acknowledge:
                await self._acknowledge(stream, acknowledge)
            rows = await self._pool.fetch(
                """SELECT s.number, s.changed, e.event FROM streams.stream_events s
                JOIN streams.events e ON e.source = s.source AND e."offset" = s."offset"
                WHERE s.stream_id = $1 AND s.number > greatest($2, (
                    SELECT acknowledged FROM streams.readings WHERE stream_id = $1
                )) AND e.endpoint = ANY($4::text[])
                ORDER BY s.number LIMIT $3""",
                stream.id,
                max(acknowledge or 0, beyond or 0),
                count or self.page_events,
                list(reader.endpoints),
            )
        return [Entry(*row) for row in rows]

    async def _acknowledge(self, stream: Kept, number: int) -> None:
        """Remember what the reader has; no reader knows numbers to come.

        Not waited for by the disk: should the server crash, its reader acknowledges more anyhow.
        """
        await self._pool.execute(
            """UPDATE streams.readings SET acknowledged = $2
            WHERE stream_id = $1 AND acknowledged < $2
            AND set_config('synchronous_commit', 'off', true) IS NOT NULL""",
            stream.id,
            min(number, stream.last_number),
        )

    async def too_early(self, stream: Kept) -> int:
        """Return how many milliseconds too early the reader comes; 0: it may read."""
        with translated_errors():
            left: float | None = await self._pool.fetchval(
                """SELECT extract(epoch FROM not_before - clock_timestamp())::float8
                FROM streams.readings WHERE stream_id = $1""",
                stream.id,
            )
        return max(0, int((left or 0.0) * 1000))

    async def ask_to_wait(self, stream: Kept, milliseconds: int) -> None:
        """Remember until when the reader was asked not to come."""
        with translated_errors():
            await self._pool.execute(
                """UPDATE streams.readings
                SET not_before = clock_timestamp() + $2 * interval '1 millisecond'
                WHERE stream_id = $1""",
                stream.id,
                float(milliseconds),
            )

    async def current(self, reader: Reader, endpoint: str, identifier: str) -> str | None:
        """Return the last event of a transaction, or None where the reader may see none."""
        with translated_errors():
            found: str | None = await self._pool.fetchval(
                """SELECT event FROM streams.transactions
                WHERE endpoint = $1 AND transaction_id = $2 AND endpoint = ANY($3::text[])""",
                endpoint,
                identifier,
                list(reader.endpoints),
            )
        return found

    async def history(
        self, reader: Reader, endpoint: str, identifier: str, count: int
    ) -> list[str]:
        """Return the first `count` events of a transaction that are still kept, in order."""
        with translated_errors():
            rows = await self._pool.fetch(
                """SELECT event FROM streams.events
                WHERE endpoint = $1 AND transaction_id = $2 AND endpoint = ANY($3::text[])
                ORDER BY "offset" LIMIT $4""",
                endpoint,
                identifier,
                list(reader.endpoints),
                count,
            )
        return [row["event"] for row in rows]


async def _replaced(connection: Connection, reader: Reader, identifier: UUID) -> int:
    """Disable a stream; return the number after which the one in its place goes on."""
    last: int | None = await connection.fetchval(
        """UPDATE streams.streams SET disabled_at = coalesce(disabled_at, now())
        WHERE id = $1 AND owner = $2 RETURNING last_number""",
        identifier,
        reader.owner,
    )
    if last is None:
        raise LookupError
    return last + REPLACEMENT_GAP


async def _insert(
    connection: Connection, identifier: UUID, reader: Reader, settings: Settings, first: int
) -> Row:
    await connection.execute(
        "INSERT INTO streams.readings (stream_id, acknowledged) VALUES ($1, $2)", identifier, first
    )
    return await connection.fetchrow(
        f"""INSERT INTO streams.streams (id, owner, sender, version, title, event_type, endpoints,
        groups, filters, wait_for_accepted, last_number)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING {_COLUMNS}""",  # noqa: S608 - columns of ours
        identifier,
        reader.owner,
        reader.sender,
        settings.version,
        settings.title,
        settings.event_type,
        list(settings.endpoints),
        list(settings.groups),
        list(settings.filters),
        settings.wait_for_accepted,
        first,
    )


def _changeable(one: Settings) -> tuple[str, str, list[str], list[str], list[str]]:
    return one.title, one.event_type, list(one.endpoints), list(one.groups), list(one.filters)


def _kept(row: Row) -> Kept:
    lists = {name: tuple(row[name]) for name in ("endpoints", "groups", "filters")}
    return Kept(**{**dict(row), **lists})
