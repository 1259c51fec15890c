"""Give out the files of a notification: what each is, and a short-lived link to load it by.

https://github.com/pagopa/pn-delivery (NotificationAttachmentDownloadMetadataResponse). Length and
digest are those that the version token proves; the file itself goes from the object store to the
socket block by block. Of an F24 there is the metadata that was uploaded: we make no payment form.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, TypeVar

from aiohttp import web

from contracts.errors import Unavailable
from contracts.send.request import Attachment, Metadata
from intake.call import Call
from intake.links import Linked, open_link, seal_link, unverified_endpoint
from intake.lookup import Found, Lookup
from intake.problems import Code, Problem, bad_parameter, json_answer
from intake.sent import accepted
from runtime.http_server import SERVER
from runtime.key_ring import KeyRing
from runtime.object_store import ObjectStore, OpenedObject
from runtime.slots import StoredVersion, open_version

DOWNLOADS: Final = "/downloads/"
_STORE_PREFIX: Final = "safestorage://"
_INDEX: Final = r"[0-9]{1,9}"
_ENDINGS: Final = {"application/pdf": "pdf", "application/json": "json"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """The handlers of documents, of payment attachments, and of the links to both."""

    lookup: Lookup
    files: ObjectStore
    ring_of: Callable[[str], KeyRing]
    endpoints: frozenset[str]
    public_url: str

    async def document(self, call: Call) -> web.StreamResponse:
        """Return what a document is, and where to load it.

        Raises:
            Problem: 400, 404.
            Unavailable: the database is away, or the object store.
        """
        found = await accepted(self.lookup, call)
        request = found.request()
        file = _at(request.documents if request else (), call.variables[1])
        return await self._described(call, found, file, f"document_{int(call.variables[1])}")

    async def payment(self, call: Call) -> web.StreamResponse:
        """Return what a payment's attachment is, and where to load it.

        Raises:
            Problem: 400, 404.
            Unavailable: the database is away, or the object store.
        """
        _, recipient_index, kind = call.variables
        if kind not in {"PAGOPA", "F24"}:
            raise bad_parameter("attachmentName", "PAGOPA or F24")
        index = call.parameter("attachmentIdx", pattern=_INDEX, characters_max=9) or "0"
        found = await accepted(self.lookup, call)
        request = found.request()
        recipient = _at(request.recipients if request else (), recipient_index)
        payment = _at(recipient.payments, index)
        file: Attachment | Metadata | None
        if kind == "PAGOPA":
            file = payment.pago_pa.attachment if payment.pago_pa else None
        else:
            file = payment.f24.metadata_attachment if payment.f24 else None
        if file is None:
            raise _no_file()
        name = f"{kind}_{int(recipient_index)}_{int(index)}"
        return await self._described(call, found, file, name)

    async def load(self, request: web.BaseRequest, variables: Sequence[str]) -> web.StreamResponse:
        """Send the file that a link opens.

        Raises:
            Problem: 404, also for a link that is over.
            Unavailable: the object store is away.
        """
        (token,) = variables
        endpoint = unverified_endpoint(token)
        linked = None
        if endpoint in self.endpoints:
            linked = open_link(token, self.ring_of(endpoint), at=datetime.now(UTC))
        if linked is None:
            raise _no_file()
        opened = await self.files.open(linked.path)
        if opened is None:
            raise _no_file()
        return await _sent(request, linked, opened)

    async def _described(
        self, call: Call, found: Found, file: Attachment | Metadata, name: str
    ) -> web.StreamResponse:
        ring = self.ring_of(found.endpoint)
        version = _version(found, file, ring)
        if version is None:
            raise _no_file()
        if await self.files.find(version.path) is None:
            raise _no_file()
        filename = f"{found.iun}__{name}.{_ENDINGS[file.content_type]}"
        linked = Linked(found.endpoint, version.path, file.content_type, filename)
        token = seal_link(linked, ring, at=call.at)
        return json_answer(
            {
                "filename": filename,
                "contentType": file.content_type,
                "contentLength": version.bytes_total,
                "sha256": version.sha256,
                "url": f"{self.public_url}{DOWNLOADS}{token}",
            }
        )


def _version(found: Found, file: Attachment | Metadata, ring: KeyRing) -> StoredVersion | None:
    return open_version(
        file.ref.version_token,
        ring,
        endpoint=found.endpoint,
        body=found.body,
        key=file.ref.key.removeprefix(_STORE_PREFIX),
        at=found.received_at,
    )


async def _sent(
    request: web.BaseRequest, linked: Linked, opened: OpenedObject
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            **SERVER,
            "Content-Type": linked.media_type,
            "Content-Length": str(opened.stored.bytes_total),
            "Content-Disposition": f'attachment; filename="{linked.filename}"',
            # What a stranger uploaded is never run as a page of ours.
            "Content-Security-Policy": "sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
    )
    await response.prepare(request)
    try:
        async for block in opened.blocks:
            await response.write(block)
    except Unavailable:
        # The head is out: only a connection that ends too early tells that this is not all.
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the object store went away") from None
    await response.write_eof()
    return response


def _at(items: Sequence[T], index: str) -> T:
    if not re.fullmatch(_INDEX, index):
        raise bad_parameter("index", "not a number")
    if int(index) >= len(items):
        raise _no_file()
    return items[int(index)]


def _no_file() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, Code.FILE_NOT_FOUND, "none")
