"""Bound what waits for database and Kafka: each public body first, then all together. Pure.

So a body that sends more than we can take fills its own share, and does not shut out the others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from intake.problems import Code, Problem


@dataclass(slots=True)
class Room:
    """How many requests and bytes may wait, and how many do."""

    requests_max: int
    bytes_max: int
    requests: int = 0
    bytes: int = 0

    def takes(self, size: int) -> bool:
        """Tell whether one more request of `size` bytes fits."""
        return self.requests < self.requests_max and self.bytes + size <= self.bytes_max

    def add(self, size: int) -> None:
        """Count one request in."""
        self.requests += 1
        self.bytes += size

    def remove(self, size: int) -> None:
        """Count one request out."""
        self.requests -= 1
        self.bytes -= size


class Rooms:
    """The room that all bodies share, and in it one for each of them."""

    def __init__(self, shared: Room, *, body_requests_max: int, body_bytes_max: int) -> None:
        """Begin empty; a body gets its room when it first calls."""
        self._shared = shared
        self._requests_max = body_requests_max
        self._bytes_max = body_bytes_max
        self._own: dict[tuple[str, str], Room] = {}

    @contextmanager
    def reserved(self, endpoint: str, body: str, size: int) -> Iterator[None]:
        """Hold room for a request of `size` bytes during the block.

        Raises:
            Problem: 429.
        """
        own = self._own.setdefault((endpoint, body), Room(self._requests_max, self._bytes_max))
        if not own.takes(size) or not self._shared.takes(size):
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS, Code.TOO_MANY, "send it again later", closing=True
            )
        own.add(size)
        self._shared.add(size)
        try:
            yield
        finally:
            own.remove(size)
            self._shared.remove(size)
