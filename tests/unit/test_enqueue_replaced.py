"""A producer that has failed is replaced, and nothing of what it held is held for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest
import structlog
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from ingress.enqueue import Enqueuer
from ingress.waiting import Room, Waiting
from runtime.metrics import Metrics

BODY: Final = b"{}"
WAIT_SECONDS_MAX: Final = 5.0


class Producer:
    """As much of aiokafka's producer as the enqueuer uses; partition 0 of the first one fails."""

    made: Final[list["Producer"]] = []

    def __init__(self) -> None:
        self.is_broken = not self.made
        self.made.append(self)

    async def start(self) -> None:
        """Do nothing: it is connected."""

    async def stop(self) -> None:
        """Give up on what is unanswered, as after a flush that was cut off."""

    async def partitions_for(self, topic: str) -> set[int]:
        del topic
        return {0, 1}

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(1_024, 0, is_transactional=False)

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[Any]:
        del batch, topic
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if not self.is_broken:
            answer.set_result(None)
        elif partition == 0:
            asyncio.get_running_loop().call_later(0.05, answer.set_exception, KafkaError("gone"))
        return answer


@pytest.fixture
async def enqueuer() -> AsyncIterator[Enqueuer]:
    Producer.made.clear()
    metrics = Metrics()
    enqueuer = Enqueuer(
        "topic",
        Producer,
        confirm_seconds=0.02,
        linger_seconds=0,
        log=structlog.get_logger(),
        seconds=metrics.histogram("esito_ingress_confirm_seconds"),
    )
    enqueuer.start()
    await until(lambda: enqueuer.ready)
    yield enqueuer
    await enqueuer.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def put_one(enqueuer: Enqueuer, room: Waiting, *, batches: int) -> asyncio.Future[bool]:
    """Put a callback and wait until it is under way in a batch of its own."""
    room.reserve(len(BODY))
    waiter = enqueuer.put([], BODY, room, 0)
    await until(lambda: enqueuer._producer.under_way >= batches)  # noqa: SLF001 - nothing tells
    return waiter


async def test_failed_producer_with_an_unanswered_batch_leaves_the_enqueuer_ready_again(
    enqueuer: Enqueuer,
) -> None:
    """The unanswered batch stayed given up for ever before, and every callback was answered 503."""
    own = Room(10, 1_000)
    room = Waiting(own, Room(10, 1_000))
    waiters = [await put_one(enqueuer, room, batches=number) for number in (1, 2)]

    await until(lambda: len(Producer.made) == 2 and enqueuer.ready)

    assert await asyncio.gather(*waiters) == [False, False]
    assert (own.callbacks, own.bytes) == (0, 0)
    room.reserve(len(BODY))
    assert await enqueuer.put([], BODY, room, 0)


async def test_stopped_enqueuer_makes_no_new_producer(enqueuer: Enqueuer) -> None:
    room = Waiting(Room(10, 1_000), Room(10, 1_000))
    waiter = await put_one(enqueuer, room, batches=1)

    await enqueuer.stop()

    assert not await waiter
    assert not enqueuer.ready
    assert len(Producer.made) == 1
