"""Callbacks go to Kafka in batches; callers hear in time, and room is held until Kafka answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import pytest
import structlog
from aiokafka.errors import KafkaConnectionError
from aiokafka.producer.message_accumulator import BatchBuilder

from ingress.enqueue import Enqueuer
from ingress.waiting import Room, Waiting
from runtime.metrics import Metrics

pytestmark = pytest.mark.timeout(30)

BODY: Final = b"0123456789"
KEPT: Final = 7  # bytes of a head
SOON_SECONDS: Final = 0.25
NEVER_SECONDS: Final = 60.0
WAIT_SECONDS_MAX: Final = 10.0


class Producer:
    """As much of aiokafka's producer as the enqueuer uses; the test answers for Kafka."""

    def __init__(
        self, partitions: int = 1, *, batch_bytes: int = 1_000, fails: bool = False
    ) -> None:
        self.answers: list[asyncio.Future[None]] = []
        self.partitions: list[int] = []
        self.counts: list[int] = []
        self.is_stopped = False
        self._numbers = set(range(partitions))
        self._batch_bytes = batch_bytes
        self._fails = fails

    async def start(self) -> None:
        if self._fails:
            raise KafkaConnectionError("no broker")

    async def stop(self) -> None:
        self.is_stopped = True

    async def partitions_for(self, topic: str) -> set[int]:
        del topic
        return self._numbers

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(self._batch_bytes, 0, is_transactional=False)

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[None]:
        del topic
        self.partitions.append(partition)
        self.counts.append(batch.record_count())
        self.answers.append(asyncio.get_running_loop().create_future())
        return self.answers[-1]


class Rig:
    """An enqueuer with the rooms that its callbacks take."""

    def __init__(self, producers: list[Producer], **changes: float) -> None:
        self.own = Room(1_000, 100_000)
        self.producers = list(producers)
        made = iter(producers)
        settings = {"confirm_seconds": NEVER_SECONDS, "linger_seconds": 0.0, **changes}
        self.enqueuer = Enqueuer(
            "topic",
            lambda: next(made),
            confirm_seconds=settings["confirm_seconds"],
            linger_seconds=settings["linger_seconds"],
            log=structlog.get_logger(),
            seconds=Metrics().histogram("esito_ingress_confirm_seconds"),
        )
        self._waiting = Waiting(self.own, Room(1_000, 100_000))

    def put(self, body: bytes = BODY) -> asyncio.Future[bool]:
        self._waiting.reserve(KEPT + len(body))
        return self.enqueuer.put([("name", b"value")], body, self._waiting, KEPT)

    async def answered(self, waiters: list[asyncio.Future[bool]]) -> None:
        """Confirm whatever is sent until all waiters know."""
        while not all(waiter.done() for waiter in waiters):
            for answer in (one for producer in self.producers for one in producer.answers):
                if not answer.done():
                    answer.set_result(None)
            await asyncio.sleep(0)

    async def sent(self, batches: int) -> None:
        await until(lambda: sum(len(one.counts) for one in self.producers) >= batches)


@asynccontextmanager
async def started(*producers: Producer, **changes: float) -> AsyncIterator[Rig]:
    rig = Rig(list(producers), **changes)
    rig.enqueuer.start()
    await until(lambda: rig.enqueuer.ready)
    yield rig
    await rig.enqueuer.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)


async def outcomes(waiters: list[asyncio.Future[bool]]) -> list[bool]:
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        return list(await asyncio.gather(*waiters))


async def test_callbacks_within_the_linger_go_as_one_batch() -> None:
    producer = Producer()
    async with started(producer, linger_seconds=SOON_SECONDS) as rig:
        waiters = [rig.put() for _ in range(5)]
        await rig.sent(1)
        producer.answers[0].set_result(None)

        assert await outcomes(waiters) == [True] * 5
        assert producer.counts == [5]


async def test_full_batch_is_followed_by_another() -> None:
    producer = Producer(2, batch_bytes=400)
    async with started(producer) as rig:
        waiters = [rig.put(b"x" * 100) for _ in range(3)]
        await rig.sent(2)
        for answer in producer.answers:
            answer.set_result(None)

        assert await outcomes(waiters) == [True] * 3
        assert sum(producer.counts) == 3


async def test_callback_larger_than_a_batch_goes_alone() -> None:
    producer = Producer(batch_bytes=300)
    async with started(producer) as rig:
        waiter = rig.put(b"x" * 10_000)
        await rig.sent(1)
        producer.answers[0].set_result(None)

        assert await waiter


async def test_while_two_requests_are_under_way_callbacks_gather_for_a_while() -> None:
    """Then a third partition is used all the same: a slow one must not hold up the others."""
    producer = Producer(3)
    async with started(producer) as rig:
        first = [rig.put()]
        await rig.sent(1)
        first.append(rig.put())
        await rig.sent(2)

        gathered, began = [], time.monotonic()
        for _ in range(4):
            gathered.append(rig.put())
            await asyncio.sleep(0)  # a loop's turn, in which a linger of 0 s ends
        patient_seconds = time.monotonic() - began
        await rig.sent(3)

        await rig.answered([*first, *gathered])
        assert producer.counts[2] == 4 or patient_seconds > 0.02


async def test_partition_has_one_batch_at_a_time() -> None:
    producer = Producer(1)
    async with started(producer, confirm_seconds=NEVER_SECONDS) as rig:
        first = rig.put()
        await rig.sent(1)
        second = rig.put()
        await until(lambda: len(rig.enqueuer._sealed) == 1)  # noqa: SLF001 - nothing tells
        assert producer.counts == [1]

        producer.answers[0].set_result(None)
        await rig.sent(2)
        producer.answers[1].set_result(None)

        assert await outcomes([first, second]) == [True, True]


async def test_late_confirmation_caller_heard_false_and_room_is_held_until_then() -> None:
    producer = Producer(1)
    async with started(producer, confirm_seconds=SOON_SECONDS) as rig:
        waiter = rig.put()

        assert not await waiter
        assert (rig.own.callbacks, rig.own.bytes) == (1, KEPT + len(BODY))
        assert not rig.enqueuer.ready

        producer.answers[0].set_result(None)
        await until(lambda: rig.enqueuer.ready)
        assert (rig.own.callbacks, rig.own.bytes) == (0, 0)


async def test_one_partition_silent_the_others_go_on() -> None:
    """A leader that is away stalls its own partition, not the endpoint."""
    producer = Producer(2)
    async with started(producer, confirm_seconds=SOON_SECONDS) as rig:
        assert not await rig.put()

        assert rig.enqueuer.ready
        waiter = rig.put()
        await rig.sent(2)
        producer.answers[1].set_result(None)

        assert await waiter
        assert producer.partitions == [0, 1]
        producer.answers[0].set_result(None)


async def test_all_partitions_silent_is_not_ready() -> None:
    producer = Producer(2)
    async with started(producer, confirm_seconds=SOON_SECONDS) as rig:
        waiters = [rig.put()]
        await rig.sent(1)
        waiters.append(rig.put())
        await rig.sent(2)

        assert await outcomes(waiters) == [False, False]
        assert not rig.enqueuer.ready
        for answer in producer.answers:
            answer.set_result(None)


async def test_failed_batch_is_answered_false_and_its_producer_replaced() -> None:
    broken, good = Producer(), Producer()
    async with started(broken, good) as rig:
        first = rig.put()
        await rig.sent(1)
        broken.answers[0].set_exception(KafkaConnectionError("gone"))
        assert not await first
        await until(lambda: rig.enqueuer.ready)

        second = rig.put()
        await rig.sent(2)
        good.answers[0].set_result(None)

        assert await second
        assert broken.is_stopped
        assert (rig.own.callbacks, rig.own.bytes) == (0, 0)


async def test_callbacks_that_wait_while_a_producer_is_replaced_go_by_the_new_one() -> None:
    broken, good = Producer(), Producer()
    async with started(broken, good) as rig:
        failed = rig.put()
        await rig.sent(1)
        kept = rig.put()
        await until(lambda: len(rig.enqueuer._sealed) == 1)  # noqa: SLF001 - nothing tells
        broken.answers[0].set_exception(ValueError("not even a KafkaError"))
        await rig.sent(2)
        good.answers[0].set_result(None)

        assert await outcomes([failed, kept]) == [False, True]


async def test_no_broker_is_tried_again_until_there_is_one() -> None:
    absent, good = Producer(fails=True), Producer()

    async with started(absent, good) as rig:
        assert absent.is_stopped
        assert rig.enqueuer.ready


async def test_put_while_not_ready_is_an_error_of_the_caller() -> None:
    rig = Rig([Producer()])

    with pytest.raises(RuntimeError, match="not ready"):
        rig.put()


@pytest.mark.parametrize("is_connected", [False, True])
async def test_stop_ends_what_was_started(*, is_connected: bool) -> None:
    producer = Producer(fails=not is_connected)
    rig = Rig([producer, Producer()])
    rig.enqueuer.start()
    await until(lambda: rig.enqueuer.ready if is_connected else producer.is_stopped)

    await rig.enqueuer.stop()

    assert producer.is_stopped
    assert not rig.enqueuer.ready
