"""Bound what waits for Kafka: each endpoint first, then all of them together. Pure.

So a noisy provider fills its own share and does not shut out the others.
"""

from dataclasses import dataclass

from contracts.codes import RefusalCode
from ingress.authenticate import Refused


@dataclass(slots=True)
class Room:
    """How many callbacks and bytes may wait, and how many do: bodies, and what is kept of heads."""

    callbacks_max: int
    bytes_max: int
    callbacks: int = 0
    bytes: int = 0

    def takes(self, size: int) -> bool:
        """Tell whether one more callback of `size` bytes fits."""
        return self.callbacks < self.callbacks_max and self.bytes + size <= self.bytes_max

    def add(self, size: int) -> None:
        """Count one callback in."""
        self.callbacks += 1
        self.bytes += size

    def remove(self, size: int) -> None:
        """Count one callback out."""
        self.callbacks -= 1
        self.bytes -= size


class Waiting:
    """The room of one endpoint inside the room of the process."""

    def __init__(self, own: Room, shared: Room) -> None:
        """Join the endpoint's own room to the one all endpoints share."""
        self._own = own
        self._shared = shared

    def reserve(self, size: int) -> None:
        """Take room for one callback of `size` bytes.

        Raises:
            Refused: `endpoint_full`, `ingress_full`.
        """
        if not self._own.takes(size):
            raise Refused(RefusalCode.ENDPOINT_FULL)
        if not self._shared.takes(size):
            raise Refused(RefusalCode.INGRESS_FULL)
        self._own.add(size)
        self._shared.add(size)

    def release(self, size: int) -> None:
        """Give back what `reserve` took."""
        self._own.remove(size)
        self._shared.remove(size)

    def settle(self, reserved: int, actual: int) -> None:
        """Give back what a body of unknown size turned out not to need."""
        self._own.bytes -= reserved - actual
        self._shared.bytes -= reserved - actual
