"""Tell one partition the time by which its alarms ring: up to when it has heard all there was.

A worker that was away for an hour finds records of that hour, and so does one whose verifier was.
By the clock everything that settles, is parked or has a deadline would be over at once, and what
lies there would come too late.
"""

from collections.abc import Callable

from workers.verified_until import Mark


class RecordClock:
    """The time of one partition, in milliseconds since 1970."""

    def __init__(self, partition: int, newest: Callable[[], Mark | None]) -> None:
        """Begin before all alarms: nobody knows yet what there is to read."""
        self._partition = partition
        self._newest = newest
        self._mark: Mark | None = None
        self._milliseconds = 0

    def read_to(self, position: int) -> None:
        """Hear that every record before `position` has been processed."""
        # The first mark that was taken is kept until it is reached: newer ones are further on.
        self._mark = self._mark or self._newest()
        if self._mark is None:
            return
        end = self._mark.ends.get(self._partition)
        if end is not None and position >= end:
            self._milliseconds = max(self._milliseconds, self._mark.milliseconds)
        if end is None or position >= end:
            self._mark = None

    def milliseconds(self) -> int:
        """Return the time."""
        return self._milliseconds
