"""Measure what one live transaction costs in the state machine's memory."""

import gc

import psutil

from workers.state_machine.partition_state import PartitionState
from workers.state_machine.snapshot import Snapshot

TRANSACTIONS = 200_000
_BATCH = 500
_SOON = 1_790_000_000_000


def bytes_per_transaction() -> float:
    """Return the growth by one transaction with two facts, a deadline and an expiry."""
    process = psutil.Process()
    state = PartitionState()
    gc.collect()
    before = process.memory_info().rss
    for first in range(0, TRANSACTIONS, _BATCH):
        for number in range(first, first + _BATCH):
            key = f"pivot:bca0b57a-391e-4f6f-bfef-{number:012d}".encode()
            state.put(key, _snapshot(number))
        state.commit(state.changes())
    gc.collect()
    return (process.memory_info().rss - before) / TRANSACTIONS


def _snapshot(number: int) -> Snapshot:
    digest = "0123456789abcdef"
    return Snapshot(
        alarm=_SOON + number,
        expiry=_SOON + number,
        status="PROCESSING",
        sequence=1,
        facts={"REQUIRE_ACTION": digest, "PROCESSING": digest},
        expected=True,
        deadline=_SOON + number,
    )
