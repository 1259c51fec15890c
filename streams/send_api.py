"""Answer SEND's stream API, version 2.8, for public bodies.

https://github.com/pagopa/pn-stream (pn-stream-api-external.yaml). `retry-after` is in milliseconds
here, as in SEND's own answers.
"""

from typing import Final

from aiohttp import web

from runtime.http_server import SERVER
from runtime.service_configuration import Streams
from streams.exchange import (
    Exchange,
    demand_unchanged,
    json_answer,
    not_found,
    read_body,
    stream_id,
)
from streams.readers import Reader
from streams.refused import FORBIDDEN, INVALID, TOO_EARLY, TOO_MANY, Fault, Refused
from streams.registry import Kept, Registry, TooManyStreams
from streams.send_shapes import (
    VERSION,
    StreamRequest,
    metadata,
    progress,
    read_event_id,
    read_request,
)

ROOT: Final = "/delivery-progresses/v2.8/streams"
_ONE: Final = ROOT + "/{stream_id}"


class SendApi:
    """The operations on a body's streams."""

    def __init__(self, registry: Registry, settings: Streams) -> None:
        """Use the streams of `registry`."""
        self._registry = registry
        self._retry_milliseconds = settings.retry_milliseconds
        self._refuses_early = settings.early_readers == "refused"

    def routes(self, exchange: Exchange) -> list[web.RouteDef]:
        """Return a route for each operation."""
        handler = exchange.handler
        return [
            web.post(ROOT, handler("create", self.create)),
            web.get(ROOT, handler("list", self.list_all), allow_head=False),
            web.get(_ONE, handler("get", self.get), allow_head=False),
            web.put(_ONE, handler("change", self.change)),
            web.delete(_ONE, handler("delete", self.delete)),
            web.post(_ONE + "/action/disable", handler("disable", self.disable)),
            web.get(_ONE + "/events", handler("read", self.read), allow_head=False),
        ]

    async def create(self, request: web.Request, reader: Reader) -> web.Response:
        """Make a stream."""
        wanted = read_request(await read_body(request))
        if not reader.may_touch(frozenset(wanted.groups)):
            raise _forbidden("the key lacks a group")
        if wanted.replaced_stream_id is not None:
            replaced = await self._registry.find(reader, wanted.replaced_stream_id)
            if replaced is None:
                raise not_found()
            if not reader.may_touch(frozenset(replaced.groups)):
                raise _forbidden("the key lacks a group of the replaced stream")
        settings = wanted.settings(reader.endpoints)
        try:
            made = await self._registry.create(reader, settings, replaces=wanted.replaced_stream_id)
        except TooManyStreams:
            raise Refused(409, Fault(TOO_MANY, detail="disable or delete one")) from None
        except LookupError:
            raise not_found() from None
        return json_answer(metadata(made))

    async def list_all(self, request: web.Request, reader: Reader) -> web.Response:
        """Return id and title of the streams that the key may touch."""
        del request
        found = await self._registry.all_of(reader)
        mine = [one for one in found if reader.may_touch(frozenset(one.groups))]
        return json_answer([{"streamId": str(one.id), "title": one.title} for one in mine])

    async def get(self, request: web.Request, reader: Reader) -> web.Response:
        """Return what a stream is."""
        return json_answer(metadata(await self._touched(request, reader)))

    async def change(self, request: web.Request, reader: Reader) -> web.Response:
        """Change a stream, but for `waitForAccepted`; groups may only be added."""
        wanted = read_request(await read_body(request))
        stream = await self._touched(request, reader)
        _check_change(stream, wanted, reader)
        changed = await self._registry.change(reader, stream, wanted.settings(reader.endpoints))
        return json_answer(metadata(demand_unchanged(changed)))

    async def delete(self, request: web.Request, reader: Reader) -> web.Response:
        """Delete a stream with all it holds."""
        stream = await self._touched(request, reader)
        await self._registry.delete(reader, stream.id)
        return web.Response(status=204, headers=SERVER)

    async def disable(self, request: web.Request, reader: Reader) -> web.Response:
        """Let a stream get no more events; what it holds can still be read."""
        stream = await self._touched(request, reader)
        disabled = await self._registry.disable(reader, stream.id)
        return json_answer(metadata(_found(disabled)))

    async def read(self, request: web.Request, reader: Reader) -> web.Response:
        """Return a page, after acknowledging all up to lastEventId."""
        after = read_event_id(request.query.get("lastEventId"))
        stream = await self._touched(request, reader)
        if self._refuses_early and (left := await self._registry.too_early(stream)):
            raise Refused(429, Fault(TOO_EARLY), headers={"retry-after": str(left)})
        page = await self._registry.page(reader, stream, acknowledge=after)
        # 0 for a page with events, though it may be the last: what pagoPA's own code does.
        milliseconds = 0 if page else self._retry_milliseconds
        if self._refuses_early and milliseconds:
            await self._registry.ask_to_wait(stream, milliseconds)
        answer = json_answer([progress(entry) for entry in page])
        answer.headers["retry-after"] = str(milliseconds)
        return answer

    async def _touched(self, request: web.Request, reader: Reader) -> Kept:
        """Return the stream in the path.

        Raises:
            Refused: 404; 403 for a key without its groups, or another version of the API.
        """
        stream = await self._registry.find(reader, stream_id(request))
        if stream is None:
            raise not_found()
        if stream.version != VERSION:
            raise _forbidden("api version mismatch")
        if not reader.may_touch(frozenset(stream.groups)):
            raise _forbidden("the key lacks a group of the stream")
        return stream


def _check_change(stream: Kept, wanted: StreamRequest, reader: Reader) -> None:
    if stream.disabled_at is not None:
        raise _forbidden("the stream is disabled")
    if wanted.wait_for_accepted not in {None, stream.wait_for_accepted}:
        raise Refused(400, Fault(INVALID, "waitForAccepted", "cannot be changed"))
    before, after = frozenset(stream.groups), frozenset(wanted.groups)
    if not before <= after or bool(before) != bool(after):
        raise Refused(400, Fault(INVALID, "groups", "can only be added to"))
    if not reader.may_touch(after):
        raise _forbidden("the key lacks a group")


def _forbidden(detail: str) -> Refused:
    return Refused(403, Fault(FORBIDDEN, detail=detail))


def _found(stream: Kept | None) -> Kept:
    """Return the stream, unless somebody has deleted it since it was found."""
    if stream is None:
        raise not_found()
    return stream
