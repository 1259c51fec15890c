"""Speak HTTP byte by byte: what a provider, a broken proxy or an attacker may send."""

import asyncio
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

ANSWER_SECONDS_MAX: Final = 60.0
API_KEY: Final = b"an-api-key-of-the-integration-tests-01"
SECOND_API_KEY: Final = b"a-second-api-key-of-these-tests-0123456"
EXPECTATION_KEY: Final = b"a-key-of-our-own-side-in-these-tests-01"
SECRET: Final = b"a-secret-of-the-integration-tests-0123"
PIVOT: Final = "/callbacks/pivot"
CONSENT: Final = "/api/v1/consent/transaction/callback"

Text = str | bytes
Fields = Sequence[tuple[Text, Text]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_problem(self) -> bool:
        """Tell whether it is problem details that say no more than the status does."""
        return self.headers.get("content-type") == "application/problem+json" and set(
            json.loads(self.body)
        ) == {"type", "title", "status"}


class Caller:
    """One connection to the ingress."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take an open connection."""
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def flushed(self) -> None:
        """Wait until what was sent has left for the kernel, and let the other side see it."""
        with suppress(ConnectionError):
            await self._writer.drain()
        await asyncio.sleep(0)

    async def answer(self) -> Answer:
        """Return the next answer; fail when none comes."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.removesuffix("\r\n\r\n").split("\r\n")
            headers = dict(field.lower().split(": ", 1) for field in rest)
            size = int(headers.get("content-length", "0"))
            body = await self._reader.readexactly(size)
        return Answer(int(line.split(" ")[1]), headers, body)

    async def rest(self) -> bytes:
        """Return what still comes until the other side closes; fail when it never does."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def connected(port: int, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Caller]:
    """Give a connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        yield Caller(reader, writer)
    finally:
        writer.transport.abort()


async def call(port: int, data: bytes) -> Answer:
    """Send `data` on a connection of its own; return the first answer."""
    async with connected(port) as caller:
        caller.send(data)
        return await caller.answer()


def request(
    path: Text = PIVOT,
    *,
    method: Text = "POST",
    body: bytes = b"{}",
    key: Text | None = API_KEY,
    media_type: Text | None = "application/json",
    fields: Fields = (),
    length: int | None = -1,
) -> bytes:
    """Return a request; `length` is what Content-Length says.

    -1 stands for the truth, None for no such field.
    """
    head: list[tuple[Text, Text]] = [("Host", "callbacks.example.org"), *fields]
    if key is not None:
        head.append(("X-API-Key", key))
    if media_type is not None:
        head.append(("Content-Type", media_type))
    if length is not None:
        head.append(("Content-Length", str(len(body) if length == -1 else length)))
    lines = [_bytes(method) + b" " + _bytes(path) + b" HTTP/1.1"]
    lines += [_bytes(name) + b": " + _bytes(value) for name, value in head]
    return b"\r\n".join([*lines, b"", body])


def signed_request(
    body: bytes,
    *,
    path: Text = CONSENT,
    timestamp: str | None = None,
    secret: bytes = SECRET,
    fields: Fields = (),
) -> bytes:
    """Return a UAE PASS callback, signed as the tests' profile says."""
    timestamp = str(int(time.time())) if timestamp is None else timestamp
    signature = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    signed: Fields = [("X-Timestamp", timestamp), ("X-UAEPASS-Signature", signature)]
    return request(path, body=body, fields=[*signed, *fields])


def _bytes(text: Text) -> bytes:
    return text.encode() if isinstance(text, str) else text
