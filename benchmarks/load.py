"""Load one HTTP endpoint in a closed loop: each connection has one request under way."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

Request = Callable[[], bytes]
_END = b"\r\n\r\n"


@dataclass(slots=True)
class Load:
    """What a round of load saw: answers by status, and the latency of each in seconds."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Return how many requests were answered 200 or 202."""
        return self.statuses.get(200, 0) + self.statuses.get(202, 0)

    def percentile(self, share: float) -> float:
        """Return the latency in milliseconds that `share` of the requests stayed under."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


class _Caller(asyncio.Protocol):
    """One connection: sends the next request when the last is answered, until told to stop."""

    def __init__(self, request: Request, load: Load, until: float) -> None:
        self._request = request
        self._load = load
        self._until = until
        self._sent = 0.0
        self._buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but type
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(_END)
        if not end:
            return
        length = _content_length(head)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        status = int(head[9:12])
        self._load.statuses[status] = self._load.statuses.get(status, 0) + 1
        now = time.perf_counter()
        self._load.latencies.append(now - self._sent)
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        request = self._request()
        self._sent = time.perf_counter()
        self._transport.write(request)


async def apply_load(
    host: str, port: int, request: bytes | Request, *, connections: int, seconds: float
) -> Load:
    """Return what `connections` connections saw in `seconds` of sending `request`.

    Where each request must be another, `request` is a function that makes the next one.
    """
    load = Load()
    following: Request = (lambda: request) if isinstance(request, bytes) else request
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    callers = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: _Caller(following, load, began + seconds), host, port
        )
        callers.append(caller)
    await asyncio.gather(*(caller.done for caller in callers))
    load.seconds = time.perf_counter() - began
    return load


def post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return one HTTP/1.1 request as bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + _END + body


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
