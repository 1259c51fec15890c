"""Find a request, and where its notification stands: one query, whoever asks and whatever is there.

The public body is the first part of every index that is used, so what is another body's is looked
for exactly like what there is not. Requests and statuses are read from the same primary in one
statement: an answer never contradicts an earlier one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from contracts.json_object import read_json
from contracts.send.request import Request, without_nulls
from contracts.send.timeline import Native
from intake.reservations import protocol_key
from intake.store import Store
from intake.tenants import Caller
from runtime.database import Row

_WAITING: Final = frozenset({None, Native.IN_VALIDATION.value})
_COLUMNS: Final = """r.endpoint, r.body, r.id, r.content, r.received_at, t.native_status, t.sender,
    t.iun, t.reasons, t.updated_at"""
_STANDING: Final = """LEFT JOIN streams.current_transactions t
    ON t.endpoint = r.endpoint AND t.transaction_id = r.id"""
# A key without groups sees all.
_VISIBLE: Final = "(cardinality($3::text[]) = 0 OR r.group_name = ANY($3))"
_BY_ID: Final = f"""SELECT {_COLUMNS} FROM intake.requests r {_STANDING}
    WHERE r.endpoint = $1 AND r.body = $2 AND {_VISIBLE} AND r.id = $4"""  # noqa: S608 - words of ours
_BY_PROTOCOL: Final = f"""SELECT {_COLUMNS} FROM intake.reservations v
    JOIN intake.requests r ON r.endpoint = v.endpoint AND r.body = v.body AND r.id = v.request_id
    {_STANDING} WHERE r.endpoint = $1 AND r.body = $2 AND {_VISIBLE} AND v.digest = $4"""  # noqa: S608 - words of ours
_BY_IUN: Final = f"""SELECT {_COLUMNS} FROM streams.current_transactions t
    JOIN intake.requests r ON r.endpoint = t.endpoint AND r.body = t.sender
    AND r.id = t.transaction_id
    WHERE t.endpoint = $1 AND t.sender = $2 AND {_VISIBLE} AND t.iun = $4"""  # noqa: S608 - words of ours
# What SEND gives back of a request: the members that it knows.
_KNOWN: Final = frozenset(field.alias or name for name, field in Request.model_fields.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A request of the caller's, and the status of its notification, if it has one."""

    endpoint: str
    body: str
    id: str
    received_at: datetime
    native_status: str | None
    updated_at: datetime | None
    iun: str | None
    reasons: Sequence[Mapping[str, Any]]
    content: bytes | None

    @property
    def waits(self) -> bool:
        """Tell whether nobody has judged the request yet."""
        return self.native_status in _WAITING

    @property
    def refused(self) -> bool:
        """Tell whether the request was refused."""
        return self.native_status == Native.REFUSED.value

    def members(self) -> dict[str, Any]:
        """Return the request as it was sent; nothing when its body is kept no longer."""
        if self.content is None:
            return {}
        given: Mapping[str, Any] = without_nulls(read_json(self.content))
        return {name: value for name, value in given.items() if name in _KNOWN}

    def request(self) -> Request | None:
        """Return the request, read."""
        return Request.model_validate(self.members()) if self.content is not None else None


class Lookup:
    """The ways to find a request."""

    def __init__(self, store: Store) -> None:
        """Bind to the database."""
        self._store = store

    async def by_id(self, caller: Caller, identifier: str) -> Found | None:
        """Return the caller's request of this id.

        Raises:
            Unavailable: the database is away.
        """
        return await self._found(_BY_ID, caller, identifier)

    async def by_protocol(self, caller: Caller, number: str, token: str | None) -> Found | None:
        """Return the caller's request of this protocol number and token.

        Raises:
            Unavailable: the database is away.
        """
        key = protocol_key(caller.endpoint, caller.body.id, number, token)
        return await self._found(_BY_PROTOCOL, caller, key.digest)

    async def by_iun(self, caller: Caller, iun: str) -> Found | None:
        """Return the caller's request that became the notification of this IUN.

        Raises:
            Unavailable: the database is away.
        """
        return await self._found(_BY_IUN, caller, iun)

    async def events(self, found: Found) -> list[Mapping[str, Any]]:
        """Return the status events of a notification, in their order.

        Raises:
            Unavailable: the database is away.
        """
        async with self._store.connection() as connection:
            rows = await connection.fetch(
                "SELECT event FROM streams.events WHERE endpoint = $1 AND transaction_id = $2",
                found.endpoint,
                found.id,
            )
        events = [json.loads(row["event"]) for row in rows]
        return sorted(events, key=lambda event: int(event["sequence"]))

    async def _found(self, query: str, caller: Caller, sought: object) -> Found | None:
        names = caller.endpoint, caller.body.id, list(caller.groups)
        async with self._store.connection() as connection:
            row = await connection.fetchrow(query, *names, sought)
        return None if row is None else _read(row)


def _read(row: Row) -> Found:
    return Found(
        endpoint=row["endpoint"],
        body=row["body"],
        id=row["id"],
        received_at=row["received_at"],
        native_status=row["native_status"],
        updated_at=row["updated_at"],
        iun=row["iun"],
        reasons=json.loads(row["reasons"] or "[]"),
        content=row["content"],
    )
