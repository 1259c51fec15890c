"""Remove the files that nobody needs: never named by a request, of refused ones, kept long enough.

1. A file is looked at when it is older than `unused_days` and a day of grace. By then every request
   that could name it in time has its row in the database: the row is written before the request is
   answered, and the grace is longer than that and any difference between clocks.
2. The database says which files are needed; whatever it does not know the fate of is needed.
3. A file older than the database's own memory is left alone: a database that was lost must not take
   the files with it.
4. What killed uploads left half written goes after a day.

Several janitors at once do no harm: they remove the same files.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from contracts.errors import Broken, Unavailable
from intake.named_files import Term, forget_files, needed_files, noting_since
from runtime.database import Connection
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.notification_configuration import Attachments
from runtime.object_store import ObjectStore, StoredObject
from runtime.telemetry import Logger

GRACE: Final = timedelta(days=1)
EVERY_SECONDS: Final = 6 * 3_600.0
_DELETED_AT_ONCE: Final = 16
_DAY: Final = "%Y%m%d"

Progress = Callable[[int], None]
Connected = Callable[[], AbstractAsyncContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of the files of one endpoint that were old enough to be looked at.

    `unremembered` are older than the database; `half_written` are of the whole store.
    """

    endpoint: str
    looked_at: int = 0
    removed: int = 0
    removed_bytes: int = 0
    waiting: int = 0
    retained: int = 0
    unremembered: int = 0
    half_written: int = 0


@dataclass(frozen=True, slots=True)
class _Round:
    """One look at the files of one endpoint."""

    endpoint: str
    term: Term
    since: datetime
    counts: "Counter[str]"


class Janitor:
    """Prunes the files of a set of endpoints, by name."""

    def __init__(
        self, store: ObjectStore, connected: Connected, endpoints: Mapping[str, Attachments]
    ) -> None:
        """Bind the janitor to where files and requests are; `connected` lends a connection."""
        self._store = store
        self._connected = connected
        self._endpoints = endpoints

    async def prune(
        self, *, at: datetime, dry_run: bool = False, on_progress: Progress | None = None
    ) -> list[Pruned]:
        """Remove what nobody needs at `at`, or only count it; return a line for each endpoint.

        `on_progress` hears how many files of an endpoint were looked at.

        Raises:
            Unavailable: store or database does not answer; what was removed is removed.
        """
        async with self._connected() as connection:
            since = await noting_since(connection)
        half_written = 0 if dry_run else await self._store.remove_staged(before=at - GRACE)
        lines = []
        for endpoint, settings in self._endpoints.items():
            one = _Round(endpoint, Term.of(settings, at=at), since, Counter())
            async for body, page in self._old_pages(one):
                removable = await self._judged(one, body, page)
                if not dry_run:
                    await self._remove(removable)
                if on_progress is not None:
                    on_progress(one.counts["looked_at"])
            if not dry_run:
                async with self._connected() as connection:
                    await forget_files(connection, endpoint, one.term)
            lines.append(Pruned(endpoint, half_written=half_written, **one.counts))
        return lines

    async def _old_pages(self, one: _Round) -> AsyncIterator[tuple[str, list[StoredObject]]]:
        """Yield the files that are old enough, page by page, each with its public body."""
        before = one.term.unused_before - GRACE
        for body in await self._store.directories(one.endpoint):
            place = f"{one.endpoint}/{body}"
            for day in await self._store.directories(place):
                if _day(day) <= before.date():
                    async for page in self._store.pages(f"{place}/{day}"):
                        yield body, [file for file in page if file.modified_at < before]

    async def _judged(
        self, one: _Round, body: str, page: Sequence[StoredObject]
    ) -> list[StoredObject]:
        """Count a page of files, and return those that nobody needs."""
        files = {file.path.rpartition("/")[2]: file for file in page}
        remembered = [key for key, file in files.items() if file.modified_at >= one.since]
        async with self._connected() as connection:
            needed = await needed_files(connection, one.endpoint, body, remembered, one.term)
        removable = [files[key] for key in remembered if key not in needed]
        one.counts["looked_at"] += len(page)
        one.counts["unremembered"] += len(page) - len(remembered)
        one.counts["removed"] += len(removable)
        one.counts["removed_bytes"] += sum(file.bytes_total for file in removable)
        one.counts.update(needed.values())
        return removable

    async def _remove(self, files: Sequence[StoredObject]) -> None:
        for begin in range(0, len(files), _DELETED_AT_ONCE):
            some = files[begin : begin + _DELETED_AT_ONCE]
            await asyncio.gather(*(self._store.delete([one.path]) for one in some))


async def prune_often(
    janitor: Janitor, metrics: Metrics, log: Logger, *, every_seconds: float = EVERY_SECONDS
) -> None:
    """Prune again and again until cancelled; whatever goes wrong, requests are still taken."""
    rounds = {
        outcome: metrics.counter("esito_intake_janitor_rounds_total", outcome)
        for outcome in ("done", "missed")
    }
    while True:
        await asyncio.sleep(every_seconds)
        try:
            lines = await janitor.prune(at=datetime.now(UTC))
        except (Unavailable, Broken) as error:
            rounds["missed"].inc()
            log.warning(LogEvent.ATTACHMENTS_MISSED, reason=str(error))
            continue
        rounds["done"].inc()
        for one in lines:
            metrics.counter("esito_intake_pruned_files_total", one.endpoint).inc(one.removed)
            if one.removed:
                log.info(LogEvent.ATTACHMENTS_PRUNED, endpoint=one.endpoint, count=one.removed)


def _day(name: str) -> date:
    """Return the day that a directory is of; what has another name is never old enough."""
    try:
        return datetime.strptime(name, _DAY).replace(tzinfo=UTC).date()
    except ValueError:
        return date.max
