"""Callers that send one callback after another, and remember which were acknowledged."""

import asyncio
import secrets
from collections import Counter

from tests.faults.processes import until
from tests.integration.callers import call, request

GONE = 0  # stands for "no answer" among the statuses


class Load:
    """So many callers at a time, each on a new connection for every callback."""

    def __init__(self, port: int, *, connections: int) -> None:
        """Begin at once."""
        self.acknowledged: set[bytes] = set()
        self.statuses: Counter[int] = Counter()
        self._port = port
        self._callers = [asyncio.create_task(self._call_on()) for _ in range(connections)]

    async def has_acknowledged(self, count: int) -> None:
        """Wait until so many callbacks were answered 200."""
        await until(lambda: len(self.acknowledged) >= count, f"{count} callbacks acknowledged")

    async def has_seen(self, status: int, *, times: int) -> None:
        """Wait until so many answers have this status."""
        await until(lambda: self.statuses[status] >= times, f"{times} times {status}")

    async def stop(self) -> None:
        """Send no more."""
        for caller in self._callers:
            caller.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)

    async def _call_on(self) -> None:
        while True:
            body = f'{{"marker":"{secrets.token_hex(8)}"}}'.encode()
            try:
                answer = await call(self._port, request(body=body))
            except (OSError, asyncio.IncompleteReadError):
                self.statuses[GONE] += 1
                return
            self.statuses[answer.status] += 1
            if answer.status == 200:
                self.acknowledged.add(body)
