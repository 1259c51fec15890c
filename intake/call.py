"""Describe one call as handlers see it: who calls, which operation, the variable parts of its path.

A handler is given a Call and returns an answer, or raises Problem, or Unavailable, which becomes a
503; it never sees the API key.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError
from aiohttp.web_protocol import RequestPayloadError

from intake.problems import Code, Problem, bad_parameter
from intake.tenants import Caller

BODY_SECONDS: Final = 10.0
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to one operation; `variables` are the parts of its path that are not fixed."""

    request: web.BaseRequest
    caller: Caller
    at: datetime
    variables: tuple[str, ...] = ()

    def parameter(self, name: str, *, pattern: str, characters_max: int) -> str | None:
        """Return a parameter of the query, or None where it is absent.

        Raises:
            Problem: 400: it came twice, or is not as published.
        """
        given: Sequence[str] = self.request.query.getall(name, [])
        if not given:
            return None
        if len(given) > 1:
            raise bad_parameter(name, "came more than once")
        (text,) = given
        if len(text) > characters_max or not re.fullmatch(pattern, text):
            raise bad_parameter(name, "not as published")
        try:
            text.encode()
        except UnicodeEncodeError:  # what was percent-encoded is no text
            raise bad_parameter(name, "not as published") from None
        return text


Handler = Callable[[Call], Awaitable[web.StreamResponse]]
OpenHandler = Callable[[web.BaseRequest, tuple[str, ...]], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its name for metrics, its method, the pattern of its whole path."""

    operation: str
    method: str
    pattern: re.Pattern[str]
    handle: Handler


@dataclass(frozen=True, slots=True)
class OpenRoute:
    """An operation without an API key: its path itself is sealed."""

    operation: str
    method: str
    pattern: re.Pattern[str]
    handle: OpenHandler


def demand_json(request: web.BaseRequest) -> None:
    """Check that a body is JSON, sent as it is.

    Raises:
        Problem: 415.
    """
    # Media types are case-insensitive and carry parameters: RFC 9110 §8.3.1.
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if media_type != _JSON or encoding != "identity":
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise Problem(status, Code.MEDIA_TYPE, f"{_JSON} is taken", closing=True)


def declared_bytes(request: web.BaseRequest, *, bytes_max: int) -> int:
    """Return how large the body says it is, or may become where it does not say.

    Raises:
        Problem: 413.
    """
    length = request.content_length
    if length is not None and length > bytes_max:
        raise _too_large(bytes_max)
    return bytes_max if length is None else length


async def read_body(request: web.BaseRequest, *, bytes_max: int) -> bytes:
    """Return the whole body.

    Raises:
        Problem: 400, 408, 413.
    """
    content = request.content
    try:
        if request.content_length and content.total_bytes == request.content_length:
            # All of it came with the head: no timer needed.
            return content.read_nowait()
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = bytearray()
        async with asyncio.timeout(BODY_SECONDS):
            while chunk := await content.readany():
                body += chunk
                if len(body) > bytes_max:
                    raise _too_large(bytes_max)
        return bytes(body)
    except TimeoutError:
        status = HTTPStatus.REQUEST_TIMEOUT
        raise Problem(status, Code.BODY_TOO_SLOW, closing=True) from None
    except (RequestPayloadError, PayloadEncodingError, ConnectionError):
        raise Problem(HTTPStatus.BAD_REQUEST, Code.MALFORMED, closing=True) from None
    except RuntimeError:
        # aiohttp's word for: the connection was gone before the first byte was asked for.
        if request.transport is None:
            raise Problem(HTTPStatus.BAD_REQUEST, Code.MALFORMED, closing=True) from None
        raise


def _too_large(bytes_max: int) -> Problem:
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return Problem(status, Code.BODY_TOO_LARGE, f"more than {bytes_max} bytes", closing=True)
