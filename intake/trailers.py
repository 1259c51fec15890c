"""Keep the trailers of uploads, which aiohttp reads and drops.

https://github.com/aio-libs/aiohttp/issues/1652: its parser in C has no place for trailers; its
parser in Python reads them through a method that can be extended. So a connection changes to the
parser in Python when a request begins with `PUT /attachments/`. For a body with a Content-Length
the two cost the same; the head of a request costs 50 µs more.
"""

import asyncio
from collections import deque
from typing import Final

from aiohttp import StreamReader, web
from aiohttp.http_parser import HeadersParser, HttpRequestParserPy
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE, RequestHandler, RequestPayloadError
from multidict import CIMultiDictProxy

from runtime.http_server import Connection, Limits, Server

Trailers = CIMultiDictProxy[str]

_UPLOAD: Final = b"PUT /attachments/"
# What one upload holds while its last block is being written: up to twice this, and one read.
_READ_BYTES: Final = 65_536


class UploadServer(Server):
    """A server of which `trailers_of` can tell: for a process that takes uploads."""

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        return UploadConnection(self, self._limits)


class UploadConnection(Connection):
    """A connection that keeps the trailers of its last requests."""

    __slots__ = ("_held", "trailers")

    def __init__(self, server: Server, limits: Limits) -> None:
        """Begin with no request."""
        super().__init__(server, limits)
        self.trailers: deque[tuple[StreamReader, Trailers]] = deque(maxlen=MAX_MSG_QUEUE_SIZE)
        self._held = b""

    def data_received(self, data: bytes) -> None:
        """Parse what came, by the parser that the request needs."""
        if data and self._is_between_requests() and not isinstance(self._parser, _Parser):
            data, self._held = self._held + data, b""
            if len(data) < len(_UPLOAD) and _UPLOAD.startswith(data):
                self._held = data  # too little to tell; the rest is on its way
                return
            if data.startswith(_UPLOAD):
                self._parser = _Parser(self, self._loop)
        super().data_received(data)

    def _is_between_requests(self) -> bool:
        """Tell whether no request, nor the head or the body of one, is under way."""
        waiter = self._waiter
        waiting = self._request_count == 0 or (waiter is not None and not waiter.done())
        return waiting and not self._messages and not self._head_bytes


def trailers_of(request: web.BaseRequest) -> Trailers | None:
    """Return the trailers of a request whose body was read to its end; None: not known.

    They are known of a chunked body on a `UploadConnection`.
    """
    connection = request.protocol
    if isinstance(connection, UploadConnection):
        for content, trailers in connection.trailers:
            if content is request.content:
                return trailers
    return None


class _Parser(HttpRequestParserPy):
    """aiohttp's parser in Python, which hands over the trailers that it reads."""

    def __init__(self, connection: UploadConnection, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            connection,
            loop,
            _READ_BYTES,
            max_line_size=connection.max_line_size,
            max_field_size=connection.max_field_size,
            max_headers=connection.max_headers,
            payload_exception=RequestPayloadError,
            auto_decompress=False,
            max_msg_queue_size=MAX_MSG_QUEUE_SIZE,
        )
        self._headers_parser = _Fields(self, connection)


class _Fields(HeadersParser):
    """Reads the fields of heads and of trailers."""

    def __init__(self, parser: _Parser, connection: UploadConnection) -> None:
        super().__init__(
            connection.max_line_size, connection.max_headers, connection.max_field_size
        )
        self._parser = parser
        self._connection = connection

    def parse_headers(self, lines: list[bytes]) -> tuple[Trailers, tuple[tuple[bytes, bytes], ...]]:
        fields, raw = super().parse_headers(lines)
        body = self._parser._payload_parser  # noqa: SLF001 - its only witness: a body is being read
        if body is not None and isinstance(body.payload, StreamReader):
            self._connection.trailers.append((body.payload, fields))
        return fields, raw
