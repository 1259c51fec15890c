"""Go through a batch without keeping the event loop from heartbeats and /healthz."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final, Generic, Self, TypeVar

# A heartbeat and an answer of /healthz take a few turns each, and a session is 15 seconds. One
# record alone may take longer, half a second at the worst.
WORK_SECONDS_MAX: Final = 0.05

R_ = TypeVar("R_")


class InTurns(Generic[R_]):
    """Give the records of a batch one by one, and after some work the event loop its turn first."""

    def __init__(self, records: Iterable[R_]) -> None:
        """Count the time from here on."""
        self._records = iter(records)
        self._began = time.monotonic()

    def __aiter__(self) -> Self:
        """Return itself: a batch is gone through once."""
        return self

    async def __anext__(self) -> R_:
        """Return the next record."""
        if time.monotonic() - self._began > WORK_SECONDS_MAX:
            await asyncio.sleep(0)
            self._began = time.monotonic()
        for record in self._records:
            return record
        raise StopAsyncIteration
