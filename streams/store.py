"""Write a batch of events and the offsets it reaches to, in one database transaction.

1. Each partition's stored offset is compared and set: a writer that lost its partition changes
   nothing, and its whole transaction is undone.
2. What is known already (a record published twice) is left out.
3. Events and the last one of each transaction are written.
4. The streams that get something are locked, in the order of their ids; their counters give the
   numbers. Other projectors wait here, so numbers have no gaps and become visible in order.
5. Waiting readers are notified; the database sends that at the commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from runtime.database import Connection, Pool, translated_errors
from runtime.failpoint import Failpoint
from streams.deliver import Delivery, Folded, Stream, deliver, fold
from streams.event import Event

CHANNEL: Final = "esito_streams"
_EVENT_COLUMNS: Final = (
    "source",
    "offset",
    "endpoint",
    "transaction_id",
    "id",
    "received_at",
    "event",
)
# A notification holds 8,000 bytes, an id takes 37 of them.
_IDS_NOTIFIED_MAX: Final = 200


class Fenced(Exception):
    """Another projector has gone on with one of the partitions."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a batch goes in one partition: from which offset, to which."""

    source: int
    expected: int
    next: int


async def write_batch(
    pool: Pool, reached: Sequence[Reached], events: Sequence[Event], failpoint: Failpoint
) -> int:
    """Write all of it, or nothing; return how many events were new.

    Raises:
        Fenced: the stored offset is not the expected one.
        Unavailable: the database is away.
    """
    with translated_errors():
        async with pool.acquire() as connection:
            async with connection.transaction():
                await _advance(connection, reached)
                folded = await fold_batch(connection, events)
                await insert_events(connection, "events", folded)
                await upsert_transactions(connection, "transactions", folded)
                await _number(connection, await _locked(connection, folded))
                failpoint("rows_written")
            failpoint("rows_committed")
    return len(folded.deliveries)


async def fold_batch(
    connection: Connection, events: Sequence[Event], *, suffix: str = ""
) -> Folded:
    """Return what `events` come to upon what is stored."""
    endpoints = [event.endpoint for event in events]
    identifiers = [event.transaction_id for event in events]
    standing = await connection.fetch(
        f"""SELECT endpoint, transaction_id, native_status FROM streams.transactions{suffix}
        WHERE (endpoint, transaction_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))""",  # noqa: S608 - a name of ours
        endpoints,
        identifiers,
    )
    before = {(row[0], row[1]): row[2] for row in standing}
    returning = [event for event in events if event.transaction in before]
    known = await connection.fetch(
        f"""SELECT e.id FROM unnest($1::text[], $2::text[], $3::uuid[]) AS n(endpoint, tx, id)
        JOIN streams.events{suffix} e
        ON e.endpoint = n.endpoint AND e.transaction_id = n.tx AND e.id = n.id""",  # noqa: S608 - a name of ours
        [event.endpoint for event in returning],
        [event.transaction_id for event in returning],
        [event.id for event in returning],
    )
    return fold(events, known=(row[0] for row in known), before=before)


async def insert_events(connection: Connection, table: str, folded: Folded) -> None:
    """Append the events."""
    rows = [
        (
            event.source,
            event.offset,
            event.endpoint,
            event.transaction_id,
            event.id,
            event.received_at,
            event.text,
        )
        for event in (one.event for one in folded.deliveries)
    ]
    await connection.copy_records_to_table(
        table, schema_name="streams", records=rows, columns=_EVENT_COLUMNS
    )


async def upsert_transactions(connection: Connection, table: str, folded: Folded) -> None:
    """Let each transaction stand where its last event says."""
    last = list(folded.last.values())
    await connection.execute(
        f"""INSERT INTO streams.{table} (endpoint, transaction_id, source, "offset", native_status,
            status, final, sequence, updated_at, event)
        SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::text[],
            $6::text[], $7::boolean[], $8::integer[], $9::timestamptz[], $10::json[])
        ON CONFLICT (endpoint, transaction_id) DO UPDATE SET
            source = excluded.source, "offset" = excluded."offset",
            native_status = excluded.native_status, status = excluded.status,
            final = excluded.final, sequence = excluded.sequence,
            updated_at = excluded.updated_at, event = excluded.event""",  # noqa: S608 - a name of ours
        [one.endpoint for one in last],
        [one.transaction_id for one in last],
        [one.source for one in last],
        [one.offset for one in last],
        [one.native_status for one in last],
        [one.status for one in last],
        [one.final for one in last],
        [one.sequence for one in last],
        [one.received_at for one in last],
        [one.searchable for one in last],
    )


async def _advance(connection: Connection, reached: Sequence[Reached]) -> None:
    rows = await connection.fetch(
        """UPDATE streams.sources s SET next_offset = n.next
        FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS n(source, expected, next)
        WHERE s.source = n.source AND s.next_offset = n.expected RETURNING s.source""",
        [one.source for one in reached],
        [one.expected for one in reached],
        [one.next for one in reached],
    )
    if len(rows) != len(reached):
        raise Fenced("another projector has gone on with the partition")


async def _streams(connection: Connection, folded: Folded) -> Iterable[Stream]:
    endpoints = sorted({one.event.endpoint for one in folded.deliveries})
    rows = await connection.fetch(
        """SELECT id, event_type, endpoints, sender, groups, filters, wait_for_accepted
        FROM streams.streams WHERE disabled_at IS NULL AND endpoints && $1::text[]""",
        endpoints,
    )
    return [
        Stream(
            id=row["id"],
            event_type=row["event_type"],
            endpoints=frozenset(row["endpoints"]),
            sender=row["sender"],
            groups=frozenset(row["groups"]),
            filters=frozenset(row["filters"]),
            wait_for_accepted=row["wait_for_accepted"],
        )
        for row in rows
    ]


async def _locked(connection: Connection, folded: Folded) -> Mapping[UUID, Sequence[Delivery]]:
    """Return what each stream gets, once nobody else can number or disable any of them.

    A stream disabled or deleted before it was locked gets no more. What was made in its place then
    is there at the second look, so no event falls between the two.
    """
    while True:
        found = deliver(await _streams(connection, folded), folded.deliveries)
        locked = await connection.fetch(
            """SELECT id FROM streams.streams WHERE id = ANY($1::uuid[]) AND disabled_at IS NULL
            ORDER BY id FOR NO KEY UPDATE""",
            list(found),
        )
        if len(locked) == len(found):
            return found


async def _number(connection: Connection, found: Mapping[UUID, Sequence[Delivery]]) -> None:
    if not found:
        return
    identifiers = sorted(found)
    rows = await connection.fetch(
        """UPDATE streams.streams s SET last_number = s.last_number + n.count
        FROM unnest($1::uuid[], $2::bigint[]) AS n(id, count)
        WHERE s.id = n.id RETURNING s.id, s.last_number""",
        identifiers,
        [len(found[one]) for one in identifiers],
    )
    records = [
        (row["id"], number, one.event.source, one.event.offset, one.changed)
        for row in rows
        for number, one in enumerate(
            found[row["id"]], row["last_number"] - len(found[row["id"]]) + 1
        )
    ]
    await connection.copy_records_to_table(
        "stream_events",
        schema_name="streams",
        records=records,
        columns=("stream_id", "number", "source", "offset", "changed"),
    )
    for begin in range(0, len(identifiers), _IDS_NOTIFIED_MAX):
        some = identifiers[begin : begin + _IDS_NOTIFIED_MAX]
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, ",".join(map(str, some)))
