"""Read everything that lies in PostgreSQL and in the object store, column by column.

Beside the rows, what the server itself makes of them: its statistics, which hold values of columns,
and its log, which quotes the rows and statements that it refuses.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from runtime.configuration import Configuration
from runtime.service_configuration import Database

# The columns in which a person's data may lie, each with its reason and its end.
KEPT_COLUMNS: Final[Mapping[str, str]] = {
    "intake.requests.content": "status and detail repeat the request, for request_days",
    "streams.streams.title": "its reader's own word, until the stream is deleted",
    "streams.streams.groups": "its reader's own words, until the stream is deleted",
}
_COLUMNS: Final = """SELECT table_schema || '.' || table_name, column_name
    FROM information_schema.columns
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
    AND (table_schema, table_name) IN
        (SELECT schemaname, tablename FROM pg_catalog.pg_tables) ORDER BY 1, ordinal_position"""
_STATISTICS: Final = """SELECT schemaname || '.' || tablename || '.' || attname, concat_ws(' ',
    most_common_vals, most_common_elems, histogram_bounds) FROM pg_catalog.pg_stats
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"""


async def rows_of(database: Database) -> dict[str, bytes]:
    """Return the values of each column of each table, each value once; bytes in hexadecimal."""
    found: dict[str, bytes] = {}
    connection = await asyncpg.connect(database.url)
    try:
        for table, column in await connection.fetch(_COLUMNS):
            rows = await connection.fetch(f'SELECT DISTINCT "{column}"::text FROM {table}')  # noqa: S608 - names of the catalogue
            values = (row[0] for row in rows if row[0] is not None)
            found[f"{table}.{column}"] = "\n".join(sorted(values)).encode()
    finally:
        await connection.close()
    return found


async def statistics_of(database: Database) -> bytes:
    """Return what the server remembers of columns after it has looked at all of them."""
    connection = await asyncpg.connect(database.url)
    try:
        await connection.execute("ANALYZE")
        rows = await connection.fetch(_STATISTICS)
    finally:
        await connection.close()
    return "\n".join(f"{name}: {values}" for name, values in rows).encode()


async def quarrel(database: Database, word: str) -> None:
    """Let the server refuse rows and values with `word` in them, in each way that it can quote.

    A row that breaks a rule, a key that is taken, a text that is no JSON, a conflict in a COPY. The
    statements of ours cast no text to anything else, which the first line of an error would quote.
    """
    connection = await asyncpg.connect(database.url)
    content = word.encode()
    try:
        await connection.execute("CREATE TEMPORARY TABLE once (word text PRIMARY KEY)")
        await connection.execute("INSERT INTO once VALUES ($1)", word)
        for statement, values in (
            (_AGAINST_A_RULE, (word, content)),
            ("INSERT INTO once VALUES ($1)", (word,)),
            ("SELECT $1::text::json", (word,)),
        ):
            with suppress(asyncpg.PostgresError):
                await connection.execute(statement, *values)
        with suppress(asyncpg.PostgresError):
            await connection.copy_records_to_table("once", records=[(word,)])
    finally:
        await connection.close()


_AGAINST_A_RULE: Final = """INSERT INTO intake.requests (endpoint, body, id, state, callback_id,
    received_at, principal, traceparent, content)
    VALUES ($1, $1, $1, 'nonsense', $1, now(), $1, $1, $2)"""


async def stored_names(configuration: Configuration) -> bytes:
    """Return the names of everything in the object store, a directory: metadata has no other place.

    What a bucket is told with a file, tests/integration/test_object_store.py says.
    """
    return await asyncio.to_thread(_names, Path(urlsplit(configuration.object_store.url).path))


def _names(directory: Path) -> bytes:
    names = (str(path.relative_to(directory)) for path in directory.rglob("*"))
    return "\n".join(sorted(names)).encode()
