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
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from prometheus_client import Histogram

from ingress.waiting import Waiting
from runtime.kafka_refusals import log_refusal
from runtime.log_events import LogEvent
from runtime.telemetry import Logger

_IN_FLIGHT: Final = 2  # one on the wire, one ready to follow
_PATIENCE_SECONDS: Final = 0.02  # a slow partition must not hold up the others
_CONNECT_SECONDS: Final = 30.0  # the client tries for ever where a broker accepts and is silent
_RETRY_SECONDS: Final = 1.0
STOP_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Batch:
    builder: BatchBuilder
    opened: float
    give_up: asyncio.TimerHandle
    waiters: list[asyncio.Future[bool]] = field(default_factory=list)
    room: list[tuple[Waiting, int]] = field(default_factory=list)
    given_up: bool = False


class Enqueuer:
    """The way into one raw topic; it owns its producer and replaces one that has failed."""

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
        self._make_producer = make_producer
        self._confirm_seconds = confirm_seconds
        self._linger_seconds = linger_seconds
        self._log = log.bind(topic=topic)
        self._seconds = seconds
        self._confirmed = float("-inf")
        self._producer: AIOKafkaProducer | None = None
        self._starting: asyncio.Task[None] | None = None
        self._free: deque[int] = deque()
        self._deliveries: set[asyncio.Task[None]] = set()
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
        if self._producer is None or not self._given_up:
            return self._producer is not None
        lately = asyncio.get_running_loop().time() - self._confirmed < self._confirm_seconds
        return lately or bool(self._free)

    def start(self) -> None:
        """Begin to connect, and try until it works."""
        self._starting = asyncio.create_task(self._connect())

    def put(
        self, headers: Sequence[tuple[str, bytes]], body: bytes, room: Waiting
    ) -> asyncio.Future[bool]:
        """Add a record; the future says whether Kafka confirmed it in time.

        The reserved `room` for the body is given back once Kafka has answered, in time or not. Call
        only while `ready`.
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
        batch.room.append((room, len(body)))
        return waiter

    async def stop(self) -> None:
        """Close the connection; what is not confirmed by now was never answered 2xx."""
        if self._starting:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._tick:
            self._tick.cancel()
        producer, self._producer = self._producer, None  # what fails from now on is not replaced
        await self._drop(producer)

    async def _connect(self, *, said: bool = False) -> None:
        """Try until a producer knows the topic's partitions; `said`: the log knows of the stall."""
        refused = ""
        while True:
            producer = self._make_producer()
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await producer.start()
                    partitions = sorted(await producer.partitions_for(self._topic))
            except asyncio.CancelledError:
                await _close(producer)
                raise
            except Exception as error:  # noqa: BLE001 - if this loop ended, all would be 503 for ever
                await _close(producer)
                if not said:
                    self._log.warning(LogEvent.KAFKA_STALLED, exception=type(error).__name__)
                    said = True
                refused = log_refusal(self._log, error, said=refused)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._free = deque(partitions)
            self._producer = producer
            if said:
                self._log.info(LogEvent.KAFKA_RECOVERED)
            self._pump()
            return

    def _open_batch(self) -> _Batch:
        if self._producer is None:
            raise RuntimeError("put was called while not ready")
        loop = asyncio.get_running_loop()
        batch: _Batch = _Batch(
            self._producer.create_batch(),
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
        if len(self._deliveries) < _IN_FLIGHT or waited > _PATIENCE_SECONDS:
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
        while self._sealed and self._free and self._producer is not None:
            batch, partition = self._sealed.popleft(), self._free.popleft()
            delivery = asyncio.create_task(self._deliver(self._producer, batch, partition))
            self._deliveries.add(delivery)
            delivery.add_done_callback(self._delivered)

    def _delivered(self, delivery: asyncio.Task[None]) -> None:
        self._deliveries.discard(delivery)
        if self._open is not None and not self._tick:
            self._arm()
        self._pump()

    async def _deliver(self, producer: AIOKafkaProducer, batch: _Batch, partition: int) -> None:
        confirmed = False
        try:
            await (await producer.send_batch(batch.builder, self._topic, partition=partition))
            confirmed = True
        except Exception as error:  # noqa: BLE001 - whatever it is, this producer cannot go on
            self._replace(producer, error)
        finally:
            self._end(batch, confirmed=confirmed)
            if producer is self._producer:
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

    def _replace(self, producer: AIOKafkaProducer, error: Exception) -> None:
        """Drop a producer that has failed: an idempotent one cannot skip a batch and go on."""
        if producer is not self._producer:
            return
        self._log.error(LogEvent.KAFKA_STALLED, exception=type(error).__name__)
        log_refusal(self._log, error)
        self._producer = None
        self._starting = asyncio.create_task(self._exchange(producer))

    async def _exchange(self, producer: AIOKafkaProducer) -> None:
        await self._drop(producer)
        await self._connect(said=True)

    async def _drop(self, producer: AIOKafkaProducer | None) -> None:
        """Close a producer; what it has not delivered by then ends, and gives back its room."""
        await _close(producer)
        left = tuple(self._deliveries)
        for delivery in left:
            delivery.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _append(batch: _Batch, headers: Sequence[tuple[str, bytes]], body: bytes) -> bool:
    """Add a record; False when the batch is full (an empty one takes a record of any size)."""
    taken = batch.builder.append(timestamp=None, key=None, value=body, headers=headers)
    return taken is not None


async def _close(producer: AIOKafkaProducer | None) -> None:
    if producer is not None:
        # A producer whose broker is away would flush for ever.
        try:
            await asyncio.wait_for(producer.stop(), STOP_SECONDS)
        except (TimeoutError, KafkaError):
            await producer.client.close()
