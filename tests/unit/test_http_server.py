"""What one connection may take: of a head, and of all unfinished heads of a process together."""

import asyncio
import gzip
from typing import Final

import pytest
from aiohttp import web

from runtime.http_server import HEAD_BYTES_MAX, Connection, Limits, Server
from tests.transport import Transport

LINE: Final = b"GET / HTTP/1.1\r\nhost: x\r\n"
LARGE: Final = LINE + b"".join(b"x-%d: %s\r\n" % (n, b"a" * 16_000) for n in range(8))


class Rig:
    """A server that answers each body, and counts the heads that were too large."""

    def __init__(self, *, heads_bytes_max: int = 1_000_000) -> None:
        self.too_large = 0
        self.bodies: list[bytes] = []
        self._limits = Limits(host="", port=0, connections_max=100, heads_bytes_max=heads_bytes_max)
        self.server = Server(
            self._handle,
            limits=self._limits,
            malformed=lambda: web.Response(status=400),
            head_too_large=self._count,
        )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.bodies.append(await request.read())
        return web.Response()

    def _count(self) -> None:
        self.too_large += 1

    async def accept(self) -> tuple[Connection, Transport]:
        """Open a connection."""
        transport = Transport()
        connection = self.server()
        assert isinstance(connection, Connection)
        transport.protocol = connection
        connection.connection_made(transport)
        await turns()
        return connection, transport


async def turns() -> None:
    """Let the event loop do what it has to do."""
    for _ in range(5_000):
        await asyncio.sleep(0)


@pytest.mark.parametrize("before", [b"", LINE + b"\r\n", (LINE + b"\r\n") * 500])
async def test_large_head_that_comes_in_one_read_is_broken_off(before: bytes) -> None:
    """A busy process reads 256 KiB at once; it parsed a head of 120 kB and answered it."""
    rig = Rig()
    connection, transport = await rig.accept()

    connection.data_received(before + LARGE + b"\r\n")
    await turns()

    assert transport.closed
    assert transport.written.count(b" 200 OK") <= before.count(LINE)
    assert rig.too_large == 1
    assert rig.server.head_bytes == 0


async def test_large_head_that_comes_with_the_end_of_a_body_is_broken_off() -> None:
    rig = Rig()
    connection, transport = await rig.accept()
    connection.data_received(LINE + b"content-length: 4\r\n\r\nab")
    await turns()

    connection.data_received(b"cd" + LARGE)

    assert (transport.closed, rig.too_large) == (True, 1)


async def test_requests_and_bodies_of_one_large_read_are_all_answered() -> None:
    rig = Rig()
    connection, transport = await rig.accept()
    body = b"b" * 100_000
    whole = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n" + body

    connection.data_received((LINE + b"\r\n") * 800 + whole * 2)
    await turns()

    assert transport.written.count(b" 200 OK") == 802
    assert rig.bodies[-2:] == [body, body]
    assert not transport.closed
    assert rig.server.head_bytes == 0


async def test_unfinished_heads_together_have_a_bound() -> None:
    rig = Rig(heads_bytes_max=100_000)
    connections = [await rig.accept() for _ in range(5)]
    for connection, _ in connections:
        connection.data_received((LINE + b"a: " + b"b" * 9_000 + b"\r\nc: ").ljust(24_000, b"d"))

    assert [transport.closed for _, transport in connections] == [False] * 4 + [True]
    await turns()
    held = rig.server.head_bytes
    first, _ = connections[0]
    first.data_received(b"\r\n\r\n")
    connections[1][1].close()
    await turns()

    assert (held, rig.server.head_bytes) == (96_000, 48_000)
    assert rig.too_large == 1


async def test_head_in_one_read_is_answered_though_others_fill_the_room() -> None:
    rig = Rig(heads_bytes_max=60_000)
    filling, _ = await rig.accept()
    filling.data_received(LARGE[:59_990])
    connection, transport = await rig.accept()

    connection.data_received(LINE + b"\r\n")
    await turns()

    assert transport.written.startswith(b"HTTP/1.1 200 OK")


async def test_compressed_body_stays_as_it_came() -> None:
    rig = Rig()
    connection, _ = await rig.accept()
    body = gzip.compress(bytes(HEAD_BYTES_MAX))
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\n"

    connection.data_received(head + b"content-length: %d\r\n\r\n" % len(body) + body)
    await turns()

    assert rig.bodies == [body]


async def test_what_follows_a_declined_upgrade_is_served_too() -> None:
    rig = Rig()
    connection, transport = await rig.accept()
    upgrade = b"connection: upgrade\r\nupgrade: websocket\r\n\r\n"

    connection.data_received(LINE + upgrade + LINE + b"\r\n")
    await turns()
    connection.data_received(LINE)
    connection.data_received(b"\r\n")
    await turns()

    assert transport.written.count(b" 200 OK") == 3
