"""Stop a worker whose rejection ratio says that we are at fault. Pure: counts in, verdict out.

A bad key deployed by us makes every honest callback fail verification; without a breaker a day of
traffic would turn into dead letters before anybody looks.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from contracts.dead_letter import REPLAYED_FROM
from contracts.raw import PRINCIPAL, Headers
from runtime.configuration import Breaker as BreakerSettings


class Breaker:
    """A sliding window over the last records of this process, all its partitions together."""

    def __init__(self, settings: BreakerSettings) -> None:
        """Start closed, with an empty window."""
        self._settings = settings
        self._window: deque[bool] = deque(maxlen=settings.window_records)
        self._open_partitions: set[int] = set()

    @property
    def is_open(self) -> bool:
        """Tell whether any partition is held back."""
        return bool(self._open_partitions)

    def admits(self, verdicts: list[bool]) -> bool:
        """Tell whether a batch may be committed; `verdicts` has True for each rejected record.

        A batch that is sound by itself always is: a small one, held back by a window full of
        rejections, would be held back for ever, since nothing else would refresh the window.
        """
        bound = self._settings.rejected_ratio_max
        window = [*self._window, *verdicts][-self._settings.window_records :]
        if len(window) < self._settings.records_min or self.ratio(verdicts) <= bound:
            return True
        return self.ratio(window) <= bound

    def count(self, verdicts: list[bool]) -> None:
        """Remember a committed batch."""
        self._window.extend(verdicts)

    def hold(self, partition: int) -> bool:
        """Hold `partition` back; tell whether that is news."""
        news = partition not in self._open_partitions
        self._open_partitions.add(partition)
        return news

    def release(self, partition: int) -> bool:
        """Let `partition` go on; tell whether it was held back."""
        held = partition in self._open_partitions
        self._open_partitions.discard(partition)
        return held

    @staticmethod
    def ratio(verdicts: list[bool]) -> float:
        """Return the share of rejected records."""
        return sum(verdicts) / len(verdicts) if verdicts else 0.0


def telling(verdicts: Sequence[bool], headers: Iterable[Headers]) -> list[bool]:
    """Return the verdicts that tell something about us, of records with these `headers`.

    Where a signature alone says who calls, anybody can make us store what is then rejected. Such a
    rejection must not open the breaker: it would be a switch in a stranger's hand. Neither must a
    replay in vain: that record was rejected before, and a person looks at it already.
    """
    return [
        rejected
        for rejected, pairs in zip(verdicts, headers, strict=True)
        if not (rejected and _expected(pairs))
    ]


def _expected(headers: Headers) -> bool:
    """Tell whether a rejection of the record with these headers says nothing about us."""
    return any(pair == (PRINCIPAL, b"") or pair[0] == REPLAYED_FROM for pair in headers)
