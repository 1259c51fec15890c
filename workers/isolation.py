"""Find the one record that ends processes, or that brokers refuse, and bound what it costs.

A process that dies cannot say so. So the first batch after a take-over is announced: the committed
offset stays, its metadata becomes `deaths=<n+1>`, and any progress clears it. Who takes over and
finds a number there knows how many processes died at that offset:

* from one death on, records are taken one by one, each pre-announced, so the offset moves to the
  culprit; and by one partition of the process at a time, so the next death is counted against it
* at `deaths_max` deaths the record at that offset is given up: a dead letter, without processing it

A broker that refuses an output for good (too large, say) leads to the same, without any death; of
alarms, that rings one key at a time.
"""

import re
from collections.abc import Set as AbstractSet
from typing import Final

from aiokafka.structs import OffsetAndMetadata

from workers.unwritable import Unwritable

_ANNOUNCED: Final = re.compile(r"^deaths=(\d{1,6})$")


class Isolation:
    """What is suspected of one partition; lives as long as the assignment."""

    def __init__(self, deaths_max: int, batch_records_max: int) -> None:
        """Suspect nothing."""
        self._deaths_max = deaths_max
        self._batch_records_max = batch_records_max
        self._careful_records = 0
        self._suspect: int | None = None
        self._given_up: dict[int, str] = {}
        self.given_up_alarms: dict[bytes, str] = {}  # why what rings of a key cannot be written
        self._announced: OffsetAndMetadata | None = None
        self._next: OffsetAndMetadata | None = None
        self._first = True
        self.deaths = 0

    @property
    def careful(self) -> bool:
        """Tell whether records are taken one by one."""
        return self._careful_records > 0

    @property
    def batch_records_max(self) -> int:
        """Return how many records the next batch may have."""
        return 1 if self.careful else self._batch_records_max

    def recall(self, committed: OffsetAndMetadata | None) -> None:
        """Learn from the committed offset what became of the former owner."""
        self._first = True
        if committed is not None and committed == self._announced:
            return  # our own announcement: the loop was begun anew, but nobody died
        found = _ANNOUNCED.match(committed.metadata) if committed else None
        self.deaths = int(found.group(1)) if found else 0
        if self.deaths:
            self._careful_records = self._batch_records_max

    def announce(self, offset: int) -> OffsetAndMetadata | None:
        """Return what to commit before the first batch is tried, or None if it is not the first."""
        if not self._first:
            return None
        self._first = False
        self._suspect = offset
        self._announced = OffsetAndMetadata(offset, f"deaths={self.deaths + 1}")
        return self._announced

    def renounce(self) -> OffsetAndMetadata | None:
        """Return what to commit when the announced batch was given back alive, or None."""
        if self._announced is None:
            return None
        return OffsetAndMetadata(
            self._announced.offset, f"deaths={self.deaths}" if self.deaths else ""
        )

    def given_up(self, offset: int) -> str | None:
        """Return why the record at `offset` must not be processed again, or None."""
        if offset == self._suspect and self.deaths >= self._deaths_max:
            return f"the process died {self.deaths} times at this offset"
        return self._given_up.get(offset)

    def progress(self, next_offset: int, records: int) -> OffsetAndMetadata:
        """Return what to commit with a batch; one by one, the next record is announced with it."""
        left = max(0, self._careful_records - records)
        self._next = OffsetAndMetadata(next_offset, "deaths=1" if left else "")
        return self._next

    def committed(self, records: int) -> None:
        """Take note that a batch of `records` is committed."""
        self._careful_records = max(0, self._careful_records - records)
        # What was announced with the batch is taken back by an orderly stop, as any announcement.
        self._announced = self._next if self.careful else None
        self._suspect = None
        self.deaths = 0
        self._given_up.clear()

    def rang(self, keys: AbstractSet[bytes]) -> None:
        """Take note that the alarms of `keys` are committed."""
        self._careful_records = max(0, self._careful_records - 1)
        for key in keys:
            self.given_up_alarms.pop(key, None)

    def refused(self, unwritable: Unwritable) -> bool:
        """Take note of a batch that cannot be written; tell whether it had been given up before."""
        reason = f"its outputs cannot be written: {unwritable.reason}"
        offset, alarms = unwritable.first_offset, unwritable.alarms
        again = offset in self._given_up or bool(alarms & self.given_up_alarms.keys())
        if offset is not None and unwritable.records == 1:
            self._given_up[offset] = reason
        if len(alarms) == 1:
            self.given_up_alarms.update(dict.fromkeys(alarms, reason))
        self._careful_records = self._batch_records_max
        return again
