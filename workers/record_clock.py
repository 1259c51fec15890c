"""Tell the time by which alarms ring: while records wait to be read, theirs; else the clock's.

A worker that was away for an hour finds records of that hour. By the clock everything that settles,
is parked or has a deadline would be over at once, and what lies in the backlog would come too late.
"""

import time
from collections.abc import Callable, Sequence

from workers.processor import InputRecord


def _clock() -> int:
    return time.time_ns() // 1_000_000


class RecordClock:
    """The time of one partition, in milliseconds since 1970; it begins with a backlog."""

    def __init__(self, now: Callable[[], int] = _clock) -> None:
        """Begin before all alarms: nobody knows yet what there is to read."""
        self._now = now
        self._written = 0
        self._all_read = False

    def fetched(self, records: Sequence[InputRecord], *, answered: bool) -> None:
        """Hear what was fetched; `answered`: the broker has said what there is at all."""
        self._all_read = answered and not records
        # Whoever wrote them may have a clock that is wrong, or set back.
        self._written = max(self._written, *(record.timestamp for record in records), 0)

    def milliseconds(self) -> int:
        """Return the time."""
        return self._now() if self._all_read else min(self._written, self._now())
