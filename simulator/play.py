"""Play plans against a running Esito and compare what comes out: what demo and tests run."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

from contracts.errors import Broken
from runtime.configuration import Configuration
from simulator.comparison import Comparison, compare
from simulator.credentials import Credentials, credentials_of
from simulator.plan import Plan
from simulator.planning import player_named
from simulator.reader import Reader
from simulator.scene import scene_of
from simulator.schedule import RETRY_SECONDS
from simulator.send.http import OnAnswer
from simulator.send.player import SEND, SendPlayer
from simulator.sender import OnCue, Sender, Sent, Settled
from simulator.tally import Tally

# How long a step waits for the one before it to come out, and the end for everything: only a lost
# event lets them run out, and then the comparison says so.
SETTLE_SECONDS_MAX: Final = 60.0
DRAIN_SECONDS_MAX: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where plans are played: the ingress's address, and the configuration with the keys.

    `on_cue` is called with the cue of each step that has one: the key set that a token issuer
    publishes before it. `on_answer` hears every answer to a public body or its delivery system.
    """

    url: str
    configuration: Configuration
    retry_seconds: float = RETRY_SECONDS
    stories_per_second: float | None = None
    on_cue: OnCue = lambda _: None
    on_answer: OnAnswer = lambda *_: None

    def credentials(self, provider: str) -> dict[str, Credentials]:
        """Return the credentials of each of the provider's endpoints by name.

        Raises:
            Broken: there is none, or a key file cannot be used.
        """
        scene = scene_of(self.configuration, provider)
        return {
            name: credentials_of(endpoint, public_url=scene.public_url)
            for name, endpoint in scene.endpoints.items()
        }


@dataclass(frozen=True, slots=True)
class Played:
    """One plan after it was sent: the answers, and the comparison if the topics were watched."""

    sent: Sent
    comparison: Comparison | None


def as_planned(plan: Plan, played: Played) -> bool:
    """Tell whether everything that was watched is as planned: the answers at least."""
    if played.comparison is not None:
        return played.comparison.equal
    expected = plan.expected()
    planned = {HTTPStatus.OK.value: expected.accepted, **expected.refusals}
    return dict(played.sent.ends) == planned


class Playing(Protocol):
    """Whoever sends one plan: the sender of callbacks, or a player of a whole road."""

    @property
    def names(self) -> Mapping[str, str]:
        """Return the story's name of each transaction whose id nobody knew before."""

    async def send(self, plan: Plan) -> Sent:
        """Send every story of the plan to its end."""

    async def finish(self) -> None:
        """See what there is to see once everything has come out."""


async def send_plan(stage: Stage, plan: Plan, settled: Settled) -> Sent:
    """Send one plan to its end."""
    async with _playing(stage, plan, settled) as playing:
        return await playing.send(plan)


def _playing(stage: Stage, plan: Plan, settled: Settled) -> AbstractAsyncContextManager[Playing]:
    if plan.provider == SEND:
        return SendPlayer(
            stage.configuration, url=stage.url, settled=settled, on_answer=stage.on_answer
        )
    return Sender(
        stage.url,
        stage.credentials(plan.provider),
        player_named(plan.provider).schedule,
        settled=settled,
        on_cue=stage.on_cue,
        retry_seconds=stage.retry_seconds,
        stories_per_second=stage.stories_per_second,
    )


def paused(seconds: float) -> Settled:
    """Return what waits between steps where nobody sees what comes out."""

    async def settled(_: Collection[str], __: int) -> None:
        await asyncio.sleep(seconds)

    return settled


async def play(
    stage: Stage, plans: Sequence[Plan], reader: Reader, *, alone: bool
) -> tuple[Played, ...]:
    """Send all plans side by side; return how each went once nothing more can come.

    When `alone`, all that comes out must be of the plans; otherwise what is not is left out.
    """
    async with AsyncExitStack() as stack:
        playing = [
            await stack.enter_async_context(_playing(stage, one, _watched(reader, one.provider)))
            for one in plans
        ]
        told = zip(playing, plans, strict=True)
        sent = await asyncio.gather(*(player.send(plan) for player, plan in told))
        drained = await reader.wait_until_drained(seconds_max=DRAIN_SECONDS_MAX)
        if not drained:
            raise Broken(
                f"the workers did not finish within {DRAIN_SECONDS_MAX:g} s of the last callback"
            )
        await asyncio.gather(*(player.finish() for player in playing))
    tallies = [
        reader.tallies[plan.provider].renamed(player.names)
        for player, plan in zip(playing, plans, strict=True)
    ]
    return tuple(
        Played(one, compare(plan, one, tally if alone else _only(plan, tally)))
        for plan, one, tally in zip(plans, sent, tallies, strict=True)
    )


def _only(plan: Plan, tally: Tally) -> Tally:
    transactions = {name for story in plan.stories for name in story.transactions}
    return tally.only(transactions, {callback.sha256 for callback in plan.callbacks})


def _watched(reader: Reader, provider: str) -> Settled:
    async def settled(transactions: Collection[str], outputs: int) -> None:
        await reader.wait_for_outputs(
            provider, transactions, outputs, seconds_max=SETTLE_SECONDS_MAX
        )

    return settled
