"""Serve HTTP with aiohttp's low-level server and bounds of our own: connections, heads, time.

Low-level because no router and no middleware is needed, which is a tenth less CPU per request, and
because every error answer is then ours.
"""

import asyncio
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import StreamReader, web
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE, RequestHandler

from contracts.errors import Broken

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Malformed = Callable[[], web.StreamResponse]

# The name of the software, without its version: the library's default tells both.
SERVER: Final = {"Server": "esito"}
# nginx takes four times 8 KiB; without a limit 128 fields of 8 KiB each would be 1 MiB a caller.
HEAD_BYTES_MAX: Final = 65_536
# So much of a large read is parsed at once while it may be a head: a read can have 256 KiB.
_HEAD_PIECE_BYTES: Final = 16_384
# Connections wait in the kernel while the process is busy: half a second of them at full speed.
_BACKLOG: Final = 1_024
# A refused body is read and thrown away for so long, else the answer could be lost in a reset.
_LINGER_SECONDS: Final = 2.0
_HANDSHAKE_SECONDS: Final = 10.0
# A caller who sends and never reads would keep its connection for ever.
_UNREAD_MILLISECONDS: Final = 20_000
_FINISH_SECONDS: Final = 0.02  # how often a stopping process looks for connections to close
_OTHER_FILES: Final = 512  # Kafka, database, object store, the management port, secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a server listens, and what one caller may take of it.

    `idle_seconds` is the time for a head to arrive and between requests, above a load balancer's.
    """

    host: str
    port: int
    connections_max: int
    headers_max: int = 64
    idle_seconds: float = 75
    field_bytes_max: int = 16_384
    # 8 KiB, an honest head, of each of 4,096 connections; they take 75 MiB of memory.
    heads_bytes_max: int = 33_554_432


class Server(web.Server):
    """aiohttp's server with bounds on connections and on unfinished heads together.

    Each connection is a `Connection`; `head_bytes` are those of all unfinished heads.
    """

    def __init__(
        self,
        handle: Handle,
        *,
        limits: Limits,
        malformed: Malformed,
        head_too_large: Callable[[], object] | None = None,
    ) -> None:
        """Serve every request by `handle`; what is no HTTP is answered by `malformed`.

        A head of too many bytes is told to `head_too_large`, else to `malformed`; nothing answers.
        """
        super().__init__(handle)
        self._limits = limits
        self.malformed = malformed
        self.head_too_large = head_too_large or malformed
        self.head_bytes = 0
        self._finishing = False

    @property
    def is_closed(self) -> bool:
        """Tell whether a new connection is one too many."""
        return self._finishing or len(self._connections) > self._limits.connections_max

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        return Connection(self, self._limits)

    async def finish(self, *, end: float) -> None:
        """Close each connection once nothing is under way on it, and all that are left at `end`.

        aiohttp's own shutdown is not used: it tells a connection once to close, so one that was
        accepted in the same moment begins to wait for a request afterwards, and is waited for to
        the end; and what still comes of a body under way it throws away.
        """
        loop = asyncio.get_running_loop()
        self._finishing = True
        while True:
            connections = [one for one in self._connections if isinstance(one, Connection)]
            for one in connections:
                one.close_if_idle()
            busy = [one for one in connections if one.is_busy]
            if not busy or loop.time() >= end:
                break
            await asyncio.sleep(_FINISH_SECONDS)
        for one in busy:
            one.break_off()
        # What was told to end does so before the process takes away what it stands on.
        await asyncio.sleep(0)


class Connection(RequestHandler):
    """One connection: bounds a head's bytes, and answers non-HTTP without the parser's words."""

    __slots__ = ("_body", "_head_bytes", "_heads_bytes_max", "_requests_seen", "_rest", "_server")

    def __init__(self, server: Server, limits: Limits) -> None:
        """Begin with an empty head."""
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # as aiohttp itself does for "no log"
            # Also the time for a head: a connection without a whole head is idle to aiohttp.
            keepalive_timeout=limits.idle_seconds,
            max_headers=limits.headers_max,
            max_field_size=limits.field_bytes_max,
            lingering_time=_LINGER_SECONDS,
            auto_decompress=False,
        )
        self._server = server
        self._body: StreamReader = EMPTY_PAYLOAD
        self._head_bytes = 0
        self._heads_bytes_max = limits.heads_bytes_max
        self._requests_seen = 0
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or break it off at once when it is one too many."""
        super().connection_made(transport)
        if self._server.is_closed:
            self.break_off()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the head that will never be whole."""
        self._count_head(0)
        self._rest = b""
        super().connection_lost(exc)

    @property
    def is_busy(self) -> bool:
        """Tell whether a request is being handled, or the rest of a refused one thrown away."""
        serving = self._task_handler is not None and not self._force_close
        return serving or self._request_in_progress

    def close_if_idle(self) -> None:
        """Close the connection if it waits for a request, or for the rest of one's head."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            self.force_close()

    def break_off(self) -> None:
        """End the connection and what is under way on it."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
        if self._task_handler is not None:
            self._task_handler.cancel()
        self.force_close()

    def data_received(self, data: bytes) -> None:
        """Parse what came; give up on a head that is larger than any honest one."""
        if self._rest:
            data, self._rest = self._rest + data, b""
            self._parse(b"")  # what the parser has kept comes first
        while len(data) > _HEAD_PIECE_BYTES and self._body.is_eof() and not self._force_close:
            if len(self._messages) >= MAX_MSG_QUEUE_SIZE:
                self._rest = data  # until aiohttp, which reads no more now, has made room
                return
            self._parse(data[:_HEAD_PIECE_BYTES])
            data = data[_HEAD_PIECE_BYTES:]
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        body, body_bytes = self._body, self._body.total_bytes
        in_body = not body.is_eof()
        super().data_received(data)
        if self._request_count != self._requests_seen:
            self._requests_seen = self._request_count
            if self._messages:  # one that came after a declined upgrade was taken out already
                self._body = self._messages[-1][1]
            self._count_head(0)
        elif not in_body:
            # No request came out of it, and it is no body: it belongs to an unfinished head.
            self._count_head(self._head_bytes + len(data))
        elif body.is_eof():
            beyond = len(data) - (body.total_bytes - body_bytes)
            if beyond > _HEAD_PIECE_BYTES:  # less may be the framing of its chunks
                self._count_head(beyond)

    def _count_head(self, size: int) -> None:
        """Keep count of the unfinished head, and break off where there is too much of it."""
        server, transport = self._server, self.transport
        server.head_bytes += size - self._head_bytes
        self._head_bytes = size
        too_large = size > HEAD_BYTES_MAX or (size and server.head_bytes > self._heads_bytes_max)
        if too_large and transport is not None:
            server.head_too_large()
            # An answer would be lost: more is on its way, and closing then resets the connection.
            self.force_close()
            transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP; neither the answer nor the log quotes it."""
        del status, exc, message
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        answer = self._server.malformed()
        answer.force_close()
        return answer


async def listen(
    server: Server,
    limits: Limits,
    *,
    name: str,
    tls: ssl.SSLContext | None = None,
    reuse_port: bool = False,
) -> asyncio.Server:
    """Return the open listener of the process `name`, which is also its section's.

    Its connections break off when their callers read nothing.

    Raises:
        Broken: the port is taken.
    """
    try:
        listener = await asyncio.get_running_loop().create_server(
            server,
            limits.host,
            limits.port,
            ssl=tls,
            # Without it a caller who connects and never begins TLS is counted nowhere for a minute.
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if tls else None,
            reuse_port=reuse_port or None,
            backlog=_BACKLOG,
        )
    except OSError as error:
        raise Broken(f"{name} port {limits.host}:{limits.port}: {error.strerror}") from None
    for one in listener.sockets:
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MILLISECONDS)
    return listener


def allow_files(connections: int) -> None:
    """Raise the process's limit of open files, often 1,024, to what its connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
