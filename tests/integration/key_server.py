"""A real HTTPS server for key sets, that answers whatever bytes a test wants, well or badly."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trustme

from runtime.token_configuration import TokenIssuer
from tests.jose import issuer, jwk_members, jwks
from workers.verifier.jwks_source import JwksSource

OLD, NEW = jwk_members("ES256"), jwk_members("ES256", 2)
KEYS = jwks(OLD)
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def now() -> datetime:
    """Return the time by which keys are read and asked for."""
    return datetime.now(UTC)


def http(
    body: bytes, *, status: str = "200 OK", length: int | None = None, **headers: str
) -> bytes:
    """Return an answer; `length` is what it says of its length, -1 that it says nothing."""
    lines = [f"HTTP/1.1 {status}", "connection: close", "content-type: application/json"]
    if length != -1:
        lines.append(f"content-length: {len(body) if length is None else length}")
    lines += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(body: bytes) -> bytes:
    """Return an answer in one chunk, whose length nobody knows beforehand."""
    head = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    return head.encode() + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


class KeyServer:
    """Answers each request with `answer`, or as `act` does, and keeps the time of each."""

    def __init__(self) -> None:
        """Publish nothing."""
        self.answer = http(b"", status="404 Not Found")
        self.act: Answer | None = None
        self.requests: list[bytes] = []
        self.times: list[float] = []
        self.asked = asyncio.Event()
        self.port = 0
        self._server: asyncio.Server | None = None

    def publish(self, *keys: Mapping[str, Any]) -> None:
        """Answer with these keys from now on."""
        self.answer, self.act = http(jwks(*keys)), None

    async def open(self, tls: ssl.SSLContext) -> None:
        """Listen, on the same port as before where there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            self.times.append(asyncio.get_running_loop().time())
            self.asked.set()
            if self.act is None:
                writer.write(self.answer)
                await writer.drain()
            else:
                await self.act(reader, writer)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Answer nothing, until the caller goes away."""
    await reader.read()


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the beginning of a body, and then nothing."""
    writer.write(http(b'{"keys":', length=500))
    await reader.read()


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a byte every tenth of a second: never idle, never done."""
    writer.write(http(b"", length=60_000))
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer without end."""
    writer.write(http(b"", length=-1))
    while not writer.is_closing():
        writer.write(b" " * 65_536)
        await writer.drain()


class Installation:
    """A certificate authority, a key server, and issuers whose keys it serves."""

    def __init__(self, directory: Path) -> None:
        """Make a certificate for 127.0.0.1 and localhost."""
        authority = trustme.CA()
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self.tls)
        self.ca_file = directory / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self.server = KeyServer()
        self.outcomes: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    def issuer(self, **settings: Any) -> TokenIssuer:  # noqa: ANN401 - settings of any type
        """Return an issuer with short times, whose keys the server has."""
        given = {
            "jwks_uri": f"https://127.0.0.1:{self.server.port}/jwks.json",
            "jwks_ca_file": self.ca_file,
            "allow_private_addresses": True,
            "refresh_seconds": 30,
            "refresh_seconds_min": 0.05,
            "unknown_key_seconds": 30,
        }
        return issuer(**{**given, **settings})

    @asynccontextmanager
    async def reading(self, *issuers: TokenIssuer) -> AsyncIterator[JwksSource]:
        """Run a source of these issuers' keys."""

        def heard(_: str, outcome: str, keys: int) -> None:
            self.outcomes.put_nowait((outcome, keys))

        source = JwksSource(issuers, heard)
        running = asyncio.create_task(source.run())
        try:
            yield source
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            if not running.cancelled():
                running.result()

    async def outcome(self) -> tuple[str, int]:
        """Return how the next reading ended, and how many keys there were after it."""
        async with asyncio.timeout(20):
            return await self.outcomes.get()
