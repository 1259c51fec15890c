"""Looking ahead: in the order of the partition, remembered, and never an error of the record."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from contracts.errors import Broken, Unavailable
from contracts.raw import RawCallback, Source
from tests.updates import at
from workers.processor import InputRecord
from workers.verifier.fair_turns import FairTurns
from workers.verifier.finder import Wanted
from workers.verifier.lookups import AHEAD_MAX, Lookups


@dataclass
class Doors:
    """A finder whose answers a test lets through one by one."""

    open: dict[int, asyncio.Event] = field(default_factory=dict)
    failures: dict[int, list[Exception]] = field(default_factory=dict)
    begun: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)

    async def complete(self, wanted: Wanted, key: Hashable) -> None:
        offset: int = wanted.needs["offset"]
        self.begun.append(offset)
        try:
            if offset in self.open:
                await self.open[offset].wait()
        except asyncio.CancelledError:
            self.cancelled.append(offset)
            raise
        if self.failures.get(offset):
            raise self.failures[offset].pop(0)
        wanted.found["key"] = key

    def shut(self, offset: int) -> asyncio.Event:
        self.open[offset] = asyncio.Event()
        return self.open[offset]


def records(*offsets: int) -> list[InputRecord]:
    return [
        ConsumerRecord(
            topic="raw",
            partition=0,
            offset=offset,
            timestamp=0,
            timestamp_type=0,
            key=None,
            value=b"",
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            headers=(),
        )
        for offset in offsets
    ]


def wanted(record: InputRecord) -> Wanted | None:
    """Want something for every record but those with an odd offset."""
    if record.offset % 2:
        return None
    callback = RawCallback(
        body=b"",
        callback_id="c",
        endpoint="send-it",
        source=Source.REQUEST,
        received_at=at(),
        method="POST",
        target_uri="https://example.org",
        principal="",
    )
    return Wanted(callback, {"offset": record.offset})


def lookups(doors: Doors) -> Lookups:
    finders: dict[str, Any] = {"send-it": doors}
    return Lookups(wanted, finders, key=7)


async def settled() -> None:
    """Let every task come to where it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_all_are_ready_where_nothing_is_needed() -> None:
    doors = Doors()

    assert await lookups(doors).prepare(records(1, 3, 5)) == 3
    assert doors.begun == []


async def test_records_before_a_slow_one_are_ready_at_once_and_those_behind_wait() -> None:
    doors = Doors()
    door, mine = doors.shut(4), lookups(doors)

    first = await mine.prepare(records(0, 1, 2, 4, 5, 6))
    await settled()
    again = await mine.prepare(records(0, 1, 2, 4, 5, 6))
    slow = asyncio.create_task(mine.prepare(records(4, 5, 6)))
    await settled()
    waiting = not slow.done()
    door.set()

    assert 1 <= first <= again == 3
    assert waiting
    assert await slow == 3
    assert doors.begun == [0, 2, 4, 6]


async def test_what_was_found_is_the_record_s_evidence_until_it_is_committed() -> None:
    mine = lookups(Doors())
    zero, one, two = records(0, 1, 2)

    await mine.prepare([zero, one, two])
    await mine.prepare([zero, one, two])
    before = mine.evidence(zero), mine.evidence(one), mine.evidence(two)
    mine.forget(0)

    assert before == ({"key": 7}, {}, {"key": 7})
    assert (mine.evidence(zero), mine.evidence(two)) == ({}, {"key": 7})


@pytest.mark.parametrize("failure", [Unavailable("away"), Broken("rights")])
async def test_record_waits_for_what_is_away_and_is_looked_up_anew(failure: Exception) -> None:
    doors = Doors(failures={0: [failure]})
    mine = lookups(doors)

    with pytest.raises(Unavailable, match=str(failure)):
        await mine.prepare(records(0, 2))

    assert await mine.prepare(records(0, 2)) == 2
    assert doors.begun == [0, 2, 0]


async def test_what_is_away_holds_up_only_those_behind_it() -> None:
    doors = Doors(failures={2: [Unavailable("away")]})
    mine = lookups(doors)

    await mine.prepare(records(0, 2, 4))
    await settled()

    assert await mine.prepare(records(0, 2, 4)) == 1
    with pytest.raises(Unavailable):
        await mine.prepare(records(2, 4))
    assert await mine.prepare(records(2, 4)) == 2


async def test_failure_that_nobody_foresaw_is_told_where_the_record_is_processed() -> None:
    mine = lookups(Doors(failures={0: [ZeroDivisionError("x")]}))
    (record,) = records(0)

    ready = await mine.prepare([record])

    assert ready == 1
    with pytest.raises(ZeroDivisionError):
        mine.evidence(record)


async def test_no_more_records_are_looked_up_ahead_than_the_bound() -> None:
    doors = Doors()
    doors.shut(0)
    all_records = records(*range(0, 4 * AHEAD_MAX, 2))

    mine = lookups(doors)
    task = asyncio.create_task(mine.prepare(all_records))
    await settled()

    assert len(doors.begun) == AHEAD_MAX
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await mine.close()


async def test_close_ends_what_is_under_way_and_waits_for_it() -> None:
    doors = Doors()
    doors.shut(2)
    doors.shut(4)
    mine = lookups(doors)
    await mine.prepare(records(0, 2, 4))
    await settled()

    await mine.close()

    assert doors.cancelled == [2, 4]


async def test_turns_are_given_to_each_key_in_turn() -> None:
    turns, order = FairTurns(1), list[str]()
    release = asyncio.Event()

    async def work(key: str) -> None:
        async with turns.place(key[0]):
            order.append(key)
            await release.wait()

    tasks = [asyncio.create_task(work(key)) for key in ("a1", "a2", "a3", "b1", "b2", "c1")]
    await settled()
    release.set()
    await asyncio.gather(*tasks)

    assert order == ["a1", "a2", "b1", "c1", "a3", "b2"]


@pytest.mark.parametrize("cancel", [(1,), (1, 2), (0,), (0, 1)])
async def test_places_survive_whoever_is_cancelled(cancel: Sequence[int]) -> None:
    turns = FairTurns(1)
    hold = asyncio.Event()

    async def work() -> None:
        async with turns.place(0):
            await hold.wait()

    tasks = [asyncio.create_task(work()) for _ in range(3)]
    await settled()
    for number in cancel:
        tasks[number].cancel()
    await settled()
    hold.set()
    await asyncio.gather(*tasks, return_exceptions=True)

    async with asyncio.timeout(60), turns.place(0):
        pass


async def test_place_that_is_given_and_given_up_at_once_is_passed_on() -> None:
    """The future is set, and its task cancelled, before the task runs again."""
    turns = FairTurns(1)
    first = turns.place("a")
    await first.__aenter__()
    waiting = asyncio.create_task(_hold(turns, lambda: None))
    await settled()

    await first.__aexit__(None, None, None)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    async with asyncio.timeout(60), turns.place("c"):
        pass


async def _hold(turns: FairTurns, then: Callable[[], None]) -> None:
    async with turns.place("b"):
        then()
