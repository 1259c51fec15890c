"""The server of readers: who reads nothing is given up, who waits is answered at the end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import structlog
from aiohttp import web
from structlog.testing import capture_logs

from runtime.service_configuration import Streams
from streams.exchange import read_body
from streams.refused import Refused
from streams.server import serve
from tests.integration.callers import connected


async def unread_milliseconds(request: web.Request) -> web.Response:
    assert request.transport is not None
    accepted = request.transport.get_extra_info("socket")
    return web.json_response(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))


@asynccontextmanager
async def serving(
    route: web.RouteDef, stop: asyncio.Event, wake_all: Callable[[], None] = lambda: None
) -> AsyncIterator[str]:
    """Give the URL of a server with one route, until `stop`."""
    with capture_logs() as logs:
        log = structlog.get_logger()
        settings = Streams(port=0)
        task = asyncio.create_task(serve([route], settings, stop=stop, wake_all=wake_all, log=log))
        async with asyncio.timeout(60):
            while not logs:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0)
        yield f"http://{logs[0]['address']}/"
        stop.set()
        async with asyncio.timeout(settings.grace_seconds / 2):
            await task


async def test_connections_of_readers_who_read_nothing_end() -> None:
    async with (
        aiohttp.ClientSession() as session,
        serving(web.get("/", unread_milliseconds), asyncio.Event()) as url,
        session.get(url) as answer,
    ):
        found = await answer.json()

    assert found == 20_000


async def test_reader_who_waits_is_answered_when_the_process_stops() -> None:
    stop, waits, woken = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        waits.set()
        await woken.wait()
        return web.Response(text="woken")

    async with (
        aiohttp.ClientSession() as session,
        serving(web.get("/", wait), stop, woken.set) as url,
    ):
        asked = asyncio.create_task(session.get(url))
        await waits.wait()
        stop.set()
        async with await asked as answer:
            found = await answer.text()

    assert found == "woken"


async def test_handler_of_a_reader_who_has_gone_ends() -> None:
    waits, ended = asyncio.Event(), asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return web.Response()

    async with (
        aiohttp.ClientSession() as session,
        serving(web.get("/", wait), asyncio.Event()) as url,
    ):
        asked = asyncio.create_task(session.get(url))
        await waits.wait()
        asked.cancel()
        async with asyncio.timeout(60):
            await ended.wait()


async def test_body_that_does_not_come_is_answered_408_and_the_connection_closed() -> None:
    async def take(request: web.Request) -> web.Response:
        try:
            await read_body(request, seconds=0.05)
        except Refused as refused:
            return web.Response(status=refused.status, headers=refused.headers)
        return web.Response()

    async with (
        serving(web.post("/", take), asyncio.Event()) as url,
        connected(int(url.rstrip("/").rpartition(":")[2])) as caller,
    ):
        caller.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n")
        answer = await caller.answer()
        rest = await caller.rest()

    assert (answer.status, answer.headers["connection"], rest) == (408, "close", b"")
