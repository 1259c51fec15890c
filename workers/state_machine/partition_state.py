"""Hold the snapshots of one partition, with what a Kafka transaction in flight would change.

Values are the changelog's own bytes: a quarter of the memory of objects, and nothing for the
collector to walk. Changes of the batch at hand lie beside them until the commit.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from heapq import heapify, heappop, heappush
from typing import Final

from workers.state_machine.snapshot import NEVER, Snapshot, decode_snapshot, timers

Heap = list[tuple[int, bytes]]
_OVERDUE: Final = b'"overdue":true'


class PartitionState:
    """Snapshots by record key, alarms and expiries in order, and changes not committed yet."""

    def __init__(self, final: AbstractSet[str] = frozenset()) -> None:
        """Start empty; a transaction with a status of `final` is overdue no more."""
        self._final = final
        self.overdue = 0  # committed transactions past their deadline and not final
        self._snapshots: dict[bytes, bytes] = {}
        self._alarms: Heap = []
        self._expiries: Heap = []
        self._pending: dict[bytes, Snapshot | None] = {}
        self._popped: list[tuple[Heap, tuple[int, bytes]]] = []

    def __len__(self) -> int:
        """Return how many transactions are committed."""
        return len(self._snapshots)

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the changelog; a tombstone forgets the transaction."""
        if value is None:
            self._snapshots.pop(key, None)
        else:
            self._snapshots[key] = value

    def loaded(self) -> None:
        """Order the timers once all of the changelog is taken."""
        for key, value in self._snapshots.items():
            alarm, expiry = timers(value)
            if alarm != NEVER:
                self._alarms.append((alarm, key))
            self._expiries.append((expiry, key))
            self.overdue += self._is_overdue(value)
        heapify(self._alarms)
        heapify(self._expiries)

    def get(self, key: bytes) -> Snapshot | None:
        """Return the snapshot of a transaction as the batch at hand leaves it, or None."""
        if key in self._pending:
            return self._pending[key]
        value = self._snapshots.get(key)
        return decode_snapshot(value) if value is not None else None

    def put(self, key: bytes, snapshot: Snapshot | None) -> None:
        """Change a transaction in the batch at hand; None forgets it."""
        self._pending[key] = snapshot

    def changes(self) -> list[tuple[bytes, bytes | None]]:
        """Return what the batch writes to the changelog: a record for each transaction touched."""
        return [(key, one.encode() if one else None) for key, one in self._pending.items()]

    def commit(self, changes: list[tuple[bytes, bytes | None]]) -> None:
        """Make `changes` the state."""
        for key, value in changes:
            before = self._snapshots.get(key)
            self.overdue += self._is_overdue(value) - self._is_overdue(before)
            if value is None:
                self._snapshots.pop(key, None)
                continue
            self._snapshots[key] = value
            self._schedule(key, before, value)
        for heap, (_, key) in self._popped:
            self._put_back(heap, key)
        self._pending.clear()
        self._popped.clear()

    def abort(self) -> None:
        """Forget the batch at hand."""
        for heap, entry in self._popped:
            heappush(heap, entry)
        self._pending.clear()
        self._popped.clear()

    def alarms_due(self, now: int, count_max: int) -> Iterator[tuple[bytes, Snapshot]]:
        """Yield the transactions whose alarm is due at `now`; each must be changed by `put`."""
        return self._due(self._alarms, 0, now, count_max)

    def expired(self, now: int, count_max: int) -> Iterator[tuple[bytes, Snapshot]]:
        """Yield the transactions whose expiry is due at `now`; each must be changed by `put`."""
        return self._due(self._expiries, 1, now, count_max)

    def _is_overdue(self, value: bytes | None) -> bool:
        # Only few are decoded; no text of a snapshot can hold these bytes: its quotes are escaped.
        if value is None or _OVERDUE not in value:
            return False
        return decode_snapshot(value).status not in self._final

    def _schedule(self, key: bytes, before: bytes | None, value: bytes) -> None:
        # One entry for a transaction is enough while its time only moves away: it is put back when
        # popped. So the heaps do not grow with the number of updates.
        former = timers(before) if before is not None else (NEVER, NEVER)
        for heap, new, old in zip(
            (self._alarms, self._expiries), timers(value), former, strict=True
        ):
            if new < old:
                heappush(heap, (new, key))

    def _put_back(self, heap: Heap, key: bytes) -> None:
        """Give a timer that was due its entry again, where it was set anew: more may be held."""
        value = self._snapshots.get(key)
        if value is not None:
            alarm, expiry = timers(value)
            current = alarm if heap is self._alarms else expiry
            if current != NEVER:
                heappush(heap, (current, key))

    def _due(
        self, heap: Heap, which: int, now: int, count_max: int
    ) -> Iterator[tuple[bytes, Snapshot]]:
        yielded: set[bytes] = set()
        kept: Heap = []
        while heap and heap[0][0] <= now and len(yielded) < count_max:
            entry = heappop(heap)
            key = entry[1]
            snapshot = self.get(key)
            # A time that moved nearer has left a second entry behind.
            if snapshot is None or key in yielded:
                continue
            current = (snapshot.alarm, snapshot.expiry)[which]
            if current <= now:
                self._popped.append((heap, entry))
                yielded.add(key)
                yield key, snapshot
            elif key in self._pending:
                kept.append(entry)  # an abort may take the new time back
            elif current != NEVER:
                heappush(heap, (current, key))
        for entry in kept:
            heappush(heap, entry)
