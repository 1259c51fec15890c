"""Send a plan over HTTP as its provider would, with its own retries in compressed time."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import aiohttp
from multidict import CIMultiDict

from simulator.connections import Connections
from simulator.credentials import Credentials
from simulator.plan import Callback, Fault, Plan, Row, Story
from simulator.schedule import RetrySchedule

_STORIES_AT_ONCE_MAX: Final = 64

Settled = Callable[[Collection[str], int], Awaitable[None]]
"""Return once these transactions have so many status events and anomalies: a step may begin."""

OnCue = Callable[[str], None]
"""Do what a step asks the simulator itself to do before it."""


@dataclass(slots=True)
class Sent:
    """What was sent and how it was answered, counted as it happens.

    `answers` counts every attempt's HTTP status, None for none. `ends` counts the answer that each
    callback was left with. `acknowledged` are the bodies (SHA-256) that were taken: 2xx, or the
    provider's own answer for a callback that was stored all the same. `unconfirmed` are those sent
    again because no answer came, or 5xx: they may have been stored, and so be there twice. The
    others are for a provider that is also answered otherwise than by a status: what it saw of that.
    """

    attempts: int = 0
    answers: Counter[int | None] = field(default_factory=Counter)
    ends: Counter[int | None] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    unconfirmed: Counter[str] = field(default_factory=Counter)
    rows: list[Row] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0
    gaps: int = 0


class Sender(Connections):
    """One provider calling its endpoints: `async with Sender(...) as sender: sender.send(plan)`."""

    def __init__(
        self,
        url: str,
        credentials: Mapping[str, Credentials],
        schedule: RetrySchedule,
        *,
        settled: Settled,
        on_cue: OnCue = lambda _: None,
        retry_seconds: float,
        stories_per_second: float | None = None,
    ) -> None:
        """Call `url` (without a path); without a rate, as fast as answers come.

        A callback is given up after its retries, which take `retry_seconds` in all.
        `credentials` are those of each endpoint by name; the first is the one called by default.
        """
        self._url = url.rstrip("/")
        self._credentials = {"": next(iter(credentials.values())), **credentials}
        self._schedule = schedule
        self._settled = settled
        self._on_cue = on_cue
        self._retry_seconds = retry_seconds
        self._interval = 1 / stories_per_second if stories_per_second else 0.0
        self.sent = Sent()

    async def send(self, plan: Plan) -> Sent:
        """Send every story; return when each callback is taken, refused or given up."""
        room = asyncio.Semaphore(_STORIES_AT_ONCE_MAX)
        async with asyncio.TaskGroup() as group:
            for story in plan.stories:
                if story.fault is Fault.BURST:
                    group.create_task(self._tell(story))
                    continue
                await room.acquire()
                task = group.create_task(self._tell(story))
                task.add_done_callback(lambda _: room.release())
                await asyncio.sleep(self._interval)
        return self.sent

    @property
    def names(self) -> Mapping[str, str]:
        """Return nothing: a story names its transactions by the ids that they have."""
        return {}

    async def finish(self) -> None:
        """Do nothing: all there is to see comes out of the topics."""

    async def _tell(self, story: Story) -> None:
        outputs = 0
        for step in story.steps:
            if outputs:
                await self._settled(story.transactions, outputs)
            if step.cue:
                self._on_cue(step.cue)
            await asyncio.gather(*map(self._deliver, step.callbacks))
            outputs += step.outputs

    async def _deliver(self, callback: Callback) -> None:
        """Send one callback, and again for as long as its provider would."""
        answer = await self._attempt(callback)
        for delay in self._schedule.within(self._retry_seconds):
            if not self._schedule.retries(answer):
                break
            if answer is None or answer >= HTTPStatus.INTERNAL_SERVER_ERROR:
                self.sent.unconfirmed[callback.sha256] += 1
            await asyncio.sleep(delay)
            answer = await self._attempt(callback)
        self.sent.ends[answer] += 1

    async def _attempt(self, callback: Callback) -> int | None:
        if self._session is None:
            raise RuntimeError("the sender is not open: async with Sender(...)")
        credentials = self._credentials[callback.endpoint]
        now = datetime.now(UTC)
        headers = CIMultiDict(credentials.headers(callback.body, callback.presents, now=now))
        headers.update(callback.headers)
        url = self._url + (callback.path or credentials.endpoint.path)
        self.sent.attempts += 1
        answer = None
        try:
            async with self._session.post(
                url, data=callback.body, headers=headers, allow_redirects=False
            ) as response:
                await response.read()
                answer = response.status
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            pass  # no answer: the provider cannot know whether it was taken, and sends it again
        self.sent.answers[answer] += 1
        stored = {HTTPStatus.ACCEPTED.value, credentials.door.answers.stale}
        if answer in self._schedule.success | stored:
            self.sent.acknowledged[callback.sha256] += 1
        return answer
