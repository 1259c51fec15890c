"""The server of readers: a connection whose caller reads nothing is given up by the kernel."""

import asyncio
import socket

import aiohttp
import structlog
from aiohttp import web
from structlog.testing import capture_logs

from runtime.service_configuration import Streams
from streams.server import serve


async def unread_milliseconds(request: web.Request) -> web.Response:
    assert request.transport is not None
    accepted = request.transport.get_extra_info("socket")
    return web.json_response(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))


async def test_connections_of_readers_who_read_nothing_end() -> None:
    stop = asyncio.Event()
    with capture_logs() as logs:
        serving = asyncio.create_task(
            serve(
                [web.get("/", unread_milliseconds)],
                Streams(port=0),
                stop=stop,
                wake_all=lambda: None,
                log=structlog.get_logger(),
            )
        )
        async with asyncio.timeout(60):
            while not logs:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0)
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{logs[0]['address']}/") as answer,
        ):
            found = await answer.json()
        stop.set()
        await serving

    assert found == 20_000
