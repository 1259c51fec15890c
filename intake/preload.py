"""Give upload slots: what a public body says of its files → where and how to send each.

https://github.com/pagopa/pn-delivery (PreLoadRequest). No database: a slot is its own proof.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from aiohttp import web
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from contracts.errors import Rejected
from contracts.json_object import read_json_array
from contracts.payload import Payload
from contracts.send.problems import Invalid, ProblemCode, ProblemError
from contracts.send.request_rules import syntax_errors
from runtime.http_server import SERVER
from runtime.key_ring import KeyRing
from runtime.notification_configuration import Attachments
from runtime.slots import Kind, SealedSlot, Slot, seal_slot

ITEMS_MAX: Final = 15
# 15 items whose preloadIdx has 512 characters, with room for members that nobody asked for.
PRELOAD_BYTES_MAX: Final = 32_768
UPLOADS: Final = "/attachments/"
_UNIQUE_BYTES: Final = 16
_KINDS: Final[dict[str, Kind]] = {"application/pdf": "pdf", "application/json": "json"}


class _Item(Payload):
    # SEND's pattern takes 44 characters without "=" too, which are 33 bytes: no SHA-256. The last
    # bits must be 0, or one digest could be written in four ways.
    sha256: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
    content_type: Annotated[str, StringConstraints(pattern=r"^application/(?:pdf|json)$")] = Field(
        "application/pdf", alias="contentType"
    )
    preload_idx: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]{1,512}$")] | None = (
        Field(None, alias="preloadIdx")
    )


_ITEMS: Final = TypeAdapter(Annotated[list[_Item], Field(min_length=1, max_length=ITEMS_MAX)])


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlots:
    """What slots of one endpoint are made of; `ring` is a function, because files change."""

    name: str
    settings: Attachments
    ring: Callable[[], KeyRing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preload:
    """The handler of `POST /delivery/attachments/preload`, behind authentication."""

    public_url: str
    clock: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]

    def answer(self, endpoint: EndpointSlots, body_id: str, body: bytes) -> web.Response:
        """Return the slots that the public body `body_id` asks for in `body`.

        Raises:
            Invalid: with every error.
            Broken: no slot key is valid now.
        """
        now = self.clock()
        answers = []
        for item in _items(body):
            slot = Slot(
                endpoint=endpoint.name,
                body=body_id,
                kind=_KINDS[item.content_type],
                unique=self.random_bytes(_UNIQUE_BYTES),
                sha256=b64decode(item.sha256),
                made_at=now,
                minutes=endpoint.settings.slot_minutes,
            )
            sealed = seal_slot(slot, endpoint.ring())
            answers.append(self._answer(item.preload_idx, sealed))
        return web.Response(
            body=json.dumps(answers).encode(),
            content_type="application/json",
            # Secrets: nobody on the way may keep them.
            headers={**SERVER, "Cache-Control": "no-store"},
        )

    def _answer(self, preload_idx: str | None, sealed: SealedSlot) -> dict[str, Any]:
        return {
            **({} if preload_idx is None else {"preloadIdx": preload_idx}),
            "secret": sealed.secret,
            "httpMethod": "PUT",
            "url": f"{self.public_url.rstrip('/')}{UPLOADS}{sealed.token}",
            "key": sealed.slot.key,
        }


def _items(body: bytes) -> list[_Item]:
    try:
        given = read_json_array(body)
    except Rejected as error:
        # Our detail names places and rules, never values.
        raise Invalid([ProblemError(ProblemCode.INVALID, "", error.detail)]) from None
    errors: list[ProblemError] = []
    items: list[_Item] = []
    try:
        items = _ITEMS.validate_python(given)
    except ValidationError as error:
        errors.extend(syntax_errors(error))
    errors.extend(_repeated(given))
    if errors:
        raise Invalid(errors)
    return items


def _repeated(given: list[Any]) -> Iterator[ProblemError]:
    seen: set[str] = set()
    for number, item in enumerate(given[:ITEMS_MAX]):
        name = item.get("preloadIdx") if isinstance(item, dict) else None
        if isinstance(name, str):
            if name in seen:
                element = f"[{number}].preloadIdx"
                detail = "another item has this one"
                yield ProblemError(ProblemCode.DUPLICATED, element, detail)
            seen.add(name)
