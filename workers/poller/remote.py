"""Read one page of a remote stream over HTTPS, trusting its server with nothing but its name.

https://github.com/pagopa/pn-stream (pn-stream-api-external.yaml). The address and the key are those
of the configuration; the answer may be slow, huge, a redirect to somewhere else, or no page.
"""

import asyncio
import re
import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp

from contracts.errors import Broken
from runtime.bounded_body import bounded_body
from runtime.service_configuration import RemoteStream
from workers.poller.page import Element, PageError, read_page

# SEND's pages have 50 elements of a few kB; 50 of the usual body_bytes_max are 13 MB.
PAGE_BYTES_MAX: Final = 33_554_432
_KEY: Final = re.compile(rb"[!-~]{1,4096}")
_RETRY_AFTER: Final = re.compile(r"[0-9]{1,12}")


class Outcome(StrEnum):
    """How one reading ended."""

    READ = "read"
    EMPTY = "empty"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    POSITION_REFUSED = "position_refused"
    TOO_EARLY = "too_early"
    SERVER_ERROR = "server_error"
    TOO_LARGE = "too_large"
    NO_PAGE = "no_page"
    KEY_UNREADABLE = "key_unreadable"
    NOT_STORED = "not_stored"


class Unread(Exception):
    """The page could not be read this time; `retry_milliseconds` is what the server asks for."""

    def __init__(
        self, outcome: Outcome, detail: str = "", retry_milliseconds: int | None = None
    ) -> None:
        """Keep why."""
        super().__init__(detail or outcome.value)
        self.outcome = outcome
        self.retry_milliseconds = retry_milliseconds


@dataclass(frozen=True, slots=True)
class Page:
    """What was read, and after how long the server wants to be asked again; None: it said not."""

    elements: tuple[Element, ...]
    retry_milliseconds: int | None


class Remote:
    """One remote stream: `async with Remote(...) as remote: await remote.read(None)`."""

    def __init__(self, settings: RemoteStream, *, element_bytes_max: int) -> None:
        """Read what the configuration names, once.

        Raises:
            Broken: the key or the certificates cannot be used.
        """
        self._settings = settings
        self._element_bytes_max = element_bytes_max
        self._url = f"{settings.url.rstrip('/')}/streams/{settings.stream_id}/events"
        self._tls = _tls(settings)
        read_key(settings.api_key_file)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Make room for connections; nothing is sent."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=1),
            cookie_jar=aiohttp.DummyCookieJar(),
            # What is sent packed could be a thousand times as long.
            headers={"accept": "application/json", "accept-encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()

    async def read(self, acknowledged: str | None) -> Page:
        """Return the page after `acknowledged`, which the remote forgets by that; or the oldest.

        Raises:
            Unread: the server does not answer, or not so.
        """
        if self._session is None:
            raise RuntimeError("the remote stream is not open: async with Remote(...)")
        try:
            # Read anew each time, so a new key needs no restart.
            key = read_key(self._settings.api_key_file)
        except Broken as error:
            raise Unread(Outcome.KEY_UNREADABLE, str(error)) from None
        try:
            async with (
                asyncio.timeout(self._settings.timeout_seconds),
                self._session.get(
                    self._url,
                    params={"lastEventId": acknowledged} if acknowledged else None,
                    headers={"x-api-key": key},
                    allow_redirects=False,
                ) as response,
            ):
                return await self._page(response, acknowledged)
        except TimeoutError:
            raise Unread(Outcome.TIMED_OUT) from None
        # ValueError: a host that no resolver takes, a header that is no number.
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unread(Outcome.UNREACHABLE, type(error).__name__) from None

    async def _page(self, response: aiohttp.ClientResponse, acknowledged: str | None) -> Page:
        wanted = _milliseconds(response)
        match response.status:
            case 200:
                pass
            case 400 if acknowledged:
                raise Unread(Outcome.POSITION_REFUSED)
            case 429:
                raise Unread(Outcome.TOO_EARLY, retry_milliseconds=wanted)
            case status if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110 §15.4
                raise Unread(Outcome.REDIRECTED)
            case status if 400 <= status < 500:  # noqa: PLR2004 - RFC 9110 §15.5
                raise Unread(Outcome.REFUSED, f"answered {status}")
            case status:
                raise Unread(Outcome.SERVER_ERROR, f"answered {status}", wanted)
        body = await bounded_body(response, PAGE_BYTES_MAX)
        if body is None:
            raise Unread(Outcome.TOO_LARGE)
        try:
            elements = read_page(body, element_bytes_max=self._element_bytes_max)
        except PageError as error:
            raise Unread(Outcome.NO_PAGE, str(error)) from None
        if elements and acknowledged and elements[0].event_id <= acknowledged:
            raise Unread(Outcome.NO_PAGE, "event ids before the one that was acknowledged")
        return Page(elements, wanted)


def read_key(file: Path) -> str:
    """Return the API key that `file` holds.

    Raises:
        Broken: it holds none.
    """
    try:
        key = file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise Broken(f"{file}: cannot be read ({error.strerror})") from None
    if not _KEY.fullmatch(key):
        raise Broken(f"{file}: not an API key: printable characters without blanks, 4096 at most")
    return key.decode()


def _tls(settings: RemoteStream) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Broken(f"{settings.ca_file}: no certificates in PEM ({error.strerror})") from None


def _milliseconds(response: aiohttp.ClientResponse) -> int | None:
    # Milliseconds, not the seconds of RFC 9110 §10.2.3: so SEND's streams say it.
    text = response.headers.get("retry-after", "")
    return int(text) if _RETRY_AFTER.fullmatch(text) else None
