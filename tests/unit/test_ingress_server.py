"""A stopping server closes what waits at once, and waits for what is under way."""

import asyncio
import time
from typing import Final

import pytest
from aiohttp import web

from ingress.server import ingress_server
from runtime.configuration import Ingress
from runtime.http_server import Connection
from tests.transport import Transport

REQUEST: Final = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
GRACE_SECONDS: Final = 20.0
PROMPT_SECONDS_MAX: Final = 2.0


class Rig:
    """A server whose handler reads the body and then waits to be let go."""

    def __init__(self, **settings: int) -> None:
        self.go_on = asyncio.Event()
        self.bodies: list[bytes] = []
        self.server = ingress_server(
            self._handle, settings=Ingress(**settings), count_refusal=lambda _: None
        )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.bodies.append(await request.read())
        await self.go_on.wait()
        response = web.Response()
        response.force_close()
        return response

    def accept(self) -> tuple[Connection, Transport]:
        """Open a connection, as the event loop does."""
        transport = Transport()
        connection = self.server()
        assert isinstance(connection, Connection)
        transport.protocol = connection
        connection.connection_made(transport)
        return connection, transport

    async def finish_seconds(self, *, grace_seconds: float = GRACE_SECONDS) -> float:
        """Let the server finish; return how long it took."""
        began = time.monotonic()
        await self.server.finish(end=asyncio.get_running_loop().time() + grace_seconds)
        return time.monotonic() - began


async def turns(count: int = 20) -> None:
    """Let the event loop do what it has to do."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("begun", [b"", b"POST /a HT", REQUEST.removesuffix(b"\r\n")])
async def test_connection_without_a_whole_head_is_closed_at_once(begun: bytes) -> None:
    rig = Rig()
    connection, transport = rig.accept()
    await turns()
    connection.data_received(begun)

    seconds = await rig.finish_seconds()

    assert (transport.closed, transport.written) == (True, b"")
    assert seconds < PROMPT_SECONDS_MAX


@pytest.mark.parametrize("turn", range(6))
async def test_connection_accepted_while_stopping_holds_nobody_up(turn: int) -> None:
    """aiohttp's own shutdown waited its whole timeout for the one of the second turn."""
    rig = Rig()
    accepted: list[Transport] = []

    def accept(turns_left: int) -> None:
        if turns_left:
            asyncio.get_running_loop().call_soon(accept, turns_left - 1)
        else:
            accepted.append(rig.accept()[1])

    accept(turn)
    seconds = await rig.finish_seconds()
    await turns()

    assert [transport.closed for transport in accepted] == [True]
    assert seconds < PROMPT_SECONDS_MAX


async def test_body_under_way_is_taken_to_its_end_and_answered() -> None:
    rig = Rig()
    rig.go_on.set()
    connection, transport = rig.accept()
    await turns()
    connection.data_received(REQUEST + b"ab")
    await turns()

    finishing = asyncio.create_task(rig.finish_seconds())
    await turns()
    connection.data_received(b"cd")
    seconds = await finishing

    assert rig.bodies == [b"abcd"]
    assert transport.written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert transport.closed
    assert seconds < PROMPT_SECONDS_MAX


async def test_handler_in_flight_is_waited_for() -> None:
    rig = Rig()
    connection, transport = rig.accept()
    await turns()
    connection.data_received(REQUEST + b"abcd")
    await turns()

    finishing = asyncio.create_task(rig.finish_seconds())
    await turns()
    before = transport.closed
    rig.go_on.set()
    await finishing

    assert (before, transport.closed) == (False, True)
    assert transport.written.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_handler_whose_caller_has_gone_is_waited_for() -> None:
    """What it has handed to Kafka ends in order, though nobody hears of it."""
    rig = Rig()
    connection, transport = rig.accept()
    await turns()
    connection.data_received(REQUEST + b"abcd")
    await turns()
    transport.close()
    await turns()

    finishing = asyncio.create_task(rig.finish_seconds())
    await turns()
    before = finishing.done()
    rig.go_on.set()

    assert before is False
    assert await finishing < PROMPT_SECONDS_MAX


async def test_handler_that_does_not_end_is_broken_off_at_the_end() -> None:
    rig = Rig()
    connection, transport = rig.accept()
    await turns()
    connection.data_received(REQUEST + b"abcd")
    await turns()

    seconds = await rig.finish_seconds(grace_seconds=0.1)
    await turns()

    assert (transport.closed, transport.written) == (True, b"")
    assert 0.1 <= seconds < PROMPT_SECONDS_MAX
    assert not connection.is_busy


@pytest.mark.parametrize("first_ends", [True, False])
async def test_connection_too_many_is_broken_off(*, first_ends: bool) -> None:
    rig = Rig(connections_max=1)
    _, first = rig.accept()
    _, second = rig.accept()
    if first_ends:
        first.close()
    await turns()
    _, third = rig.accept()

    assert (second.closed, third.closed) == (True, not first_ends)
