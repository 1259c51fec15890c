"""Ask a service for addresses over HTTPS, and stop asking while it does not answer.

`POST <url>` with `{"taxId", "recipientType", "address"?}`; 200 answers
`{"outcome": "found" | "not_found" | "not_valid", "address"?}`. All else is a technical failure: the
service may be down, or may have been told to refuse us; neither says anything of an address.

- one question: a time-out, up to three attempts, a random pause between them
- five failures in a row: no question at all for ten seconds, then a single one
- no redirect, no proxy, no unverified certificate; an answer of 64 kB at most
"""

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from contracts.errors import Broken, Unavailable, why_unread
from contracts.needs import AddressFound, AddressNeed
from runtime.bounded_body import bounded_body
from runtime.notification_configuration import Registry

ATTEMPTS: Final = 3
FAILURES_MAX: Final = 5
REST_SECONDS: Final = 10.0
ANSWER_BYTES_MAX: Final = 65_536
_PAUSE_SECONDS: Final = 0.2
_CONNECTIONS_MAX: Final = 16
_OK: Final = 200

_Line = Annotated[str, Field(max_length=1_024)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    outcome: Literal["found", "not_found", "not_valid"]
    address: Mapping[str, _Line] | None = Field(None, repr=False)


class HttpAddresses:
    """A registry behind a URL, and whether it has answered of late."""

    def __init__(self, settings: Registry, now: Callable[[], float] = time.monotonic) -> None:
        """Describe the service; the first question connects. `now` gives seconds.

        Raises:
            Broken: `ca_file` or `api_key_file` cannot be read.
        """
        self._url = settings.url or ""
        self._timeout = aiohttp.ClientTimeout(total=settings.timeout_seconds)
        self._now = now
        self._tls = _tls(settings)
        self._headers = _headers(settings)
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(_CONNECTIONS_MAX)
        self._failures = 0
        self._rests_until = 0.0

    async def find(self, need: AddressNeed) -> AddressFound:
        """Return what the service says.

        Raises:
            Unavailable: it gives no answer, or gave none so often that it is left alone for now.
        """
        async with self._places:
            for attempt in range(ATTEMPTS):
                if attempt:
                    # Full jitter: who failed together must not come back together.
                    await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - not a secret
                self._demand_no_rest()
                answer = await self._asked(need)
                if answer is not None:
                    self._failures = 0
                    return AddressFound(answer.outcome, answer.address)
                self._failed()
        raise Unavailable("the registry of addresses does not answer")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _demand_no_rest(self) -> None:
        if self._failures >= FAILURES_MAX:
            now = self._now()
            if now < self._rests_until:
                raise Unavailable("the registry of addresses has failed too often, and is let rest")
            # This question alone is let through; those behind it wait for what becomes of it.
            self._rests_until = now + REST_SECONDS

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES_MAX:
            self._rests_until = self._now() + REST_SECONDS

    async def _asked(self, need: AddressNeed) -> _Answer | None:
        """Return the answer to one question, or None: there is none, or it is not one."""
        question: dict[str, object] = {
            "taxId": need.tax_id,
            "recipientType": need.recipient_type,
        }
        if need.address is not None:
            question["address"] = dict(need.address)
        try:
            async with self._connected().post(
                self._url, json=question, allow_redirects=False
            ) as response:
                if response.status != _OK:
                    return None
                body = await bounded_body(response, ANSWER_BYTES_MAX)
                return None if body is None else _Answer.model_validate_json(body)
        # ValueError: not an answer, or a length that is no number.
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls, limit=_CONNECTIONS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                timeout=self._timeout,
                trust_env=False,
            )
        return self._session


def _tls(settings: Registry) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Broken(
            f"{settings.ca_file}: cannot be used ({type(error).__name__}); registry.ca_file is the "
            "PEM of who signed the service's certificate"
        ) from None


def _headers(settings: Registry) -> dict[str, str]:
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    if settings.api_key_file is not None:
        try:
            headers["x-api-key"] = settings.api_key_file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise Broken(
                f"{settings.api_key_file}: cannot be read ({why_unread(error)}); "
                "registry.api_key_file holds our key of the service alone"
            ) from None
    return headers
