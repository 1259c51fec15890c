"""Say what stories need beside chance: the endpoints they call, who signs there, and the time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Protocol

from contracts.errors import Broken
from runtime.configuration import Configuration
from runtime.endpoint_configuration import Endpoint
from simulator.plan import Fault, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One provider's endpoints by name, where they are, and when: signatures hold for a time."""

    endpoints: Mapping[str, Endpoint]
    public_url: str
    now: datetime

    @property
    def first(self) -> Endpoint:
        """Return the endpoint that is called where a story names none."""
        return next(iter(self.endpoints.values()))

    @property
    def body_bytes_max(self) -> int:
        """Return the limit of the first endpoint, which an oversize body must pass."""
        return self.first.limits.body_bytes_max


class Stories(Protocol):
    """One provider's stories in one scene."""

    def ordinary(self, rng: Random) -> Story:
        """Return a story without a fault."""

    def faulty(self, fault: Fault, rng: Random) -> Story:
        """Return a story about `fault`, which is one of the player's faults."""


@dataclass(frozen=True, slots=True)
class UnsignedStories:
    """The stories of a provider whose plan needs no keys: only the limit of a body."""

    tell: Callable[[Random, int], Story]
    tell_faulty: Callable[[Fault, Random, int], Story]
    body_bytes_max: int

    def ordinary(self, rng: Random) -> Story:
        """Return a story without a fault."""
        return self.tell(rng, self.body_bytes_max)

    def faulty(self, fault: Fault, rng: Random) -> Story:
        """Return a story about `fault`."""
        return self.tell_faulty(fault, rng, self.body_bytes_max)


def scene_of(configuration: Configuration, provider: str, *, now: datetime | None = None) -> Scene:
    """Return where `provider` is played; `now` is the present unless given.

    Raises:
        Broken: the configuration has no endpoint of it.
    """
    endpoints = configuration.endpoints_of(provider)
    if not endpoints:
        raise Broken(f"the configuration has no endpoint of provider {provider}")
    return Scene(
        endpoints=endpoints,
        public_url=configuration.ingress.public_url.rstrip("/"),
        now=now or datetime.now(UTC),
    )
