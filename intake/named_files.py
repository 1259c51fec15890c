"""Remember which files requests name, and say which of them are needed.

A request's rows are written in the database transaction that stores the request, before anybody is
told 202: what a request may need is known from its first moment.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from asyncpg import InvalidSchemaNameError, UndefinedTableError

from contracts.errors import Unavailable
from contracts.send.attachments import placed_files
from contracts.send.request import Request
from contracts.send.rules import BodyRules
from runtime.database import Connection, translated_errors
from runtime.notification_configuration import Attachments
from runtime.slots import is_key

Needed = Literal["waiting", "retained"]

_MIGRATION: Final = "0002_named_files.sql"
_UNPREPARED: Final = (
    "the database has not all tables of the intake and the streams; start both once, then try again"
)
# Of a request whose time is over rows are kept a little longer: its files are looked at first.
_ROWS_LONGER: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Term:
    """Before when an unused file was uploaded, and a retained one last needed, to be over now."""

    unused_before: datetime
    retained_before: datetime

    @staticmethod
    def of(settings: Attachments, *, at: datetime) -> "Term":
        """Return the terms of an endpoint at a moment."""
        return Term(
            at - timedelta(days=settings.unused_days), at - timedelta(days=settings.retained_days)
        )


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file of a public body, as a request names it."""

    endpoint: str
    body: str
    key: str
    request_id: str
    received_at: datetime


def keys_named(request: Request, body: BodyRules) -> tuple[str, ...]:
    """Return the keys of all files that a request names, each once.

    A key that is not of our form is no file's: it is the sender's own word, and is stored nowhere.
    """
    keys = dict.fromkeys(one.need.key for one in placed_files(request, body))
    return tuple(filter(is_key, keys))


async def note_files(connection: Connection, files: Iterable[NamedFile]) -> None:
    """Write which files requests name; call within the transaction that stores the requests."""
    rows = [(one.endpoint, one.body, one.key, one.request_id, one.received_at) for one in files]
    if rows:
        await connection.execute(
            """INSERT INTO intake.named_files (endpoint, body, key, request_id, received_at)
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
            ON CONFLICT DO NOTHING""",
            *(list(column) for column in zip(*rows, strict=True)),
        )


async def needed_files(
    connection: Connection, endpoint: str, body: str, keys: Sequence[str], term: Term
) -> Mapping[str, Needed]:
    """Return which of `keys` are needed, and why.

    `waiting`: a request that names the file has no status yet, or is being validated. `retained`:
    its request was not refused, and its receipt or its last status is not long ago.

    Raises:
        Unavailable: the database does not answer.
    """
    with _translated():
        rows = await connection.fetch(
            """SELECT f.key, bool_or(coalesce(t.native_status, 'IN_VALIDATION') = 'IN_VALIDATION')
            FROM intake.named_files f LEFT JOIN streams.current_transactions t
            ON t.endpoint = f.endpoint AND t.transaction_id = f.request_id
            WHERE f.endpoint = $1 AND f.body = $2 AND f.key = ANY($3)
            AND (coalesce(t.native_status, 'IN_VALIDATION') = 'IN_VALIDATION'
                OR (t.native_status <> 'REFUSED'
                    AND greatest(f.received_at, t.updated_at) > $4))
            GROUP BY f.key""",
            endpoint,
            body,
            list(keys),
            term.retained_before,
        )
    return {row[0]: "waiting" if row[1] else "retained" for row in rows}


async def forget_files(connection: Connection, endpoint: str, term: Term) -> int:
    """Remove the rows of requests whose files nobody needs any more; return how many.

    Raises:
        Unavailable: the database does not answer.
    """
    with _translated():
        tag = await connection.execute(
            """DELETE FROM intake.named_files f USING streams.current_transactions t
            WHERE t.endpoint = f.endpoint AND t.transaction_id = f.request_id
            AND f.endpoint = $1 AND ((t.native_status = 'REFUSED' AND f.received_at < $2)
                OR (t.native_status <> 'IN_VALIDATION'
                    AND greatest(f.received_at, t.updated_at) < $3))""",
            endpoint,
            term.unused_before - _ROWS_LONGER,
            term.retained_before - _ROWS_LONGER,
        )
    return int(tag.rpartition(" ")[2])


async def noting_since(connection: Connection) -> datetime:
    """Return since when this database has known which files requests name.

    Raises:
        Unavailable: the database does not answer.
    """
    with _translated():
        moment: datetime | None = await connection.fetchval(
            "SELECT applied_at FROM intake.migrations WHERE name = $1", _MIGRATION
        )
    if moment is None:
        raise Unavailable(_UNPREPARED)
    return moment


@contextmanager
def _translated() -> Iterator[None]:
    with translated_errors():
        try:
            yield
        except (UndefinedTableError, InvalidSchemaNameError):
            raise Unavailable(_UNPREPARED) from None
