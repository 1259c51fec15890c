"""What is no HTTP: the streams answer a problem, and quote nothing of it, whatever it held."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from ops.local.running_installation import free_row
from runtime.configuration import Configuration
from runtime.service_configuration import Database
from runtime.telemetry import configure_logging
from streams.server import serve
from tests.integration.callers import connected
from tests.integration.streams import members

SECRET = b"a-key-of-nobody-4711"


async def _size_of(request: web.Request) -> web.Response:
    return web.json_response(len(await request.read()))


@asynccontextmanager
async def serving(configuration: Configuration) -> AsyncIterator[int]:
    """Give the port of a server that says how large the body of a request came."""
    stop, port = asyncio.Event(), configuration.streams.port
    log = configure_logging(configuration, process="test")
    task = asyncio.create_task(
        serve(
            [web.post("/", _size_of)],
            configuration.streams,
            stop=stop,
            wake_all=lambda: None,
            log=log,
        )
    )
    try:
        while not task.done():
            try:
                async with connected(port):
                    break
            except ConnectionError:
                await asyncio.sleep(0)
        yield port
    finally:
        stop.set()
        await task


@pytest.mark.parametrize(
    "data",
    [
        b"GE%T /" + SECRET + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/streams HTTP/1.1\r\nhost: x\r\nx-api-key : " + SECRET + b"\r\n\r\n",
        b"GET /v1/streams HTTP/1.1\r\nhost: x\r\ncontent-length: " + SECRET + b"\r\n\r\n",
        b"GET /v1/streams HTTP/1.1\r\nhost: x\r\nx-api-key: " + SECRET * 1_000 + b"\r\n\r\n",
    ],
)
async def test_malformed_request_is_a_problem_that_quotes_nothing(
    tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = members(tmp_path, Database(), port=free_row(1))
    configuration = Configuration.model_validate({**settings, "log_level": "info"})

    async with serving(configuration) as port, connected(port) as caller:
        caller.send(data)
        answer = await caller.answer()
        rest = await caller.rest()

    assert (answer.status, answer.is_problem, rest) == (400, True, b"")
    assert answer.headers["server"] == "esito"
    assert SECRET not in answer.body
    assert SECRET.decode() not in capsys.readouterr().out


async def test_unfinished_head_is_broken_off(tmp_path: Path) -> None:
    """1 MB of fields, each within its limit, and no end of the head."""
    configuration = Configuration.model_validate(members(tmp_path, Database(), port=free_row(1)))
    lines = b"".join(b"x-%d: %s\r\n" % (number, b"a" * 16_000) for number in range(62))

    async with serving(configuration) as port, connected(port) as caller:
        caller.send(b"GET /v1/streams HTTP/1.1\r\nhost: x\r\n" + lines)
        rest = await caller.rest()

    assert rest == b""


async def test_compressed_body_is_not_unpacked(tmp_path: Path) -> None:
    configuration = Configuration.model_validate(members(tmp_path, Database(), port=free_row(1)))
    body = gzip.compress(bytes(100_000))
    fields = b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)

    async with serving(configuration) as port, connected(port) as caller:
        caller.send(b"POST / HTTP/1.1\r\nhost: x\r\n" + fields + body)
        answer = await caller.answer()

    assert answer.body == str(len(body)).encode()
