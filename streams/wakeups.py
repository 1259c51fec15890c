"""Wake readers that wait: the database says which streams have got events, at the commit.

A wake-up is a hint. Whoever is woken looks again, and whoever waits looks again now and then.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID

from contracts.errors import Broken, Unavailable
from runtime.configuration import Configuration
from runtime.database import own_connection, translated_errors
from runtime.log_events import LogEvent
from runtime.telemetry import Logger
from streams.store import CHANNEL

_RETRY_SECONDS: Final = 1.0


class Wakeups:
    """The waiting readers of this process, by stream."""

    def __init__(self, configuration: Configuration, log: Logger) -> None:
        """Prepare; `run` listens."""
        self._configuration = configuration
        self._log = log
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)

    @property
    def count(self) -> int:
        """Return how many readers wait."""
        return sum(map(len, self._waiting.values()))

    @contextmanager
    def listening(self, stream: UUID) -> Iterator[asyncio.Event]:
        """Give an event that is set when the stream may have got something."""
        event = asyncio.Event()
        self._waiting[stream].add(event)
        try:
            yield event
        finally:
            self._waiting[stream].discard(event)
            if not self._waiting[stream]:
                del self._waiting[stream]

    def wake_all(self) -> None:
        """Let everybody look again: after a gap, and before the process ends."""
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def run(self) -> None:
        """Listen until cancelled, with a connection of its own; connect anew when it is lost."""
        while True:
            try:
                await self._listen()
            except (Unavailable, Broken) as error:
                self._log.warning(LogEvent.BATCH_DELAYED, reason=str(error))
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        lost = asyncio.Event()
        async with own_connection(self._configuration, application="esito-wakeups") as connection:
            connection.add_termination_listener(lambda _: lost.set())
            with translated_errors():
                await connection.add_listener(CHANNEL, self._heard)
            self.wake_all()
            await lost.wait()

    def _heard(self, connection: object, process: int, channel: str, payload: str) -> None:
        del connection, process, channel
        for text in payload.split(","):
            with suppress(ValueError):
                for event in self._waiting.get(UUID(text), ()):
                    event.set()
