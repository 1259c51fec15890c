"""Erase one request of SEND before its time: what it says, and the files that it alone names.

What cannot be erased by itself is told with its day: records in Kafka end with their topic's term
(docs/decisions/0035). The status events stay: they hold ids, statuses and codes.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contracts.errors import Broken
from runtime.database import Connection, Row, translated_errors
from runtime.object_store import ObjectStore

_DAY: Final = "%Y%m%d"
# A file is uploaded before the request that names it; clocks may be a day apart.
_APART: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Erasable:
    """What of one request can be erased: whether it still says something, and its files' paths."""

    endpoint: str
    body: str
    id: str
    says_something: bool
    files: tuple[str, ...]


async def erasable(
    connection: Connection, store: ObjectStore, endpoint: str, identifier: str, *, unused_days: int
) -> Erasable:
    """Return what of a request can be erased.

    Raises:
        Broken: there is no such request, or it has no verdict yet: the verifier needs it.
    """
    row = await _row(connection, endpoint, identifier)
    if row is None:
        raise Broken(f"no request {identifier} at {endpoint}")
    if row["native_status"] in {None, "IN_VALIDATION"}:
        raise Broken(f"{identifier} is not judged yet: its verdict needs what it says; wait for it")
    with translated_errors():
        keys = await connection.fetch(
            """SELECT key FROM intake.named_files f WHERE endpoint = $1 AND body = $2
            AND request_id = $3 AND NOT EXISTS (SELECT FROM intake.named_files other
                WHERE other.endpoint = $1 AND other.body = $2 AND other.key = f.key
                AND other.request_id <> $3) ORDER BY key""",
            endpoint,
            row["body"],
            identifier,
        )
    place = f"{endpoint}/{row['body']}"
    first = (row["received_at"] - timedelta(days=unused_days) - _APART).strftime(_DAY)
    last = (row["received_at"] + _APART).strftime(_DAY)
    days = [day for day in await store.directories(place) if first <= day <= last]
    paths = [f"{place}/{day}/{one['key']}" for one in keys for day in days]
    found = [path for path in paths if await store.find(path) is not None]
    said = bool(row["says_something"])
    return Erasable(endpoint, row["body"], identifier, said, tuple(found))


async def erase(connection: Connection, store: ObjectStore, one: Erasable) -> None:
    """Erase it; broken off, it can be done again.

    Raises:
        Unavailable: store or database does not answer.
    """
    # Files first: the rows that name them are how they are found.
    await store.delete(one.files)
    names = one.endpoint, one.body, one.id
    with translated_errors():
        async with connection.transaction():
            await connection.execute(
                """UPDATE intake.requests SET content = NULL
                WHERE (endpoint, body, id) = ($1, $2, $3)""",
                *names,
            )
            await connection.execute(
                """DELETE FROM intake.named_files
                WHERE (endpoint, body, request_id) = ($1, $2, $3)""",
                *names,
            )


async def _row(connection: Connection, endpoint: str, identifier: str) -> Row | None:
    with translated_errors():
        return await connection.fetchrow(
            """SELECT r.body, r.received_at, r.content IS NOT NULL AS says_something,
            t.native_status FROM intake.requests r LEFT JOIN streams.current_transactions t
            ON t.endpoint = r.endpoint AND t.transaction_id = r.id
            WHERE r.endpoint = $1 AND r.id = $2""",
            endpoint,
            identifier,
        )
