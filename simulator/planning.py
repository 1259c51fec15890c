"""Make the plan of one provider from a seed: the same seed tells the same stories.

Pivot's and UAE PASS's bytes are the same too; a signature of ECDSA, or over a time, never is.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from contracts.errors import Broken
from simulator import pivot_stories, uaepass
from simulator.plan import Fault, Plan, Story, faults_of_stories
from simulator.scene import Scene, Stories, UnsignedStories
from simulator.schedule import PIVOT, SEND, SRTP, UAEPASS, WALLET, RetrySchedule
from simulator.send import faults as send_faults
from simulator.send import teller as send
from simulator.srtp import faults as srtp_faults
from simulator.srtp import teller as srtp
from simulator.wallet import faults as wallet_faults
from simulator.wallet import teller as wallet


@dataclass(frozen=True, slots=True)
class Player:
    """What the simulator knows of one provider: its stories, the faults among them, its retries."""

    stories: Callable[[Scene], Stories]
    faults: frozenset[Fault]
    schedule: RetrySchedule


def _pivot(scene: Scene) -> Stories:
    return UnsignedStories(
        pivot_stories.ordinary_story, pivot_stories.faulty_story, scene.body_bytes_max
    )


def _uaepass(scene: Scene) -> Stories:
    return UnsignedStories(uaepass.ordinary_story, uaepass.faulty_story, scene.body_bytes_max)


PLAYERS: Final[Mapping[str, Player]] = {
    "pivot": Player(_pivot, frozenset(pivot_stories.FAULTS), PIVOT),
    "uaepass": Player(_uaepass, frozenset(uaepass.FAULTS), UAEPASS),
    "srtp": Player(srtp.stories_in, frozenset(srtp_faults.FAULTS), SRTP),
    "wallet": Player(wallet.stories_in, frozenset(wallet_faults.FAULTS), WALLET),
    "send": Player(send.stories_in, frozenset(send_faults.FAULTS), SEND),
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
    provider: str, *, transactions: int, faults: Iterable[str], seed: int, scene: Scene
) -> Plan:
    """Return the plan of `transactions` stories in `scene`, of which each fault has a share.

    Raises:
        Broken: the provider does not know one of the faults, or they need more stories; or the
            keys to sign with cannot be read.
    """
    player, named = player_named(provider), frozenset(faults)
    if strange := named - player.faults:
        raise Broken(
            f"{provider} cannot show {', '.join(sorted(strange))}; "
            f"it shows {', '.join(sorted(player.faults))}"
        )
    # The provider's name is part of the seed, so that two providers draw different numbers.
    rng = random.Random(f"{provider} {seed}")
    try:
        about = list(faults_of_stories(transactions, frozenset(map(Fault, named))))
    except ValueError as error:
        raise Broken(f"{provider}: {error}") from None
    rng.shuffle(about)
    told = player.stories(scene)
    stories = [told.ordinary(rng) if fault is None else told.faulty(fault, rng) for fault in about]
    return Plan(provider, _with_one_burst(stories))


def _with_one_burst(stories: list[Story]) -> tuple[Story, ...]:
    """Bring the stories of the burst together at the place of the first of them."""
    burst = [story for story in stories if story.fault is Fault.BURST]
    others = [story for story in stories if story.fault is not Fault.BURST]
    start = next((at for at, one in enumerate(stories) if one.fault is Fault.BURST), 0)
    return (*others[:start], *burst, *others[start:])
