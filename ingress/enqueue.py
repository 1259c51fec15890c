"""Store records in one raw topic, many in a batch, and tell each caller what Kafka confirmed.

aiokafka keeps one produce request in flight to a broker and one batch of a partition in it, so
records are batched here while a request is under way: one future for a batch instead of one for a
record.

A record whose confirmation did not come in time is not taken back: it may be stored all the same,
and its caller, who heard 503, sends it again. Its room stays taken until Kafka answers, which
bounds the memory.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from prometheus_client import Histogram

from ingress.waiting import Waiting
from runtime.lasting_producer import LastingProducer
from runtime.log_events import LogEvent
from runtime.telemetry import Logger

_IN_FLIGHT: Final = 2  # one on the wire, one ready to follow
_PATIENCE_SECONDS: Final = 0.02  # a slow partition must not hold up the others


@dataclass(slots=True)
class _Batch:
    builder: BatchBuilder
    opened: float
    give_up: asyncio.TimerHandle
    waiters: list[asyncio.Future[bool]] = field(default_factory=list)
    room: list[tuple[Waiting, int]] = field(default_factory=list)
    given_up: bool = False


class Enqueuer:
    """The way into one raw topic."""

    def __init__(
        self,
        topic: str,
        make_producer: Callable[[], AIOKafkaProducer],
        *,
        confirm_seconds: float,
        linger_seconds: float,
        log: Logger,
        seconds: Histogram,
    ) -> None:
        """Bind to a topic; nothing is started. `seconds` is a metric."""
        self._topic = topic
        self._confirm_seconds = confirm_seconds
        self._linger_seconds = linger_seconds
        self._log = log.bind(topic=topic)
        self._producer = LastingProducer(
            topic, make_producer, on_connected=self._connected, log=self._log
        )
        self._seconds = seconds
        self._confirmed = float("-inf")
        self._free: deque[int] = deque()
        self._open: _Batch | None = None
        self._sealed: deque[_Batch] = deque()
        self._given_up = 0
        self._tick: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> bool:
        """Tell whether Kafka's metadata of the topic is known and it confirms in time.

        One partition whose leader is away holds one batch and stalls nobody: the others take the
        callbacks, as long as one of them is free or has confirmed lately.
        """
        if self._producer.current is None or not self._given_up:
            return self._producer.current is not None
        lately = asyncio.get_running_loop().time() - self._confirmed < self._confirm_seconds
        return lately or bool(self._free)

    def start(self) -> None:
        """Begin to connect, and try until it works."""
        self._producer.start()

    def put(
        self, headers: Sequence[tuple[str, bytes]], body: bytes, room: Waiting, kept: int
    ) -> asyncio.Future[bool]:
        """Add a record; the future says whether Kafka confirmed it in time.

        The `room` that was reserved for the body and `kept` bytes of the head is given back once
        Kafka has answered, in time or not. Call only while `ready`.
        """
        batch = self._open
        # Nobody would hear in time of a record in a batch whose time is over.
        if batch is None or batch.given_up or not _append(batch, headers, body):
            self._seal()
            self._pump()
            batch = self._open_batch()
            _append(batch, headers, body)
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        batch.waiters.append(waiter)
        batch.room.append((room, kept + len(body)))
        return waiter

    async def stop(self) -> None:
        """Close the connection; what is not confirmed by now was never answered 2xx."""
        if self._tick:
            self._tick.cancel()
        await self._producer.stop()

    def _connected(self, partitions: Sequence[int]) -> None:
        self._free = deque(partitions)
        self._pump()

    def _open_batch(self) -> _Batch:
        if self._producer.current is None:
            raise RuntimeError("put was called while not ready")
        loop = asyncio.get_running_loop()
        batch: _Batch = _Batch(
            self._producer.current.create_batch(),
            loop.time(),
            loop.call_later(self._confirm_seconds, lambda: self._give_up(batch)),
        )
        self._open = batch
        self._arm()
        return batch

    def _arm(self) -> None:
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(self._linger_seconds, self._lingered)

    def _lingered(self) -> None:
        self._tick = None
        if self._open is None:
            return
        waited = asyncio.get_running_loop().time() - self._open.opened
        if self._producer.under_way < _IN_FLIGHT or waited > _PATIENCE_SECONDS:
            self._seal()
            self._pump()
        else:
            self._arm()

    def _seal(self) -> None:
        if self._open is not None:
            self._sealed.append(self._open)
            self._open = None

    def _pump(self) -> None:
        """Hand sealed batches to partitions that have none, as many as there are of both."""
        producer = self._producer.current
        while self._sealed and self._free and producer is not None:
            batch, partition = self._sealed.popleft(), self._free.popleft()
            delivery = self._producer.deliver(self._deliver(producer, batch, partition))
            delivery.add_done_callback(self._delivered)

    def _delivered(self, _delivery: asyncio.Task[None]) -> None:
        if self._open is not None and not self._tick:
            self._arm()
        self._pump()

    async def _deliver(self, producer: AIOKafkaProducer, batch: _Batch, partition: int) -> None:
        confirmed = False
        try:
            await (await producer.send_batch(batch.builder, self._topic, partition=partition))
            confirmed = True
        except Exception as error:  # noqa: BLE001 - whatever it is, this producer cannot go on
            self._producer.replace(producer, error)
        finally:
            self._end(batch, confirmed=confirmed)
            if producer is self._producer.current:
                self._free.append(partition)

    def _end(self, batch: _Batch, *, confirmed: bool) -> None:
        batch.give_up.cancel()
        for waiter in batch.waiters:
            if not waiter.done():
                waiter.set_result(confirmed)
        for room, size in batch.room:
            room.release(size)
        if confirmed:
            self._confirmed = asyncio.get_running_loop().time()
            self._seconds.observe(self._confirmed - batch.opened)
        if batch.given_up:
            self._given_up -= 1
            if confirmed and not self._given_up:
                self._log.info(LogEvent.KAFKA_RECOVERED)

    def _give_up(self, batch: _Batch) -> None:
        """Let the callers of a batch hear 503; the batch itself stays on its way."""
        batch.given_up = True
        if not self._given_up:
            self._log.error(LogEvent.KAFKA_STALLED, seconds=self._confirm_seconds)
        self._given_up += 1
        for waiter in batch.waiters:
            if not waiter.done():
                waiter.set_result(False)


def _append(batch: _Batch, headers: Sequence[tuple[str, bytes]], body: bytes) -> bool:
    """Add a record; False when the batch is full (an empty one takes a record of any size)."""
    taken = batch.builder.append(timestamp=None, key=None, value=body, headers=headers)
    return taken is not None
