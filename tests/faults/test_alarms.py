"""Processes that die, and elements that fail, while alarms ring."""

import signal

import pytest

from contracts.codes import RejectionCode
from contracts.dead_letter import CODE, ERROR_EXCEPTION
from contracts.topics import Topics
from tests.faults.odd_worker import POISONOUS
from tests.faults.pipeline import PARTITIONS, Pipeline, working
from tests.faults.settling import STATUSES, transaction, write

TRANSACTIONS = 12


async def put(pipeline: Pipeline, names: list[str]) -> None:
    """Write the updates of transactions of these names into the verified topic."""
    updates = [one for number, name in enumerate(names) for one in transaction(name, number)]
    topics = Topics.of("pivot", prefix=pipeline.prefix)
    await write(pipeline.bootstrap_servers, topics, updates)


@pytest.mark.parametrize("point", ["produced", "committed"])
async def test_worker_killed_while_alarms_ring_neither_repeats_nor_forgets(
    pipeline: Pipeline, marker: str, point: str
) -> None:
    doomed = pipeline.odd_worker(
        "state-machine", "--mutant", "names-alarms", "--kill-at", f"alarm-{point}"
    )
    await working(doomed)

    await put(pipeline, [f"{marker}-{number}" for number in range(TRANSACTIONS)])
    exit_code = await doomed.ended()
    heir = pipeline.worker("state-machine")
    await working(heir)
    client = pipeline.client(marker)
    verdict = await pipeline.judged(f"state machine killed at alarm-{point}", client)
    async with pipeline.reader() as reader:
        history = await reader.read(marker, ())

    assert exit_code == -signal.SIGKILL
    assert verdict.violations == ()
    assert verdict.status_events == TRANSACTIONS * len(STATUSES)
    assert [one.json()["code"] for one in history.anomalies] == ["overdue"] * TRANSACTIONS
    assert await heir.stop() == 0


async def test_element_that_fails_is_poisoned_and_all_others_settle(
    pipeline: Pipeline, marker: str
) -> None:
    worker = pipeline.odd_worker("state-machine", "--fragile")
    await working(worker)
    names = [f"{marker}-{number}" for number in range(TRANSACTIONS)]

    await put(pipeline, [*names, f"{marker}-{POISONOUS.decode()}"])
    verdict = await pipeline.judged("one element fails", pipeline.client(marker))
    async with pipeline.reader() as reader:
        (letter,) = (await reader.read(marker, ())).rejected

    assert verdict.violations == ()
    assert verdict.status_events == (TRANSACTIONS + 1) * len(STATUSES) - 1
    assert letter.headers[CODE].decode() == RejectionCode.POISONED
    assert letter.headers[ERROR_EXCEPTION] == b"ZeroDivisionError"
    assert worker.count("record.poisoned") == 1
    assert worker.count("partition.taken") == PARTITIONS
    assert worker.count("batch.delayed") == 0
    assert await worker.stop() == 0
