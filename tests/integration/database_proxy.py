"""Stand between a process and its database, to take the database away while the process runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit, urlunsplit

from runtime.service_configuration import Database

_READ_BYTES = 65_536
_PORT = 5432


class DatabaseProxy:
    """A TCP port that leads to a database; it can be cut (connections end) or frozen (silence)."""

    def __init__(self, database: Database) -> None:
        """Lead to the database of this section."""
        self._database = database
        self._listener: asyncio.Server | None = None
        self._port = 0
        self._ways: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def database(self) -> Database:
        """Return the section that leads through here."""
        parts = urlsplit(self._database.url)
        netloc = f"esito@127.0.0.1:{self._port}"
        return self._database.model_copy(
            update={"url": urlunsplit(parts._replace(netloc=netloc, query=""))}
        )

    async def open(self) -> None:
        """Take connections, on the same port as before."""
        listener = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = listener.sockets[0].getsockname()[1]
        self._listener = listener

    async def cut(self) -> None:
        """End all connections and take no more."""
        if self._listener is not None:
            self._listener.close()
            for writer in self._ways:
                writer.transport.abort()
            await self._listener.wait_closed()

    def freeze(self) -> None:
        """Let no byte through any more; connections stay."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let everything through again."""
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await self._connected()
        self._ways |= {writer, back}
        try:
            await asyncio.gather(self._copied(reader, back), self._copied(there, writer))
        finally:
            self._ways -= {writer, back}

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._database.url)
        directory = parse_qs(parts.query).get("host")
        if directory:
            return await asyncio.open_unix_connection(f"{directory[0]}/.s.PGSQL.{_PORT}")
        return await asyncio.open_connection(parts.hostname, parts.port or _PORT)

    async def _copied(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_READ_BYTES):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def database_proxy(database: Database) -> AsyncIterator[DatabaseProxy]:
    """Give an open proxy; cut it."""
    proxy = DatabaseProxy(database)
    await proxy.open()
    try:
        yield proxy
    finally:
        proxy.thaw()
        await proxy.cut()
