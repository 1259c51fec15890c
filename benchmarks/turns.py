"""Time small pieces of work in turns: each round has a slice of every one, side by side.

Rates are of the process's CPU time (user and system), which other tenants of the machine disturb
less than the clock on the wall; a host that slows the core shows in both. So each piece is also
compared with a ruler, round by round: what slows the one slows the other beside it.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

from runtime.process import settle_collector

ROUNDS: Final = 15
SLICE_SECONDS: Final = 0.08

Call = Callable[[], object]


@dataclass(slots=True)
class Rounds:
    """The rounds of one piece of work: seconds for each call, of CPU and on the wall."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return the median of calls for each second of CPU."""
        return 1 / statistics.median(self.cpu)

    @property
    def rate_range(self) -> tuple[float, float]:
        """Return the lower and upper quartile of that rate."""
        lower, _, upper = statistics.quantiles(self.cpu, n=4)
        return 1 / upper, 1 / lower

    @property
    def wall_rate(self) -> float:
        """Return the median of calls for each second on the wall."""
        return 1 / statistics.median(self.wall)

    def times(self, ruler: "Rounds") -> float:
        """Return how many times the CPU of `ruler` a call costs: the median of the rounds."""
        return statistics.median(a / b for a, b in zip(self.cpu, ruler.cpu, strict=True))


def take_turns(work: Mapping[str, Sequence[Call]]) -> dict[str, Rounds]:
    """Return the rounds of each piece by name; its calls are made one after the other, in a circle.

    One slice of each comes first and is not counted: it warms caches up and sizes the slices.
    """
    circles = {name: cycle(calls) for name, calls in work.items()}
    counts = {name: _warmed_up(circle, len(work[name])) for name, circle in circles.items()}
    measured = {name: Rounds() for name in work}
    settle_collector()
    for _ in range(ROUNDS):
        for name, circle in circles.items():
            cpu, wall = _slice(circle, counts[name])
            measured[name].cpu.append(cpu / counts[name])
            measured[name].wall.append(wall / counts[name])
    return measured


def _warmed_up(circle: Iterator[Call], calls: int) -> int:
    """Return how many calls fill a slice."""
    _slice(circle, calls)
    _, wall = _slice(circle, calls)
    return max(1, round(calls * SLICE_SECONDS / wall))


def _slice(circle: Iterator[Call], count: int) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    for _, call in zip(range(count), circle, strict=False):
        call()
    return time.process_time() - cpu, time.perf_counter() - wall
