"""Serve preload and upload alone, on a port of their own, with a store and a clock to look into."""

import asyncio
import hashlib
import io
import json
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp import web

from contracts.send.problems import Invalid
from intake.preload import UPLOADS, EndpointSlots, Preload
from intake.problems import Problem, invalid, problem_answer
from intake.trailers import UploadServer
from intake.upload import Uploads
from runtime.endpoint_keys import KeyFile
from runtime.http_server import Limits, listen
from runtime.key_ring import Key, KeyRing
from runtime.metrics import Metrics
from runtime.notification_configuration import Attachments
from runtime.object_store import ObjectStore as Store
from runtime.service_configuration import Intake, ObjectStore

ENDPOINT = "send"
BODY = "comune-x"


@dataclass(slots=True)
class Clock:
    """The time, which a test may move."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **step: float) -> None:
        self.now += timedelta(**step)


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as a public body gets it, with the file that it is for."""

    key: str
    secret: str
    path: str
    content: bytes
    media_type: str

    def headers(self) -> dict[str, str]:
        """Return the headers of an honest upload without a checksum."""
        return {"content-type": self.media_type, "x-amz-meta-secret": self.secret}


@dataclass(slots=True)
class Site:
    """The running server and what is behind it."""

    port: int
    store: Store
    clock: Clock
    ring: KeyRing
    metrics: Metrics
    http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def preload(self, items: Any, body: str = BODY) -> tuple[int, Any]:  # noqa: ANN401 - any JSON
        data = items if isinstance(items, bytes) else json.dumps(items).encode()
        url = f"{self.url}/delivery/attachments/preload"
        async with self.http.post(url, data=data, headers={"x-body": body}) as answer:
            return answer.status, json.loads(await answer.read())

    async def slot(
        self, content: bytes, *, media_type: str = "application/pdf", body: str = BODY
    ) -> Slot:
        item = {"preloadIdx": "0", "contentType": media_type, "sha256": digest(content)}
        status, (given,) = await self.preload([item], body)
        assert status == 200
        return Slot(given["key"], given["secret"], urlsplit(given["url"]).path, content, media_type)

    async def put(
        self,
        slot: Slot,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, str], str]:
        data = slot.content if content is None else content
        async with self.http.put(
            self.url + slot.path,
            data=io.BytesIO(data),
            headers=slot.headers() | dict(headers or {}),
        ) as answer:
            return answer.status, answer.headers, await answer.text()

    async def exchange(self, *parts: bytes, pause_seconds: float = 0) -> bytes:
        """Send raw bytes, part by part, and return all that comes back.

        The server runs in this loop: after a pause it has read each part by itself.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_seconds)
            return await read_answer(reader)
        finally:
            writer.close()

    async def until_under_way(self, uploads: int) -> None:
        """Wait until so many uploads are under way."""
        name = "esito_intake_open_uploads"
        async with asyncio.timeout(60):
            while self.metrics.registry.get_sample_value(name) != uploads:  # noqa: ASYNC110 - a gauge
                await asyncio.sleep(0.01)

    async def stored(self, prefix: str = ENDPOINT) -> list[str]:
        return [one.path async for page in self.store.pages(prefix) for one in page]


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes until the server closes, or breaks off because more was on its way."""
    answer = b""
    async with asyncio.timeout(60):
        with suppress(ConnectionError):
            while block := await reader.read(65_536):
                answer += block
    return answer


def digest(content: bytes) -> str:
    """Return the SHA-256 as SEND writes it."""
    return b64encode(hashlib.sha256(content).digest()).decode()


def head(slot: Slot, *fields: str, method: str = "PUT") -> bytes:
    """Return the head of a raw upload, which asks for the connection to be closed."""
    given = [f"{name}: {value}" for name, value in slot.headers().items()]
    lines = [f"{method} {slot.path} HTTP/1.1", "host: x", "connection: close", *given, *fields]
    return "\r\n".join([*lines, "", ""]).encode()


def code_of(answer: bytes | str) -> str:
    """Return S3's code in an error document; empty: there is none."""
    text = answer.decode() if isinstance(answer, bytes) else answer
    return text.partition("<Code>")[2].partition("</Code>")[0]


@asynccontextmanager
async def upload_site(
    settings: ObjectStore, keys: Sequence[Key] = (), **intake: float
) -> AsyncIterator[Site]:
    """Serve until the block ends."""
    ring = KeyRing(tuple(keys) or (Key("2026", secrets.token_bytes(32)),))
    clock = Clock()
    metrics = Metrics()
    store = Store(settings)
    slots = EndpointSlots(
        name=ENDPOINT,
        settings=Attachments(slot_keys=(KeyFile(id="2026", file=Path("unused")),)),
        ring=lambda: ring,
    )
    uploads = Uploads(
        Intake.model_validate(intake),
        {ENDPOINT: slots},
        store,
        metrics=metrics,
        log=structlog.get_logger(),
        clock=clock,
    )
    handle = _handler(slots, uploads, clock)
    limits = Limits(host="127.0.0.1", port=0, connections_max=256)
    server = UploadServer(handle, limits=limits, malformed=_malformed)
    listener = await listen(server, limits, name="intake")
    port = listener.sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession() as http:
            yield Site(port, store, clock, ring, metrics, http)
    finally:
        listener.close()
        await server.finish(end=asyncio.get_running_loop().time() + 2)
        await listener.wait_closed()


def _handler(
    slots: EndpointSlots, uploads: Uploads, clock: Clock
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    preload = Preload(public_url="http://x/", clock=clock, random_bytes=secrets.token_bytes)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "PUT":
            return await uploads.answer(request, request.path.removeprefix(UPLOADS))
        try:
            return preload.answer(slots, request.headers["x-body"], await request.read())
        except Invalid as error:
            return problem_answer(invalid(error.errors), retry_after_seconds=1)

    return handle


def _malformed() -> web.Response:
    return problem_answer(Problem(400, "malformed", closing=True), retry_after_seconds=1)
