"""Take one upload: from the socket to the object store, hashed on the way, never held in memory.

1. the slot: sealed by a key of ours, not expired
2. the secret, content type, length, encoding and checksum in the head, before a byte of the body
3. room: the process takes so many uploads at once, and fewer of each public body
4. the body, block by block, into a place that nobody sees
5. the digest of what came, and the checksum that came after it
6. published in one step; the answer's version token proves what was uploaded

The same file may be sent to its slot again: it replaces itself, and the answer is a new version
token, as good as the former one. Another file never fits, since the slot has its digest.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from aiohttp import web

from contracts.errors import Broken, Unavailable
from intake.preload import EndpointSlots
from intake.s3_answers import UploadCode, UploadRefused, refusal, stored
from intake.upload_body import CHECKSUM, UploadBody, check_checksum
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.object_store import ObjectStore
from runtime.service_configuration import Intake
from runtime.slots import (
    SealedSlot,
    Slot,
    open_slot,
    seal_version,
    secret_fits,
    unverified_endpoint,
)
from runtime.telemetry import Logger, Repeats

Clock = Callable[[], datetime]


class Uploads:
    """The handler of `PUT /attachments/{token}`: the token is the permission, nobody logs in."""

    def __init__(
        self,
        settings: Intake,
        endpoints: Mapping[str, EndpointSlots],
        store: ObjectStore,
        *,
        metrics: Metrics,
        log: Logger,
        clock: Clock,
    ) -> None:
        """Resolve what every upload needs; `endpoints` by name."""
        self._settings = settings
        self._endpoints = endpoints
        self._store = store
        self._metrics = metrics
        self._log = log
        self._failures = Repeats()
        self._clock = clock
        self._under_way: Counter[tuple[str, str]] = Counter()
        self._seconds = metrics.histogram("esito_intake_upload_seconds")
        for endpoint in endpoints:
            metrics.counter("esito_intake_uploaded_bytes_total", endpoint)
            for code in UploadCode:
                metrics.counter("esito_intake_uploads_total", endpoint, code)
        metrics.gauge("esito_intake_open_uploads").set_function(self._under_way.total)

    async def answer(self, request: web.BaseRequest, token: str) -> web.Response:
        """Return S3's answer to an upload under the slot `token`; it raises nothing of ours."""
        endpoint = ""
        try:
            sealed = self._opened(token)  # 1
            endpoint = sealed.slot.endpoint
            body = self._checked(request, sealed)  # 2
            answer = await self._stored(request, sealed.slot, body)
        except UploadRefused as refused:
            self._count(endpoint, refused.code)
            return refusal(refused)
        except (Unavailable, Broken) as error:
            self._tell(endpoint, str(error))
            self._count(endpoint, UploadCode.UNAVAILABLE)
            text = "The file was not stored; send it again later."
            return refusal(UploadRefused(UploadCode.UNAVAILABLE, text))
        self._count(endpoint, UploadCode.STORED)
        return answer

    def _opened(self, token: str) -> SealedSlot:
        endpoint = self._endpoints.get(unverified_endpoint(token) or "")
        now = self._clock()
        sealed = None
        if endpoint is not None:
            sealed = open_slot(token, endpoint.ring(), endpoint=endpoint.name, at=now)
        if sealed is None:
            raise UploadRefused(UploadCode.ACCESS_DENIED, "There is no such upload slot.")
        if sealed.slot.expired_at(now):
            raise UploadRefused(UploadCode.ACCESS_DENIED, "The upload slot has expired.")
        return sealed

    def _checked(self, request: web.BaseRequest, sealed: SealedSlot) -> UploadBody:
        fields = request.headers
        # aiohttp hands over bytes that are no UTF-8 as surrogates.
        secret = fields.get("x-amz-meta-secret", "").encode("utf-8", "surrogateescape")
        if not secret_fits(sealed, secret):
            raise UploadRefused(
                UploadCode.SIGNATURE_WRONG, "x-amz-meta-secret is not that of the upload slot."
            )
        media_type = fields.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type != sealed.slot.media_type:
            raise UploadRefused(
                UploadCode.SIGNATURE_WRONG, "Content-Type is not that of the upload slot."
            )
        for checksum in fields.getall(CHECKSUM, []):
            check_checksum(checksum, sealed.slot.sha256)
        return UploadBody(
            request,
            bytes_max=self._settings.upload_bytes_max,
            idle_seconds=self._settings.upload_idle_seconds,
        )

    async def _stored(self, request: web.BaseRequest, slot: Slot, body: UploadBody) -> web.Response:
        owner = slot.endpoint, slot.body
        full = self._under_way.total() >= self._settings.uploads_max  # 3
        if full or self._under_way[owner] >= self._settings.body_uploads_max:
            raise UploadRefused(UploadCode.TOO_MANY, "Too many uploads at once; send it later.")
        self._under_way[owner] += 1
        begin = asyncio.get_running_loop().time()
        try:
            # RFC 9110 §10.1.1: only now, so that a refused caller need not send the body at all.
            if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
                request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            bytes_total = await self._write(slot, body)
        finally:
            self._under_way[owner] -= 1
        seconds = asyncio.get_running_loop().time() - begin
        self._seconds.observe(seconds)
        self._metrics.counter("esito_intake_uploaded_bytes_total", slot.endpoint).inc(bytes_total)
        ring = self._endpoints[slot.endpoint].ring()
        version = seal_version(slot, ring, bytes_total=bytes_total, uploaded_at=self._clock())
        return stored(version=version, slot=slot)

    async def _write(self, slot: Slot, body: UploadBody) -> int:
        async with self._store.staged(slot.path) as staged:
            async for block in body.blocks():  # 4
                await staged.write(block)
            if staged.sha256 != slot.sha256:  # 5
                raise UploadRefused(
                    UploadCode.DIGEST_WRONG, "The SHA-256 of the body is not that of the slot."
                )
            body.check_trailers(staged.sha256)
            await staged.publish()  # 6
            return staged.bytes_total

    def _tell(self, endpoint: str, reason: str) -> None:
        count = self._failures.count(endpoint, reason, at=asyncio.get_running_loop().time())
        if count:
            self._log.error(LogEvent.UPLOAD_FAILED, endpoint=endpoint, reason=reason, count=count)

    def _count(self, endpoint: str, code: UploadCode) -> None:
        self._metrics.counter("esito_intake_uploads_total", endpoint, code).inc()
