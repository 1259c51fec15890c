"""Take one request to one endpoint from the first header to the answer.

1. the path's seal, before anything else could tell a stranger that the path is one
2. method, media type, encoding, headers, API key, client certificate: from the head alone
3. size and room: before a byte of the body is read
4. body, within its time and size
5. HMAC over the body
6. store, wait for Kafka, answer
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
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
    authenticate_path,
    demand_signature,
    kept_fields,
    single_field,
)
from ingress.client_certificate import Certificate
from ingress.enqueue import Enqueuer
from ingress.record_headers import RecordHeaders
from ingress.waiting import Waiting
from runtime.endpoint_configuration import Hmac
from runtime.identifiers import uuid7
from runtime.key_ring import KeyRing
from runtime.mac import MacInput
from runtime.tracing import Step, StepName, Tracing

# W3C Trace Context §3.2.2; anything else is dropped, since it goes into every record downstream.
_TRACEPARENT: Final = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")

Keys = Callable[[], KeyRing | None]  # a function, because files change


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """What one endpoint is configured as; None: callers are not asked for it."""

    name: str
    paths: tuple[str, ...]
    door: Door
    api_key: Keys | None
    hmac_keys: Keys | None
    hmac: Hmac | None
    path_token: Keys | None
    client_certificate: Callable[[web.BaseRequest], Certificate] | None
    signature_headers: Sequence[Sequence[str]]
    headers: RecordHeaders
    waiting: Waiting
    body_bytes_max: int
    body_seconds: float
    authenticated: Callable[[str, str], None]  # credential, key id
    tracing: Tracing | None = None


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
        settings, now = self.settings, datetime.now(UTC)
        fields, sealed = request.headers, settings.path_token
        path_token, kept_target = self._opened(target, now) if sealed else ("", target)  # 1
        self._check_head(request)  # 2
        api_key = self._api_key(fields, now)
        certificate = self._certificate(request) if settings.client_certificate else None
        stored = self._stored_fields(fields)
        certificate_text = certificate.base64 if certificate else ""
        kept = len(kept_target) + len(certificate_text) + sum(map(len, stored.values()))
        body = await self._body(request, kept)  # 3, 4
        try:
            signed = self._signed(request.method, target, stored, body, now)  # 5
            if not self._enqueuer.ready:
                raise Refused(RefusalCode.KAFKA_UNAVAILABLE)
            callback_id = uuid7(int(now.timestamp() * 1000))
            step = self._step(settings.tracing, fields, callback_id) if settings.tracing else None
            headers = settings.headers.build(
                callback_id=callback_id,
                received_at=instant(now),
                path=kept_target,
                principal=_principal(api_key, signed, path_token, certificate),
                content_type=fields.get("Content-Type", ""),
                traceparent=step.traceparent if step else _traceparent(fields),
                stored=stored,
                client_certificate=certificate_text,
            )
            confirmation = self._enqueuer.put(headers, body, settings.waiting, kept)  # 6
        except BaseException:
            settings.waiting.release(kept + len(body))
            raise
        if not (await _told(confirmation, step) if step else await confirmation):
            raise Refused(RefusalCode.KAFKA_UNAVAILABLE)
        stale = signed is not None and signed.stale
        return settings.door.answers.stale if stale else settings.door.answers.accepted

    def _step(self, tracing: Tracing, fields: CIMultiDictProxy[str], callback_id: str) -> Step:
        """Begin the trace, or go on with the provider's; only of who is known by now."""
        return tracing.begin(
            StepName.CALLBACK_RECEIVE,
            parent=_traceparent(fields),
            callback_id=callback_id,
            endpoint=self.settings.name,
        )

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
        for name in door.forbidden_headers:
            if name in fields:
                raise Refused(RefusalCode.HEADER_FORBIDDEN)
        if self.settings.signature_headers:
            demand_signature(fields, self.settings.signature_headers)

    def _opened(self, target: str, now: datetime) -> tuple[str, str]:
        """Return what the path's seal says of the caller, and the target without the seal."""
        settings = self.settings
        path, mark, query = target.partition("?")
        prefix, _, segment = path.rpartition("/")
        key_id, transaction_id = authenticate_path(
            segment if prefix in settings.paths else "",
            _taken(settings.path_token),
            endpoint=settings.name,
            at=now,
        )
        settings.authenticated("path_token", key_id)
        return f"path_token:{key_id}", f"{prefix}/{transaction_id}{mark}{query}"

    def _api_key(self, fields: CIMultiDictProxy[str], now: datetime) -> str:
        settings = self.settings
        if settings.api_key is None:
            return ""
        header = settings.door.api_key_header
        key_id = authenticate_api_key(fields, _taken(settings.api_key), header=header, at=now)
        settings.authenticated("api_key", key_id)
        return f"api_key:{key_id}"

    def _certificate(self, request: web.BaseRequest) -> Certificate | None:
        settings = self.settings
        if settings.client_certificate is None:
            return None
        certificate = settings.client_certificate(request)
        # One label for all of them: a qualified issuer's customers are without number.
        settings.authenticated("client_certificate", "any")
        return certificate

    def _stored_fields(self, fields: CIMultiDictProxy[str]) -> Mapping[str, bytes]:
        door = self.settings.door
        stored = {name: single_field(fields, name) for name in door.stored_headers}
        return stored | kept_fields(fields, door.kept_headers) if door.kept_headers else stored

    async def _body(self, request: web.BaseRequest, kept: int) -> bytes:
        """Return the whole body; room is reserved for its size and the `kept` bytes of the head."""
        settings = self.settings
        length = request.content_length
        if length is not None and length > settings.body_bytes_max:
            raise Refused(RefusalCode.BODY_TOO_LARGE)
        if not self._enqueuer.ready:
            raise Refused(RefusalCode.KAFKA_UNAVAILABLE)
        # Without a Content-Length the body may become as large as it may.
        reserved = kept + (settings.body_bytes_max if length is None else length)
        settings.waiting.reserve(reserved)
        try:
            body = await self._read(request)
        except BaseException:
            settings.waiting.release(reserved)
            raise
        settings.waiting.settle(reserved, kept + len(body))
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
        if settings.hmac is None or settings.hmac_keys is None:
            return None
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
            stored,
            _taken(settings.hmac_keys),
            door=settings.door,
            hmac=settings.hmac,
            signed=signed,
            at=now,
        )
        settings.authenticated("hmac", outcome.key_id)
        return outcome


async def _told(confirmation: asyncio.Future[bool], step: Step) -> bool:
    """Return what Kafka confirmed, and end the step with it."""
    confirmed = await confirmation
    step.end("accepted" if confirmed else "kafka_unavailable", failed=not confirmed)
    return confirmed


def _taken(keys: Keys | None) -> KeyRing:
    ring = keys() if keys else None
    if ring is None:
        raise Refused(RefusalCode.CREDENTIALS_WRONG)
    return ring


def _principal(
    api_key: str, signed: Signed | None, path_token: str, certificate: Certificate | None
) -> str:
    """Return every credential by which the caller is known, in the order of `doors.CREDENTIALS`."""
    if signed is None and certificate is None and not path_token:
        return api_key  # as of most callbacks; joining lists would cost each a microsecond
    hmac = f"hmac:{signed.key_id}" if signed else ""
    seen = f"client_certificate:{certificate.fingerprint}" if certificate else ""
    return " ".join(filter(None, (api_key, hmac, path_token, seen)))


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
