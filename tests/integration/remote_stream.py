"""A small stream server as SEND's sheet describes it, in the test's own process.

Events are kept until they are acknowledged by `lastEventId`; a page has fifty; whoever asks without
it is given the oldest that is left. `act`, where given, answers in its stead.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from tests.faults.processes import WAIT_SECONDS_MAX

PAGE_EVENTS: Final = 50
STREAM_ID: Final = "0196f3a0-0000-7000-8000-000000000000"
API_KEY: Final = "remote-key-of-these-tests-0123456789"
_PATH: Final = f"/delivery-progresses/v2.8/streams/{STREAM_ID}/events"

Act = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RemoteServer:
    """One stream; `asked` has the `lastEventId` of every reading, None for none."""

    def __init__(self) -> None:
        """Hold no event."""
        self.events: list[dict[str, Any]] = []
        self.asked: list[str | None] = []
        self.keys: list[str | None] = []
        self.retry_after_milliseconds = 50
        self.act: Act | None = None
        self.url = ""
        self._number = 0
        self._reading = asyncio.Condition()

    def add(self, request_id: str, category: str, status: str | None = None) -> None:
        """Put an element into the stream; its id is made of the notification's and the category."""
        self._number += 1
        event = {
            "eventId": f"{self._number:038}",
            "notificationRequestId": request_id,
            "element": {
                "elementId": f"{category}.{request_id}",
                "timestamp": f"2026-11-05T10:00:{self._number % 60:02}Z",
                "category": category,
            },
        }
        self.events.append(event if status is None else {**event, "newStatus": status})

    async def read_empty(self) -> None:
        """Wait until everything was read and acknowledged."""
        async with asyncio.timeout(WAIT_SECONDS_MAX), self._reading:
            await self._reading.wait_for(lambda: not self.events)

    async def read_times(self, count: int) -> None:
        """Wait until the stream was read `count` times."""
        async with asyncio.timeout(WAIT_SECONDS_MAX), self._reading:
            await self._reading.wait_for(lambda: len(self.asked) >= count)

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["RemoteServer"]:
        """Listen at `url` until the block ends."""
        application = web.Application()
        application.router.add_get(_PATH, self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        scheme = "https" if tls else "http"
        port = runner.addresses[0][1]
        self.url = f"{scheme}://127.0.0.1:{port}/delivery-progresses/v2.8"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        async with self._reading:
            last = request.query.get("lastEventId")
            self.asked.append(last)
            self.keys.append(request.headers.get("x-api-key"))
            if last is not None and self.act is None:
                self.events = [one for one in self.events if one["eventId"] > last]
            self._reading.notify_all()
        if self.act is not None:
            return await self.act(request)
        page = self.events[:PAGE_EVENTS]
        after = 0 if page else self.retry_after_milliseconds
        return web.Response(
            body=json.dumps(page).encode(),
            content_type="application/json",
            headers={"retry-after": str(after)},
        )
