"""Play SRTP: its stories in one scene, told by a cast that signs for real."""

from dataclasses import dataclass
from random import Random

from contracts.errors import Broken
from simulator.plan import Fault, Story
from simulator.scene import Scene
from simulator.srtp.cast import Cast, cast_of
from simulator.srtp.faults import faulty_story
from simulator.srtp.stories import ordinary_story


@dataclass(frozen=True, slots=True)
class SrtpStories:
    """SRTP's stories, signed by one cast."""

    cast: Cast

    def ordinary(self, rng: Random) -> Story:
        """Return a story without a fault."""
        return ordinary_story(rng, self.cast)

    def faulty(self, fault: Fault, rng: Random) -> Story:
        """Return a story about `fault`."""
        return faulty_story(fault, rng, self.cast)


def stories_in(scene: Scene) -> SrtpStories:
    """Return the stories of `scene`.

    Raises:
        Broken: there is nothing to sign with, or an endpoint is not called as an edge calls it.
    """
    for endpoint in scene.endpoints.values():
        if endpoint.client_certificate is not None and endpoint.client_certificate.header is None:
            raise Broken(
                f"endpoint {endpoint.name}: the simulator plays client_certificate as an edge; "
                "give it seen_by: edge, header and edges"
            )
    return SrtpStories(cast_of(scene))
