"""Answer our own API, /v1: streams and transactions for consumers who cannot read Kafka.

A page is read with `after=`, which acknowledges; with `wait=` an empty one waits for events. Who
accepts text/event-stream gets Server-Sent Events, and reconnects with Last-Event-ID.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID

from aiohttp import web

from contracts.errors import Unavailable
from contracts.update import TRANSACTION_ID_CHARACTERS_MAX
from runtime.http_server import SERVER
from runtime.service_configuration import Streams
from streams import consumer_shapes as shapes
from streams.exchange import (
    WAITED,
    Exchange,
    demand_unchanged,
    json_answer,
    json_text,
    not_found,
    read_body,
    stream_id,
)
from streams.readers import Reader
from streams.refused import INVALID, TOO_MANY, Fault, Refused
from streams.registry import Entry, Kept, Registry, TooManyStreams
from streams.wakeups import Wakeups

ROOT: Final = "/v1/streams"
_ONE: Final = ROOT + "/{stream_id}"
_TRANSACTION: Final = "/v1/transactions/{endpoint}/{transaction_id}"
_EVENT_STREAM: Final = "text/event-stream"
# Below the idle time-outs of usual proxies (60 s); the key is compared again as often.
_PING_SECONDS: Final = 15.0
# A wake-up may be lost with its connection: whoever waits looks again after so long.
LOOK_SECONDS: Final = 5.0
_HISTORY_EVENTS_MAX: Final = 1_000
_RETRY_SECONDS: Final = 1


class ConsumerApi:
    """The operations of consumers."""

    def __init__(
        self,
        registry: Registry,
        settings: Streams,
        *,
        wakeups: Wakeups,
        stop: asyncio.Event,
        look_seconds: float,
    ) -> None:
        """Use the streams of `registry`; `stop` ends what waits."""
        self._registry = registry
        self._wait_seconds_max = settings.wait_seconds_max
        self._reader_waits_max = settings.reader_waits_max
        self._waits: Counter[str] = Counter()
        self._wakeups = wakeups
        self._stop = stop
        self._look_seconds = look_seconds
        self._exchange: Exchange | None = None

    def routes(self, exchange: Exchange) -> list[web.RouteDef]:
        """Return a route for each operation."""
        self._exchange = exchange
        handler = exchange.handler
        return [
            web.post(ROOT, handler("create", self.create)),
            web.get(ROOT, handler("list", self.list_all), allow_head=False),
            web.get(_ONE, handler("get", self.get), allow_head=False),
            web.put(_ONE, handler("change", self.change)),
            web.delete(_ONE, handler("delete", self.delete)),
            web.get(_ONE + "/events", handler("read", self.read), allow_head=False),
            web.get(_TRANSACTION, handler("transaction", self.transaction), allow_head=False),
            web.get(_TRANSACTION + "/history", handler("history", self.history), allow_head=False),
        ]

    async def create(self, request: web.Request, reader: Reader) -> web.Response:
        """Make a stream: it gets what is published from now on."""
        settings = shapes.read_request(await read_body(request), reader)
        try:
            made = await self._registry.create(reader, settings)
        except TooManyStreams:
            raise Refused(409, Fault(TOO_MANY, detail="delete a stream first")) from None
        return json_answer(shapes.told(made), status=201, Location=f"{ROOT}/{made.id}")

    async def list_all(self, request: web.Request, reader: Reader) -> web.Response:
        """Return the consumer's streams."""
        del request
        found = await self._registry.all_of(reader)
        return json_answer({"streams": [shapes.told(one) for one in found]})

    async def get(self, request: web.Request, reader: Reader) -> web.Response:
        """Return what a stream is."""
        return json_answer(shapes.told(await self._find(reader, stream_id(request))))

    async def change(self, request: web.Request, reader: Reader) -> web.Response:
        """Change what a stream gets from now on."""
        settings = shapes.read_request(await read_body(request), reader)
        stream = await self._find(reader, stream_id(request))
        changed = await self._registry.change(reader, stream, settings)
        return json_answer(shapes.told(demand_unchanged(changed)))

    async def delete(self, request: web.Request, reader: Reader) -> web.Response:
        """Delete a stream with all it holds."""
        if not await self._registry.delete(reader, stream_id(request)):
            raise not_found()
        return web.Response(status=204, headers=SERVER)

    async def read(self, request: web.Request, reader: Reader) -> web.StreamResponse:
        """Return a page, now or when there is one, or all that comes as Server-Sent Events."""
        stream = await self._find(reader, stream_id(request))
        if _EVENT_STREAM in request.headers.get("Accept", ""):
            after = shapes.read_number(request.headers.get("Last-Event-ID"), "Last-Event-ID")
            if after is None:
                after = shapes.read_number(request.query.get("after"), "after")
            with self._place(request, reader):
                return await self._send(request, reader, stream, after)
        after = shapes.read_number(request.query.get("after"), "after")
        limit = shapes.read_number(request.query.get("limit"), "limit")
        if limit is not None and not 1 <= limit <= self._registry.page_events:
            rule = f"1 to {self._registry.page_events}"
            raise Refused(400, Fault(INVALID, "limit", rule))
        wait = shapes.read_number(request.query.get("wait"), "wait") or 0
        seconds = min(float(wait), self._wait_seconds_max)
        if not wait:
            found = await self._page(reader, stream, after, seconds=seconds, limit=limit)
        else:
            with self._place(request, reader):
                found = await self._page(reader, stream, after, seconds=seconds, limit=limit)
        return json_text(shapes.page(found))

    async def transaction(self, request: web.Request, reader: Reader) -> web.Response:
        """Return the last event of a transaction."""
        found = await self._registry.current(reader, *_transaction(request))
        if found is None:
            raise _no_transaction()
        return json_text(found)

    async def history(self, request: web.Request, reader: Reader) -> web.Response:
        """Return the events of a transaction that are still kept, the oldest first."""
        key = _transaction(request)
        found = await self._registry.history(reader, *key, _HISTORY_EVENTS_MAX)
        if not found and await self._registry.current(reader, *key) is None:
            raise _no_transaction()
        return json_text(shapes.history(found))

    @contextmanager
    def _place(self, request: web.Request, reader: Reader) -> Iterator[None]:
        """Count a read that waits; each consumer has its share, so none shuts out the others.

        Raises:
            Refused: 429.
        """
        if self._waits[reader.owner] >= self._reader_waits_max:
            detail = "too many of your reads wait already"
            headers = {"Retry-After": str(_RETRY_SECONDS)}
            raise Refused(429, Fault(TOO_MANY, detail=detail), headers=headers)
        request[WAITED] = True
        self._waits[reader.owner] += 1
        try:
            yield
        finally:
            self._waits[reader.owner] -= 1

    async def _find(self, reader: Reader, identifier: UUID) -> Kept:
        stream = await self._registry.find(reader, identifier)
        if stream is None:
            raise not_found()
        return stream

    async def _page(
        self,
        reader: Reader,
        stream: Kept,
        after: int | None,
        *,
        seconds: float,
        beyond: int | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """Return a page; wait up to `seconds` for one that has events."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        with self._wakeups.listening(stream.id) as woken:
            while True:
                # Cleared before looking: what is committed after that sets it again.
                woken.clear()
                found = await self._registry.page(
                    reader, stream, acknowledge=after, beyond=beyond, count=limit
                )
                left = end - loop.time()
                if found or left <= 0 or self._stop.is_set():
                    return found
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, self._look_seconds)):
                        await woken.wait()

    async def _send(
        self, request: web.Request, reader: Reader, stream: Kept, after: int | None
    ) -> web.StreamResponse:
        """Send events as they come, until the reader goes, the key ends or the process stops.

        Acknowledged is what the reader said it has, in Last-Event-ID; never what was only sent.
        """
        response = web.StreamResponse(
            headers={**SERVER, "Content-Type": _EVENT_STREAM, "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        sent = after
        with suppress(Unavailable):  # the database went: its reader connects again
            while not self._stop.is_set() and self._still(request, reader):
                found = await self._page(reader, stream, after, seconds=_PING_SECONDS, beyond=sent)
                await response.write(b"".join(map(shapes.server_sent, found)) or b": ping\n\n")
                sent = found[-1].number if found else sent
        await response.write_eof()
        return response

    def _still(self, request: web.Request, reader: Reader) -> bool:
        """Tell whether the key that began it is valid still."""
        if self._exchange is None:
            return False
        try:
            return self._exchange.identify(request) == reader
        except Refused:
            return False


def _transaction(request: web.Request) -> tuple[str, str]:
    endpoint, identifier = request.match_info["endpoint"], request.match_info["transaction_id"]
    legal = identifier.isascii() and identifier.isprintable() and endpoint.isprintable()
    if not legal or len(identifier) > TRANSACTION_ID_CHARACTERS_MAX:
        raise _no_transaction()
    return endpoint, identifier


def _no_transaction() -> Refused:
    return Refused(404, Fault("", detail="no such transaction"))
