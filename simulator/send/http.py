"""Call the intake, the streams and the ingress as public bodies and the delivery system do."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import aiohttp

from contracts.errors import Broken
from runtime.configuration import Configuration
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import ring_of
from simulator.connections import Connections
from simulator.credentials import WRONG_KEY, Credentials, credentials_of
from simulator.plan import Presents
from simulator.schedule import RETRY_SECONDS, SEND
from simulator.sender import Sent


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `status` None: nothing did."""

    status: int | None
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def members(self) -> Any:  # noqa: ANN401 - JSON holds any value
        """Return the body as JSON; an empty object where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    def header(self, name: str) -> str:
        """Return a header field, whatever the case of its name; empty: there is none."""
        found = (text for one, text in self.headers.items() if one.lower() == name)
        return next(found, "")


OnAnswer = Callable[[str, str, Mapping[str, str], Answer], None]
"""Hear an answer: method, URL and header fields of what it answers."""


class SendHttp(Connections):
    """The addresses and keys of one endpoint: `async with SendHttp(...) as http: ...`."""

    def __init__(
        self,
        configuration: Configuration,
        endpoint: Endpoint,
        *,
        url: str,
        on_answer: OnAnswer = lambda *_: None,
    ) -> None:
        """Read the keys; `url` is the ingress's, the others' are their own public ones.

        Raises:
            Broken: the endpoint takes no requests, or a key cannot be read.
        """
        if endpoint.notifications is None:
            raise Broken(f"endpoint {endpoint.name} has no notifications: nobody can send any")
        self.endpoint = endpoint
        self.section = endpoint.notifications
        self.intake = configuration.intake.public_url.rstrip("/")
        self.streams = configuration.streams.public_url.rstrip("/")
        self.ingress = url.rstrip("/")
        self.sent = Sent()
        self._on_answer = on_answer
        self._keys = {body.id: _first_key(body.keys) for body in self.section.bodies}
        self._delivery = credentials_of(endpoint, public_url=url)

    @property
    def delivery(self) -> Credentials:
        """Return what the delivery system authenticates with."""
        return self._delivery

    def key_of(self, body: str, presents: Presents = Presents.CORRECT) -> dict[str, str]:
        """Return the header field that a body authenticates with."""
        return {"x-api-key": WRONG_KEY if presents is Presents.WRONG_KEY else self._keys[body]}

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Return the answer that a planned call is left with; it is counted."""
        answer = await self._attempt(method, url, headers, body)
        for delay in SEND.within(RETRY_SECONDS):
            if not SEND.retries(answer.status):
                break
            await asyncio.sleep(delay)
            answer = await self._attempt(method, url, headers, body)
        self.sent.ends[answer.status] += 1
        return answer

    async def ask(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        method: str = "GET",
        body: bytes | None = None,
    ) -> Answer:
        """Return the answer to a call that is no part of the plan: it is not counted."""
        return await self._answer(method, url, headers, body)

    async def _attempt(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        answer = await self._answer(method, url, headers, body)
        self.sent.attempts += 1
        self.sent.answers[answer.status] += 1
        return answer

    async def _answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        if self._session is None:
            raise RuntimeError("not open: async with SendHttp(...)")
        # aiohttp writes bytes in one go, and warns of large ones; a file it writes in blocks.
        data = None if body is None else BytesIO(body)
        try:
            async with self._session.request(
                method, url, headers=headers, data=data, allow_redirects=False
            ) as response:
                answer = Answer(response.status, await response.read(), dict(response.headers))
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return Answer(None)
        self._on_answer(method, url, headers, answer)
        return answer


def _first_key(keys: Any) -> str:  # noqa: ANN401 - a tuple of any keys with files
    for _, secret in ring_of(keys).secrets(at=datetime.now(UTC)):
        return secret.decode()
    raise Broken("no key of a public body is valid now; see not_before and not_after")
