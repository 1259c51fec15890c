"""Send what a process left reserved, and remove the bodies of requests whose time is over.

Every intake process does so now and then, and any of them may: rows that another one is at are
skipped. A request that Kafka has already is sent once more with the same id and the same facts, and
the state machine takes it for what it is: a duplicate.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from contracts.errors import Unavailable
from contracts.instants import instant
from contracts.raw import RawCallback
from intake.reservations import Reservation, mark_sent
from intake.store import Store
from runtime.database import Row
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.telemetry import Logger, own_stack

# At a megabyte each they are confirmed within `confirm_seconds` at 7 MB a second; a batch that is
# not is sent again and again.
_BATCH_REQUESTS_MAX: Final = 32
# A relay that has work looks again at once, an idle one this often in a relay's term.
_LOOKS_A_TERM: Final = 3
_REMOVED_AT_ONCE: Final = 1_000
_REMOVE_EVERY_SECONDS: Final = 600.0
# Looked at in one go, not all that were ever accepted: what became due lately, and in turn two days
# of what is older, 120 days in 10 hours. A refusal may come late, or nobody have looked in time.
_REFUSED_DUE: Final = timedelta(days=2)
_RETRY_SECONDS: Final = 2.0
_COLUMNS: Final = """endpoint, body, id, group_name, callback_id, received_at, principal,
    traceparent, content"""


class Send(Protocol):
    """Store records in a raw topic."""

    def __call__(self, records: list[RawCallback]) -> Awaitable[None]:
        """Return when Kafka has confirmed all of them."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long the body of a request is kept from its receipt on: of any, and of a refused one."""

    shown: timedelta
    refused: timedelta


class Relay:
    """The relay of one process."""

    def __init__(
        self,
        store: Store,
        send: Send,
        *,
        target_uri: str,
        relay_seconds: float,
        kept: Mapping[str, Terms],
        metrics: Metrics,
        log: Logger,
    ) -> None:
        """Bind to the database; `kept` says how long the bodies of an endpoint are kept."""
        self._store = store
        self._send = send
        self._target_uri = target_uri
        self._relay_seconds = relay_seconds
        self._kept = kept
        self._beyond = dict.fromkeys(kept, _REFUSED_DUE)  # how far past the term to look next
        self._relayed = metrics.counter("esito_intake_relayed_total")
        self._removed = metrics.counter("esito_intake_removed_total")
        self._log = log

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            pause = self._relay_seconds / _LOOKS_A_TERM
            tasks.create_task(self._often(self.relay, pause))
            tasks.create_task(self._often(self.remove, _REMOVE_EVERY_SECONDS))

    async def relay(self) -> int:
        """Send a batch of what has been reserved for too long; return how many there were.

        Raises:
            Unavailable: database or Kafka are away.
        """
        return await self._relay(
            """WHERE state = 'reserved' AND reserved_at < now() - $1::interval
            ORDER BY reserved_at LIMIT $2 FOR UPDATE SKIP LOCKED""",
            timedelta(seconds=self._relay_seconds),
            _BATCH_REQUESTS_MAX,
        )

    async def relay_one(self, endpoint: str, body: str, identifier: str) -> None:
        """Send one request that is still reserved, unless somebody else is at it.

        Raises:
            Unavailable: database or Kafka are away.
        """
        await self._relay(
            """WHERE endpoint = $1 AND body = $2 AND id = $3 AND state = 'reserved'
            FOR UPDATE SKIP LOCKED""",
            endpoint,
            body,
            identifier,
        )

    async def remove(self) -> int:
        """Remove a batch of bodies whose time is over; return how many there were.

        Raises:
            Unavailable: the database is away.
        """
        removed = 0
        for endpoint, terms in self._kept.items():
            removed += await self._forget(
                "r.received_at < now() - $2::interval", endpoint, terms.shown
            )
            removed += await self._forget_refused(endpoint, terms.refused)
            beyond = self._beyond[endpoint]
            older = await self._forget_refused(endpoint, terms.refused + beyond)
            if older < _REMOVED_AT_ONCE:
                beyond += _REFUSED_DUE
                is_last = terms.refused + beyond >= terms.shown
                self._beyond[endpoint] = _REFUSED_DUE if is_last else beyond
            removed += older
        self._removed.inc(removed)
        return removed

    async def _forget_refused(self, endpoint: str, age: timedelta) -> int:
        return await self._forget(
            """r.received_at < now() - $2::interval
            AND r.received_at >= now() - $2::interval - $4::interval AND EXISTS (
            SELECT FROM streams.current_transactions t WHERE t.endpoint = r.endpoint
            AND t.transaction_id = r.id AND t.native_status = 'REFUSED')""",
            endpoint,
            age,
            _REFUSED_DUE,
        )

    async def _forget(self, due: str, endpoint: str, *terms: timedelta) -> int:
        """Remove a batch of the bodies that are due; return how many there were."""
        first, *more = terms
        async with self._store.connection() as connection:
            tag = await connection.execute(
                f"""UPDATE intake.requests SET content = NULL WHERE (endpoint, body, id) IN (
                SELECT endpoint, body, id FROM intake.requests r WHERE content IS NOT NULL
                AND state = 'sent' AND endpoint = $1 AND {due} LIMIT $3)""",  # noqa: S608 - words of ours
                endpoint,
                first,
                _REMOVED_AT_ONCE,
                *more,
            )
        return int(tag.rpartition(" ")[2])

    async def _relay(self, condition: str, *arguments: object) -> int:
        async with self._store.connection() as connection, connection.transaction():
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM intake.requests {condition}",  # noqa: S608 - words of ours
                *arguments,
            )
            if not rows:
                return 0
            batch = [self._reservation(row) for row in rows]
            await self._send([one.raw() for one in batch])
            await mark_sent(connection, batch)
        self._relayed.inc(len(batch))
        self._log.info(LogEvent.REQUESTS_RELAYED, count=len(batch))
        return len(batch)

    async def _often(self, step: Callable[[], Awaitable[int]], pause: float) -> None:
        while True:
            rest = pause
            try:
                rest = 0 if await step() else pause
            except Unavailable:  # store and topic have said so
                rest = min(pause, _RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - the next turn may be able to
                self._log.error(
                    LogEvent.CALLBACK_FAILED, exception=type(error).__name__, stack=own_stack(error)
                )
            await asyncio.sleep(rest)

    def _reservation(self, row: Row) -> Reservation:
        return Reservation(
            id=row["id"],
            endpoint=row["endpoint"],
            body=row["body"],
            group=row["group_name"],
            callback_id=row["callback_id"],
            received_at=instant(row["received_at"]),
            target_uri=self._target_uri,
            principal=row["principal"],
            traceparent=row["traceparent"],
            content=row["content"],
        )
