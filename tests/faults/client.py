"""Call the ingress as a provider does: send, send again what is not acknowledged, and keep a log.

The log is the client's side of promise 1: what stands in it was answered 2xx.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import aiohttp
from yarl import URL

from tests.faults.checker import Acknowledged

ANSWER_SECONDS_MAX: Final = 15.0
PATIENCE_SECONDS: Final = 150.0
_RETRY_SECONDS: Final = 0.1
_PAUSE_SECONDS: Final = 0.05
_REDELIVER_EVERY: Final = 5


@dataclass(frozen=True, slots=True)
class Callback:
    """One body to send, and what it says."""

    transaction: str
    fact: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint as its provider knows it."""

    name: str
    url: str
    headers: Callable[[bytes], Mapping[str, str]]
    facts: tuple[str, ...]
    body: Callable[[str, str], bytes]


@dataclass(slots=True)
class Client:
    """A provider that sends callbacks about transactions whose ids start with `marker`."""

    endpoint: Endpoint
    marker: str
    acknowledged: list[Acknowledged] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    retry_after: set[str] = field(default_factory=set)
    port: Callable[[], int] | None = None  # of whom to call next, where there are several
    _numbers: "count[int]" = field(default_factory=count)
    _session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep connections open until the block ends."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        async with aiohttp.ClientSession(timeout=timeout) as self._session:
            yield

    @asynccontextmanager
    async def load(self, *, senders: int = 5) -> AsyncIterator[None]:
        """Send transaction after transaction until the block ends; what was begun is finished."""
        done = asyncio.Event()
        tasks = [asyncio.create_task(self._send_until(done)) for _ in range(senders)]
        try:
            yield
            done.set()
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def transactions(self, number: int, *, senders: int = 8) -> None:
        """Send all callbacks of `number` transactions; return when all are acknowledged."""
        gate = asyncio.Semaphore(senders)

        async def one() -> None:
            async with gate:
                await self._transaction()

        await asyncio.gather(*(one() for _ in range(number)))

    async def send(self, callback: Callback) -> None:
        """Send one callback until it is acknowledged, as a provider with patience does."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if await self._post(callback):
                    return
            except (aiohttp.ClientError, TimeoutError):
                self.unanswered += 1
            assert time.monotonic() < deadline, f"never acknowledged; answers: {self.answers}"
            await asyncio.sleep(_RETRY_SECONDS)

    def callback(self, transaction: str, fact: str) -> Callback:
        """Return the callback that says `fact` about `transaction`."""
        return Callback(transaction, fact, self.endpoint.body(transaction, fact))

    async def _send_until(self, done: asyncio.Event) -> None:
        while not done.is_set():
            await self._transaction()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _transaction(self) -> None:
        number = next(self._numbers)
        transaction = f"{self.marker}-{number}"
        for fact in self.endpoint.facts:
            await self.send(self.callback(transaction, fact))
        if number % _REDELIVER_EVERY == 0:
            await self.send(self.callback(transaction, self.endpoint.facts[-1]))

    async def _post(self, callback: Callback) -> bool:
        assert self._session is not None, "send inside `connected`"
        endpoint = self.endpoint
        headers = {"Content-Type": "application/json", **endpoint.headers(callback.body)}
        url = URL(endpoint.url).with_port(self.port()) if self.port else endpoint.url
        async with self._session.post(url, data=callback.body, headers=headers) as response:
            self.answers[response.status] += 1
            if response.status == 503:
                self.retry_after.add(response.headers.get("Retry-After", ""))
            if not response.ok:
                return False
            self.acknowledged.append(
                Acknowledged(endpoint.name, callback.transaction, callback.fact, callback.body)
            )
            return True


def pivot_endpoint(url: str, *, api_key: str) -> Endpoint:
    """Return the endpoint of a provider with a static key: processing, then paid."""

    def body(transaction: str, fact: str) -> bytes:
        amount = {"value": 10001, "currency": "IDR"}
        data = {"id": transaction, "status": fact, "amount": amount}
        return json.dumps({"event": f"PAYMENT.{fact}", "data": data}).encode()

    return Endpoint("pivot-id", url, lambda _: {"X-API-Key": api_key}, ("PROCESSING", "PAID"), body)


def uaepass_endpoint(url: str, *, api_key: str, secret: str) -> Endpoint:
    """Return the endpoint of a provider that signs: one consent, accepted."""

    def headers(body: bytes) -> Mapping[str, str]:
        timestamp = str(int(time.time()))
        return {
            "X-API-Key": api_key,
            "X-Timestamp": timestamp,
            "X-UAEPASS-Signature": signature(secret, timestamp, body),
        }

    def body(transaction: str, fact: str) -> bytes:
        return json.dumps({"spTransactionID": transaction, "status": fact}).encode()

    return Endpoint("uaepass-gov", url, headers, ("ACCEPTED",), body)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the HMAC of the profile that the pipeline's configuration names."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
