"""Turn a request into an answer: who is asking, what went wrong, what is counted.

Both APIs share it; they differ in who may call and in how they say no.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError
from aiohttp.web_protocol import RequestPayloadError

from contracts.errors import EsitoError, Unavailable
from runtime.http_server import SERVER
from runtime.metrics import Metrics
from runtime.telemetry import Failures
from streams.readers import Reader, Readers
from streams.refused import (
    AWAY,
    CHANGED,
    INVALID,
    NOT_FOUND,
    UNAUTHENTICATED,
    Fault,
    Refused,
    plain_problem,
    send_problem,
)
from streams.registry import Kept

API_KEY_HEADER: Final = "x-api-key"
# Set by a handler whose answer took as long as its reader was willing to wait.
WAITED: Final = web.RequestKey("waited", bool)
_BODY_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 1
_PROBLEM: Final = "application/problem+json"
_SEND: Final = "/delivery-progresses/"

Handler = Callable[[web.Request, Reader], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """How requests of one API are answered."""

    readers: Readers
    metrics: Metrics
    failures: Failures
    sends_problems: bool = False

    def handler(
        self, operation: str, handle: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return what the router calls for `operation`."""
        seconds = self.metrics.histogram("esito_streams_request_seconds", operation)

        async def answer(request: web.Request) -> web.StreamResponse:
            began = time.perf_counter()
            response = await self._answer(request, handle)
            if not response.prepared and request.writer.output_size > 0:
                raise ConnectionResetError("an answer is on its way already")
            if not request.get(WAITED):
                seconds.observe(time.perf_counter() - began)
            self.metrics.counter("esito_streams_requests_total", operation, response.status).inc()
            return response

        return answer

    def identify(self, request: web.Request) -> Reader:
        """Return who asks.

        Raises:
            Refused: 401.
        """
        given = request.headers.getall(API_KEY_HEADER, [])
        # Two readers of one request could pick different ones.
        reader = self.readers.identify(given[0]) if len(given) == 1 else None
        if reader is None:
            raise Refused(401, Fault(UNAUTHENTICATED))
        return reader

    async def _answer(self, request: web.Request, handle: Handler) -> web.StreamResponse:
        try:
            return await handle(request, self.identify(request))
        except Refused as refused:
            return self._problem(refused)
        except web.HTTPException as error:  # aiohttp's own: a body that is too large
            return self._problem(Refused(error.status, Fault(AWAY)))
        except ConnectionError:
            raise  # nobody is there to be answered
        except Unavailable:
            away = Refused(503, Fault(AWAY), headers={"Retry-After": str(_RETRY_SECONDS)})
            return self._problem(away)
        except Exception as error:  # noqa: BLE001 - nothing unforeseen may become a 500 with a text
            reason = str(error) if isinstance(error, EsitoError) else ""
            self.failures.tell(error, reason=reason)
            return self._problem(Refused(500, Fault(AWAY)))

    def _problem(self, refused: Refused) -> web.Response:
        return _problem_answer(refused, sends_problems=self.sends_problems)


@web.middleware
async def unrouted(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer a path or a method that is not ours as a problem too."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        refused = Refused(error.status, Fault(AWAY), headers=headers)
        return _problem_answer(refused, sends_problems=request.path.startswith(_SEND))


def malformed() -> web.Response:
    """Return the answer to what is no HTTP: nobody knows which API it was meant for."""
    return _problem_answer(Refused(400), sends_problems=False)


def _problem_answer(refused: Refused, *, sends_problems: bool) -> web.Response:
    if sends_problems:
        body = send_problem(refused.status, refused.faults, at=datetime.now(UTC))
    else:
        body = plain_problem(refused.status, refused.faults)
    return web.Response(
        status=refused.status,
        body=body,
        content_type=_PROBLEM,
        headers={**SERVER, **refused.headers},
    )


async def read_body(request: web.Request, *, seconds: float = _BODY_SECONDS) -> bytes:
    """Return the whole body, which has to come within `seconds`.

    Raises:
        Refused: 400, 408, 415.
        web.HTTPRequestEntityTooLarge: it is larger than the application takes.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(415, Fault(INVALID, "Content-Encoding", "nothing is unpacked"))
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        # The rest may still come: it must not be taken for the next request.
        raise Refused(408, headers={"Connection": "close"}) from None
    except (RequestPayloadError, PayloadEncodingError):
        raise Refused(400, headers={"Connection": "close"}) from None


def stream_id(request: web.Request) -> UUID:
    """Return the id in the path.

    Raises:
        Refused: 404: what is no id is no stream of anybody's.
    """
    try:
        return UUID(request.match_info["stream_id"])
    except ValueError:
        raise not_found() from None


def demand_unchanged(stream: Kept | None) -> Kept:
    """Return the stream that was changed.

    Raises:
        Refused: 409: somebody else changed it at the same time.
    """
    if stream is None:
        raise Refused(409, Fault(CHANGED, detail="it was changed just now: read it again"))
    return stream


def not_found() -> Refused:
    """Return the answer for what does not exist, and for what belongs to others."""
    return Refused(404, Fault(NOT_FOUND, detail="no such stream"))


def json_answer(value: Any, *, status: int = 200, **headers: str) -> web.Response:  # noqa: ANN401 - JSON holds any value
    """Return an answer with a JSON body."""
    return web.json_response(value, status=status, headers={**SERVER, **headers})


def json_text(text: str) -> web.Response:
    """Return an answer whose body is JSON already."""
    return web.Response(text=text, content_type="application/json", headers=SERVER)
