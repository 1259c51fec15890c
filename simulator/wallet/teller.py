"""Play the wallet gateway: its stories in one scene, told by a cast that signs for real."""

from dataclasses import dataclass
from random import Random

from simulator.plan import Fault, Story
from simulator.scene import Scene
from simulator.wallet.cast import WalletCast, wallet_cast_of
from simulator.wallet.faults import faulty_story
from simulator.wallet.stories import ordinary_story


@dataclass(frozen=True, slots=True)
class WalletStories:
    """The wallet's stories, signed by one cast."""

    cast: WalletCast

    def ordinary(self, rng: Random) -> Story:
        """Return a story without a fault."""
        return ordinary_story(rng, self.cast)

    def faulty(self, fault: Fault, rng: Random) -> Story:
        """Return a story about `fault`."""
        return faulty_story(fault, rng, self.cast)


def stories_in(scene: Scene) -> WalletStories:
    """Return the stories of `scene`.

    Raises:
        Broken: there is nothing to sign with.
    """
    return WalletStories(wallet_cast_of(scene))
