"""Play SEND: public bodies and the delivery system, in one scene."""

from dataclasses import dataclass
from random import Random

from simulator.plan import Fault
from simulator.scene import Scene
from simulator.send.acts import SendStory
from simulator.send.cast import SendCast, cast_of
from simulator.send.faults import faulty_story
from simulator.send.stories import ordinary_story


@dataclass(frozen=True, slots=True)
class SendStories:
    """SEND's stories, told by one cast."""

    cast: SendCast

    def ordinary(self, rng: Random) -> SendStory:
        """Return a story without a fault."""
        return ordinary_story(rng, self.cast)

    def faulty(self, fault: Fault, rng: Random) -> SendStory:
        """Return a story about `fault`."""
        return faulty_story(fault, rng, self.cast)


def stories_in(scene: Scene) -> SendStories:
    """Return the stories of `scene`.

    Raises:
        Broken: there is nobody to play, or nothing to sign with.
    """
    return SendStories(cast_of(scene))
