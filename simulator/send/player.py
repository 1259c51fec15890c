"""Play a whole plan of SEND: every story act by act, and the streams behind all of them."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from contracts.errors import Broken
from runtime.configuration import Configuration
from runtime.endpoint_configuration import Endpoint
from simulator.plan import Plan, Row
from simulator.send.acts import Ask, SendStep, SendStory
from simulator.send.http import OnAnswer, SendHttp
from simulator.send.play import SendPlay, planned_counts
from simulator.send.streams import SendStreams, follow
from simulator.sender import Sent, Settled

SEND: Final = "send"
_STORIES_AT_ONCE_MAX: Final = 64


class SendPlayer:
    """Public bodies and the delivery system: `async with SendPlayer(...) as player: ...`."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        url: str,
        settled: Settled,
        on_answer: OnAnswer = lambda *_: None,
    ) -> None:
        """Play at the endpoint that takes requests; `url` is the ingress's.

        Raises:
            Broken: there is none, or a key cannot be read.
        """
        endpoint = _endpoint(configuration)
        self._http = SendHttp(configuration, endpoint, url=url, on_answer=on_answer)
        self._settled = settled
        self._streams = SendStreams(self._http)
        self._plan: Plan | None = None
        self._senders: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._seen: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        """Open the connections' pool."""
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        await self._http.__aexit__(kind, error, trace)

    @property
    def names(self) -> Mapping[str, str]:
        """Return the protocol number of each request by its id."""
        return self._names

    async def send(self, plan: Plan) -> Sent:
        """Tell every story; what is answered otherwise than planned is among the differences."""
        self._plan = plan
        await self._streams.create()
        room = asyncio.Semaphore(_STORIES_AT_ONCE_MAX)
        stories = [one for one in plan.stories if isinstance(one, SendStory)]
        async with asyncio.TaskGroup() as group:
            for one in stories:
                group.create_task(self._told(one, room))
        sent = self._http.sent
        sent.rows += list(_rows(stories, self._seen))
        return sent

    async def finish(self) -> None:
        """Read the streams to their end, and compare them with the plan."""
        if self._plan is None:
            return
        statuses = self._plan.expected().statuses
        wanted = Counter(dict.fromkeys(self._streams.read, 0))
        for name, events in statuses.items():
            wanted[self._senders.get(name, "")] += len(events)
        await self._streams.read_all(wanted, self._names)
        found = follow(self._streams.read, statuses, self._names)
        await self._streams.delete()
        sent = self._http.sent
        sent.rows += found.rows
        sent.differences += found.differences
        sent.lost, sent.doubled, sent.gaps = found.lost, found.doubled, found.gaps

    async def _told(self, story: SendStory, room: asyncio.Semaphore) -> None:
        async with room:
            play = SendPlay(story, self._http, self._seen, begin=datetime.now(UTC))
            outputs = 0
            for one in story.steps:
                await self._out(play, outputs)
                if isinstance(one, SendStep):
                    for act in one.acts:
                        await play.act(act)
                        if isinstance(act, Ask) and act.answer == 202:  # noqa: PLR2004 - RFC 9110 §15.3.3
                            self._senders[story.name] = act.body
                            self._names[play.given.request_id] = story.name
                outputs += one.outputs
            # Elements are held for a time: that all records were consumed does not mean all is out.
            await self._out(play, outputs)
            self._http.sent.differences += play.differences

    async def _out(self, play: SendPlay, outputs: int) -> None:
        if outputs and play.given.request_id:
            await self._settled((play.given.request_id,), outputs)


def _endpoint(configuration: Configuration) -> Endpoint:
    for endpoint in configuration.endpoints_of(SEND).values():
        if endpoint.notifications is not None:
            return endpoint
    raise Broken("no endpoint of provider send has notifications: nobody can send any")


def _rows(stories: list[SendStory], seen: Counter[str]) -> Iterator[Row]:
    """Yield how many requests were taken and what became of them, by SEND's codes."""
    planned: Counter[str] = Counter()
    for one in stories:
        for step in one.steps:
            for act in step.acts if isinstance(step, SendStep) else ():
                planned.update(planned_counts(act))
    for what in sorted({*planned, *seen}):
        yield Row(what, planned[what], seen[what])
