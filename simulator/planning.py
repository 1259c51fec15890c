"""Make the plan of one provider from a seed: the same seed gives the same bytes. Pure."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from contracts.errors import Broken
from simulator import pivot_stories, uaepass
from simulator.plan import Fault, Plan, Story, faults_of_stories
from simulator.schedule import PIVOT, UAEPASS, RetrySchedule


@dataclass(frozen=True, slots=True)
class Player:
    """What the simulator knows of one provider: its stories, the faults among them, its retries."""

    ordinary: Callable[[random.Random, int], Story]
    faulty: Callable[[Fault, random.Random, int], Story]
    faults: frozenset[Fault]
    schedule: RetrySchedule


PLAYERS: Final[Mapping[str, Player]] = {
    "pivot": Player(
        pivot_stories.ordinary_story,
        pivot_stories.faulty_story,
        frozenset(pivot_stories.FAULTS),
        PIVOT,
    ),
    "uaepass": Player(
        uaepass.ordinary_story, uaepass.faulty_story, frozenset(uaepass.FAULTS), UAEPASS
    ),
}


def player_named(provider: str) -> Player:
    """Return how `provider` is played.

    Raises:
        Broken: the simulator does not play it.
    """
    try:
        return PLAYERS[provider]
    except KeyError:
        raise Broken(
            f"the simulator does not play {provider!r}; it plays {', '.join(PLAYERS)}"
        ) from None


def make_plan(
    provider: str, *, transactions: int, faults: Iterable[Fault], seed: int, body_bytes_max: int
) -> Plan:
    """Return the plan of `transactions` stories, of which each fault has a share.

    `body_bytes_max` is the endpoint's limit, which an oversize body must pass.

    Raises:
        Broken: the provider does not know one of the faults, or they need more stories.
    """
    player, chosen = player_named(provider), frozenset(faults)
    if strange := chosen - player.faults:
        raise Broken(
            f"{provider} cannot show {', '.join(sorted(strange))}; "
            f"it shows {', '.join(sorted(player.faults))}"
        )
    # The provider's name is part of the seed, so that two providers draw different numbers.
    rng = random.Random(f"{provider} {seed}")
    try:
        about = list(faults_of_stories(transactions, chosen))
    except ValueError as error:
        raise Broken(f"{provider}: {error}") from None
    rng.shuffle(about)
    stories = [
        player.ordinary(rng, body_bytes_max)
        if fault is None
        else player.faulty(fault, rng, body_bytes_max)
        for fault in about
    ]
    return Plan(provider, _with_one_burst(stories))


def _with_one_burst(stories: list[Story]) -> tuple[Story, ...]:
    """Bring the stories of the burst together at the place of the first of them."""
    burst = [story for story in stories if story.fault is Fault.BURST]
    others = [story for story in stories if story.fault is not Fault.BURST]
    start = next((at for at, one in enumerate(stories) if one.fault is Fault.BURST), 0)
    return (*others[:start], *burst, *others[start:])
