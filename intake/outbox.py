"""Bring requests into the database and into Kafka, all that wait in one batch of each.

1. reserve: keys and request, in one database transaction
2. send: Kafka confirms the raw records
3. mark: the database knows that it did
4. only now each caller hears 202

A few batches are under way at a time. Whatever dies between 1 and 3 leaves a request `reserved`,
which the relay of any process sends (intake/relay.py). Two requests with a key in common are never
in one batch: the second one finds the first one's reservation.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from prometheus_client import Histogram

from contracts.errors import Unavailable
from intake.raw_topic import RawTopic
from intake.reservations import Outcome, Reservation, Reserved, mark_sent, reserve
from intake.store import Store
from runtime.failpoint import Failpoint
from runtime.telemetry import Failures, Logger

# At 6 kB a request, 1.5 MB: two batches of Kafka.
BATCH_REQUESTS_MAX: Final = 256
# One in the database, one in Kafka, one being filled.
_LANES: Final = 3
_TELLS = tuple[Reservation, "asyncio.Future[Outcome]"]


@dataclass(frozen=True, slots=True)
class Way:
    """Where an endpoint's requests go: the same database, a raw topic."""

    store: Store
    raw: RawTopic

    @property
    def ready(self) -> bool:
        """Tell whether both answer in time."""
        return self.store.ready and self.raw.ready


class Outbox:
    """The requests that wait, and the batches that are under way."""

    def __init__(self, way: Way, *, seconds: Histogram, log: Logger, failpoint: Failpoint) -> None:
        """Begin with nothing under way; `seconds` is a metric."""
        self._way = way
        self._seconds = seconds
        self._failures = Failures(log)
        self._failpoint = failpoint
        self._waiting: dict[str, _TELLS] = {}
        self._lanes: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> bool:
        """Tell whether a request put in now has a prospect of an answer."""
        return self._way.ready

    @contextmanager
    def put(self, reservation: Reservation) -> Iterator["asyncio.Future[Outcome]"]:
        """Add a request; the future says what became of it, or fails with Unavailable.

        When the block ends, a request that is still waiting is withdrawn.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting[reservation.id] = reservation, outcome
        self._pump()
        try:
            yield outcome
        finally:
            self._waiting.pop(reservation.id, None)

    async def stop(self) -> None:
        """End what is under way; its requests are in the database, or were never taken."""
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)

    def _pump(self) -> None:
        if self._waiting and len(self._lanes) < _LANES:
            lane = asyncio.create_task(self._carry())
            self._lanes.add(lane)
            lane.add_done_callback(self._ended)

    def _ended(self, lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        self._pump()

    async def _carry(self) -> None:
        """Take a batch along all its way, and tell each caller."""
        await asyncio.sleep(0)  # whoever calls in this turn of the loop is taken along
        batch = self._batch()
        begun = asyncio.get_running_loop().time()
        try:
            outcomes = await self._reserve([one for one, _ in batch])
            reserved = []
            for (one, future), outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, Reserved):
                    reserved.append((one, future))
                else:
                    _tell(future, outcome)
            if reserved:
                await self._send([one for one, _ in reserved])
                self._seconds.observe(asyncio.get_running_loop().time() - begun)
            for _, future in reserved:
                _tell(future, Reserved())
        except Unavailable as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - its callers must hear, and the next batch go on
            self._failures.tell(error)
            _fail(batch, Unavailable("unforeseen"))
        finally:
            _fail(batch, Unavailable("stopped"))

    def _batch(self) -> list[_TELLS]:
        """Take out those that wait longest and have no key in common."""
        batch: list[_TELLS] = []
        keys: set[bytes] = set()
        for one, future in self._waiting.values():
            own = {key.digest for key in one.keys}
            if keys.isdisjoint(own):
                batch.append((one, future))
                keys |= own
                if len(batch) == BATCH_REQUESTS_MAX:
                    break
        for one, _ in batch:
            del self._waiting[one.id]
        return batch

    async def _reserve(self, batch: Sequence[Reservation]) -> list[Outcome]:
        if not batch:
            return []
        async with self._way.store.connection() as connection, connection.transaction():
            outcomes = await reserve(connection, batch)
        self._failpoint("reserved")
        return outcomes

    async def _send(self, batch: Sequence[Reservation]) -> None:
        await self._way.raw.send([one.raw() for one in batch])
        self._failpoint("produced")
        async with self._way.store.connection() as connection:
            await mark_sent(connection, batch)
        self._failpoint("marked")


def _tell(future: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)


def _fail(batch: Sequence[_TELLS], error: Unavailable) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
            future.exception()  # a caller who has gone asks no more
