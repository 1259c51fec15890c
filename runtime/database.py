"""Connect to PostgreSQL and bring a schema up to date; asyncpg, with the types that we use of it.

- Every statement has a time-out: a database that hangs must not hang a process.
- `translated_errors()` tells what is worth another try (Unavailable) from what a person must change
  (Broken); other errors of the database are our own mistakes and pass.
- A replica may contradict what its primary has answered before, so only a primary is spoken to.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import asyncpg

from contracts.errors import Broken, Unavailable, why_unread
from runtime.configuration import Configuration
from runtime.database_types import Connection, Pool, Row
from runtime.service_configuration import Database

__all__ = [
    "Connection",
    "Pool",
    "Row",
    "connect",
    "migrate",
    "own_connection",
    "translated_errors",
]

_CONNECT_SECONDS: Final = 10.0
_STATEMENT_SECONDS: Final = 30.0
_MIGRATION_SECONDS: Final = 600.0
# A process frozen within a transaction, or gone with its machine, would hold its locks for ever.
_IDLE_MILLISECONDS: Final = "10000"
_MIGRATION: Final = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")
# Any number will do, as long as all of Esito's processes take the same.
_MIGRATION_LOCK: Final = 0x65736974

# What passes by itself: the connection, a restart, a switch of primaries, two that met.
_PASSING: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,
    OSError,
    TimeoutError,
)
_REFUSED: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ClientConfigurationError,
)


async def connect(
    configuration: Configuration, *, application: str = "esito", connections_max: int | None = None
) -> Pool:
    """Return a pool of connections to the configured database; the caller closes it.

    Raises:
        Broken: user, password or database are not the server's; the message names the key.
        Unavailable: the server does not answer, or is no primary.
    """
    section = configuration.database
    size = connections_max or section.connections_max
    options = _options(section, application)
    with translated_errors(section):
        pool = await asyncpg.create_pool(min_size=1, max_size=size, **options)
        found = cast("Pool", pool)
        if await found.fetchval("SELECT current_setting('synchronous_commit')") == "off":
            found.terminate()
            raise Broken(
                "database: the server has synchronous_commit = off, so an answer could be taken "
                "back by a power failure; ALTER DATABASE … SET synchronous_commit = on"
            )
    return found


@asynccontextmanager
async def own_connection(
    configuration: Configuration, *, application: str
) -> AsyncIterator[Connection]:
    """Give a connection outside any pool: for LISTEN, and for what takes long.

    Raises:
        Broken, Unavailable: as `connect`.
    """
    section = configuration.database
    with translated_errors(section):
        connection = await asyncpg.connect(**_options(section, application))
    try:
        yield cast("Connection", connection)
    finally:
        try:
            await connection.close(timeout=_CONNECT_SECONDS)
        except (*_PASSING, asyncpg.PostgresError):
            connection.terminate()


@contextmanager
def translated_errors(section: Database | None = None) -> Iterator[None]:
    """Turn what the block raises about the database into our own errors.

    Messages never quote the server's: it may quote values.

    Raises:
        Broken: a person must change the configuration or the rights.
        Unavailable: another try may succeed.
    """
    where = f" at {_address(section)}" if section else ""
    try:
        yield
    except asyncpg.InvalidPasswordError:
        raise Broken(
            f"database{where}: the password is refused; database.password_file must hold that of "
            "the user in database.url"
        ) from None
    except _REFUSED as error:
        raise Broken(
            f"database{where}: {type(error).__name__}; check user and database in database.url "
            "and database.password_file, and that the user owns the database (docs/RUNBOOK.md)"
        ) from None
    except _PASSING as error:
        raise Unavailable(
            f"the database{where} does not answer ({type(error).__name__}); start PostgreSQL or "
            "change database.url"
        ) from None


async def migrate(pool: Pool, schema: str, directory: Path) -> None:
    """Bring `schema` up to date with the files `NNNN_name.sql` of `directory`.

    All processes may call it at once: one does the work, the others wait. Each file is run once,
    all new ones in one transaction. A database that is ahead of this code is left alone, so that a
    release may be rolled back: migrations only ever add.

    Raises:
        Broken: the files are not numbered from 1 without gaps, or a released one was changed.
        Unavailable: the database went away.
    """
    files = _numbered(directory)
    with translated_errors():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK, timeout=_MIGRATION_SECONDS
            )
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            await connection.execute(
                f"CREATE TABLE IF NOT EXISTS {schema}.migrations (number integer PRIMARY KEY, "
                "name text NOT NULL, sha256 text NOT NULL, "
                "applied_at timestamptz NOT NULL DEFAULT now())"
            )
            rows = await connection.fetch(f"SELECT number, sha256 FROM {schema}.migrations")  # noqa: S608 - a name of ours
            applied = {row["number"]: row["sha256"] for row in rows}
            for number, file in files.items():
                await _apply(connection, schema, number, file, applied.get(number))


async def _apply(
    connection: Connection, schema: str, number: int, file: Path, applied: str | None
) -> None:
    text = file.read_text(encoding="utf-8")  # noqa: ASYNC240 - a few kB, once, at the start
    digest = hashlib.sha256(text.encode()).hexdigest()
    if applied is None:
        await connection.execute(text, timeout=_MIGRATION_SECONDS)
        await connection.execute(
            f"INSERT INTO {schema}.migrations (number, name, sha256) VALUES ($1, $2, $3)",  # noqa: S608 - a name of ours
            number,
            file.name,
            digest,
        )
    elif applied != digest:
        raise Broken(
            f"{file.name} of schema {schema} is not what this database was made with; never change "
            "a migration that was released, add another"
        )


def _numbered(directory: Path) -> dict[int, Path]:
    files: dict[int, Path] = {}
    for file in sorted(directory.glob("*.sql")):
        found = _MIGRATION.fullmatch(file.name)
        if found is None or int(found[1]) != len(files) + 1:
            raise Broken(f"{file}: migrations are named 0001_name.sql, 0002_name.sql, …")
        files[int(found[1])] = file
    if not files:
        raise Broken(f"{directory}: no migrations; is Esito installed whole?")
    return files


def _options(section: Database, application: str) -> dict[str, Any]:
    password = None
    if section.password_file is not None:
        try:
            password = section.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            raise Broken(
                f"{section.password_file}: cannot be read ({why_unread(error)}); it is "
                "database.password_file"
            ) from None
    try:
        inside = urlsplit(section.url).password
    except ValueError:
        raise Broken("database.url is not a URL") from None
    if inside:
        raise Broken(
            "database.url holds a password; move it to a file and name that file in "
            "database.password_file"
        )
    return {
        "dsn": section.url,
        "password": password,
        "timeout": _CONNECT_SECONDS,
        "command_timeout": _STATEMENT_SECONDS,
        "target_session_attrs": "read-write",
        "server_settings": {
            "application_name": application,
            "timezone": "UTC",
            "idle_in_transaction_session_timeout": _IDLE_MILLISECONDS,
        },
    }


def _address(section: Database) -> str:
    """Return where the database is, without user and password."""
    parts = urlsplit(section.url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
