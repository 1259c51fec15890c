"""Stand in for the socket of an HTTP connection: what was written, and whether it was closed."""

import asyncio
from collections.abc import Iterable

from runtime.http_server import Connection


class Transport(asyncio.Transport):
    """A connection without a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: Connection | None = None
        self.written = b""
        self.closed = False

    def close(self) -> None:
        if not self.closed and self.protocol:
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.written += b"".join(list_of_data)
