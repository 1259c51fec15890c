"""Take one request to one endpoint from the first header to the answer.

1. method, media type, encoding, API key: from the head alone
2. size and room: before a byte of the body is read
3. body, within its time and size
4. HMAC over the body
5. store, wait for Kafka, answer
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import PayloadEncodingError
from aiohttp.web_protocol import RequestPayloadError
from multidict import CIMultiDictProxy

from contracts.codes import RefusalCode
from contracts.instants import instant
from contracts.provider import Door
from ingress.authenticate import (
    Refused,
    Signed,
    authenticate_api_key,
    authenticate_hmac,
    single_field,
)
from ingress.enqueue import Enqueuer
from ingress.identifiers import uuid7
from ingress.record_headers import RecordHeaders
from ingress.waiting import Waiting
from runtime.configuration import Hmac
from runtime.key_ring import KeyRing
from runtime.mac import MacInput

# W3C Trace Context §3.2.2; anything else is dropped, since it goes into every record downstream.
_TRACEPARENT: Final = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """What one endpoint is configured as; key rings are functions because files change."""

    name: str
    door: Door
    api_key: Callable[[], KeyRing | None]
    hmac_keys: Callable[[], KeyRing | None]
    hmac: Hmac | None
    headers: RecordHeaders
    waiting: Waiting
    body_bytes_max: int
    body_seconds: float
    authenticated: Callable[[str, str], None]  # credential, key id


class EndpointHandler:
    """The handler of one endpoint."""

    def __init__(self, settings: EndpointSettings, enqueuer: Enqueuer) -> None:
        """Bind the endpoint to its raw topic."""
        self.settings = settings
        self._enqueuer = enqueuer

    async def handle(self, request: web.BaseRequest, target: str) -> int:
        """Return the HTTP status of a stored callback; `target` is its path and query as sent.

        Raises:
            Refused: the request is not stored, or Kafka did not confirm it in time.
        """
        settings = self.settings
        now = datetime.now(UTC)
        fields = request.headers
        self._check_head(request)  # 1
        principal = self._principal(fields, now)
        stored = self._stored_fields(fields)
        body = await self._body(request)  # 2, 3
        try:
            signed = self._signed(request.method, target, stored, body, now)  # 4
            if not self._enqueuer.ready:
                raise Refused(RefusalCode.KAFKA_UNAVAILABLE)
            headers = settings.headers.build(
                callback_id=uuid7(int(now.timestamp() * 1000)),
                received_at=instant(now),
                path=target,
                principal=principal,
                content_type=fields.get("Content-Type", ""),
                traceparent=_traceparent(fields),
                stored=stored,
            )
            confirmation = self._enqueuer.put(headers, body, settings.waiting)  # 5
        except BaseException:
            settings.waiting.release(len(body))
            raise
        if not await confirmation:
            raise Refused(RefusalCode.KAFKA_UNAVAILABLE)
        stale = signed is not None and signed.stale
        return settings.door.answers.stale if stale else settings.door.answers.accepted

    def _check_head(self, request: web.BaseRequest) -> None:
        door = self.settings.door
        fields = request.headers
        if request.method not in door.methods:
            raise Refused(RefusalCode.METHOD_FORBIDDEN)
        # Media types are case-insensitive and carry parameters: RFC 9110 §8.3.1.
        media_type = fields.get("Content-Type", "").partition(";")[0].strip().lower()
        if door.media_types and media_type not in door.media_types:
            raise Refused(RefusalCode.MEDIA_TYPE_UNSUPPORTED)
        # RFC 9112 §6.1: of "gzip, chunked" the library would undo the chunks alone.
        if (
            fields.get("Content-Encoding", "identity").lower() != "identity"
            or fields.get("Transfer-Encoding", "chunked").lower() != "chunked"
        ):
            raise Refused(RefusalCode.ENCODING_UNSUPPORTED)

    def _principal(self, fields: CIMultiDictProxy[str], now: datetime) -> str:
        ring = self.settings.api_key()
        if ring is None:
            raise Refused(RefusalCode.CREDENTIALS_WRONG)
        key_id = authenticate_api_key(
            fields, ring, header=self.settings.door.api_key_header, at=now
        )
        self.settings.authenticated("api_key", key_id)
        return f"api_key:{key_id}"

    def _stored_fields(self, fields: CIMultiDictProxy[str]) -> Mapping[str, bytes]:
        return {name: single_field(fields, name) for name in self.settings.door.stored_headers}

    async def _body(self, request: web.BaseRequest) -> bytes:
        """Return the whole body, with room reserved for exactly its size."""
        settings = self.settings
        length = request.content_length
        if length is not None and length > settings.body_bytes_max:
            raise Refused(RefusalCode.BODY_TOO_LARGE)
        if not self._enqueuer.ready:
            raise Refused(RefusalCode.KAFKA_UNAVAILABLE)
        # Without a Content-Length the body may become as large as it may.
        reserved = settings.body_bytes_max if length is None else length
        settings.waiting.reserve(reserved)
        try:
            body = await self._read(request)
        except BaseException:
            settings.waiting.release(reserved)
            raise
        settings.waiting.settle(reserved, len(body))
        return body

    async def _read(self, request: web.BaseRequest) -> bytes:
        content = request.content
        try:
            if request.content_length and content.total_bytes == request.content_length:
                # All of it came with the head, as nearly every callback does: no timer needed.
                return content.read_nowait()
            if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
                request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            async with asyncio.timeout(self.settings.body_seconds):
                return await _read_all(content, bytes_max=self.settings.body_bytes_max)
        except TimeoutError:
            raise Refused(RefusalCode.BODY_TOO_SLOW) from None
        except (RequestPayloadError, PayloadEncodingError, ConnectionError):
            raise Refused(RefusalCode.BODY_INCOMPLETE) from None
        except RuntimeError:
            # aiohttp's word for: the connection was gone before the first byte was asked for.
            if request.transport is None:
                raise Refused(RefusalCode.BODY_INCOMPLETE) from None
            raise

    def _signed(
        self, method: str, target: str, stored: Mapping[str, bytes], body: bytes, now: datetime
    ) -> Signed | None:
        settings = self.settings
        if "hmac" not in settings.door.credentials:
            return None
        ring = settings.hmac_keys()
        if settings.hmac is None or ring is None:
            raise Refused(RefusalCode.CREDENTIALS_WRONG)
        target_uri = settings.headers.target_uri(target)
        signed = MacInput(
            timestamp=stored[settings.door.timestamp_header],
            method=method,
            # The path that the provider called and signed; an edge may have cut its beginning off.
            path=urlsplit(target_uri).path,
            target_uri=target_uri,
            body=body,
        )
        outcome = authenticate_hmac(
            stored, ring, door=settings.door, hmac=settings.hmac, signed=signed, at=now
        )
        settings.authenticated("hmac", outcome.key_id)
        return outcome


async def _read_all(content: StreamReader, *, bytes_max: int) -> bytes:
    body = bytearray()
    while chunk := await content.readany():
        body += chunk
        if len(body) > bytes_max:
            raise Refused(RefusalCode.BODY_TOO_LARGE)
    return bytes(body)


def _traceparent(fields: CIMultiDictProxy[str]) -> str:
    given = fields.get("traceparent", "")
    return given if _TRACEPARENT.match(given) else ""
