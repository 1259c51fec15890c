"""The snapshots of one partition: what a batch changes, keeps on commit and loses on abort."""

from dataclasses import replace

from workers.state_machine.partition_state import PartitionState
from workers.state_machine.snapshot import NEVER, Snapshot

NOW = 1_800_000_000_000
A, B, C = b"shop:a", b"shop:b", b"shop:c"


def holding(**snapshots: Snapshot) -> PartitionState:
    """Return a state restored from a changelog."""
    state = PartitionState()
    for name, snapshot in snapshots.items():
        state.load(f"shop:{name}".encode(), snapshot.encode())
    state.loaded()
    return state


def timed(*, alarm: int = NEVER, expiry: int = NEVER, sequence: int = 1) -> Snapshot:
    return Snapshot(alarm=alarm, expiry=expiry, sequence=sequence, status="PROCESSING")


def commit(state: PartitionState) -> None:
    state.commit(state.changes())


def due(state: PartitionState, now: int = NOW, count_max: int = 100) -> list[bytes]:
    return [key for key, _ in state.alarms_due(now, count_max)]


def expired(state: PartitionState, now: int = NOW, count_max: int = 100) -> list[bytes]:
    return [key for key, _ in state.expired(now, count_max)]


def entries(state: PartitionState) -> int:
    return len(state._alarms) + len(state._expiries)  # noqa: SLF001 - its size is the promise


def test_changed_snapshot_is_seen_by_the_rest_of_its_batch() -> None:
    state = holding(a=timed())

    state.put(A, timed(sequence=2))

    seen = state.get(A)
    assert seen is not None
    assert seen.sequence == 2


def test_aborted_batch_leaves_no_trace() -> None:
    state = holding(a=timed())
    state.put(A, timed(sequence=2))
    state.put(B, timed())

    state.abort()

    assert state.get(A) == timed()
    assert state.get(B) is None
    assert state.changes() == []


def test_committed_batch_stays() -> None:
    state = holding(a=timed())
    state.put(A, timed(sequence=2))
    commit(state)

    state.abort()

    assert state.get(A) == timed(sequence=2)


def test_batch_writes_one_record_for_each_transaction_touched() -> None:
    state = holding(a=timed())
    for sequence in range(2, 6):
        state.put(A, timed(sequence=sequence))
    state.put(B, None)

    assert state.changes() == [(A, timed(sequence=5).encode()), (B, None)]


def test_tombstone_forgets_the_transaction() -> None:
    state = holding(a=timed(expiry=NOW))
    state.put(A, None)
    commit(state)

    assert state.get(A) is None
    assert len(state) == 0
    assert expired(state) == []


def test_tombstone_in_the_changelog_forgets_the_transaction() -> None:
    state = PartitionState()
    state.load(A, timed(alarm=NOW).encode())
    state.load(A, None)
    state.load(B, None)
    state.loaded()

    assert len(state) == 0
    assert due(state) == []


def test_alarms_come_in_the_order_of_time_and_not_before() -> None:
    state = holding(a=timed(alarm=NOW), b=timed(alarm=NOW - 5), c=timed(alarm=NOW + 1))

    assert due(state) == [B, A]


def test_alarms_are_given_out_in_bounded_portions() -> None:
    state = holding(a=timed(alarm=NOW - 3), b=timed(alarm=NOW - 2), c=timed(alarm=NOW - 1))

    assert due(state, count_max=2) == [A, B]
    assert due(state, count_max=2) == [C]


def test_aborted_alarms_are_due_again() -> None:
    state = holding(a=timed(alarm=NOW), b=timed(alarm=NOW))
    first = due(state)
    state.put(A, timed())
    state.put(B, timed())

    state.abort()

    assert due(state) == first == [A, B]


def test_committed_alarm_is_not_due_again() -> None:
    state = holding(a=timed(alarm=NOW))
    due(state)
    state.put(A, timed())
    commit(state)

    assert due(state, NOW + 10) == []


def test_transaction_whose_alarm_moved_nearer_is_given_out_once() -> None:
    """Two entries stand in the heap then, and both are due when nobody looked for a while."""
    state = holding(a=timed(alarm=NOW - 1))
    state.put(A, timed(alarm=NOW - 5, sequence=2))
    commit(state)

    assert due(state) == [A]


def test_transaction_whose_alarm_moved_away_is_due_at_its_new_time() -> None:
    state = holding(a=timed(alarm=NOW - 5))
    state.put(A, timed(alarm=NOW + 5))
    commit(state)

    assert due(state) == []
    assert due(state, NOW + 5) == [A]


def test_transaction_touched_by_the_batch_does_not_expire_in_it() -> None:
    state = holding(a=timed(expiry=NOW))
    state.put(A, timed(expiry=NOW + 50))

    assert expired(state) == []


def test_aborted_batch_gives_the_former_expiry_back() -> None:
    state = holding(a=timed(expiry=NOW))
    state.put(A, timed(expiry=NOW + 50))
    expired(state)

    state.abort()

    assert expired(state) == [A]


def test_committed_batch_expires_at_its_new_time() -> None:
    state = holding(a=timed(expiry=NOW))
    state.put(A, timed(expiry=NOW + 50))
    expired(state)
    commit(state)

    assert expired(state, NOW + 49) == []
    assert expired(state, NOW + 50) == [A]


def test_timers_do_not_grow_with_the_number_of_updates() -> None:
    state = holding()
    for number in range(1_000):
        state.put(A, timed(alarm=NOW + number, expiry=NOW + number, sequence=number + 1))
        assert expired(state, NOW + number - 10) == []
        commit(state)

    assert entries(state) == 2


def test_timers_do_not_grow_with_aborted_batches() -> None:
    state = holding(a=timed(alarm=NOW, expiry=NOW), b=timed(expiry=NOW))
    for _ in range(100):
        due(state)
        state.put(A, timed(expiry=NOW + 50))
        expired(state)
        state.abort()

    assert entries(state) == 3


def test_count_is_that_of_committed_transactions() -> None:
    state = holding(a=timed())
    state.put(B, timed())

    assert len(state) == 1
    commit(state)
    assert len(state) == 2


def test_alarm_that_rang_and_was_set_anew_rings_again() -> None:
    """Of several things that are held, each has its own time."""
    state = holding(a=timed(alarm=NOW))
    assert due(state) == [A]
    state.put(A, timed(alarm=NOW + 80, sequence=2))

    commit(state)

    assert due(state, NOW + 79) == []
    assert due(state, NOW + 80) == [A]


def test_alarm_that_rang_for_the_last_time_leaves_no_entry() -> None:
    state = holding(a=timed(alarm=NOW))
    assert due(state) == [A]
    state.put(A, timed(sequence=2))

    commit(state)

    assert due(state, NEVER - 1) == []
    assert entries(state) == 1  # its expiry


def test_overdue_transactions_are_counted_until_a_final_status() -> None:
    late = Snapshot(status="PROCESSING", overdue=True)
    state = PartitionState(frozenset({"PAID"}))
    state.load(A, late.encode())
    state.load(B, timed().encode())
    state.loaded()
    restored = state.overdue

    state.put(B, late)
    commit(state)
    both = state.overdue
    state.put(A, replace(late, status="PAID"))
    state.put(B, None)
    commit(state)

    assert (restored, both, state.overdue) == (1, 2, 0)
