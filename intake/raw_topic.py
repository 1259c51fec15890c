"""Put records into the raw topic, many in a batch; a confirmation is every in-sync replica's.

Batches go to the partitions in turn, each partition has one under way. What is not confirmed in
time is not taken back: it may be stored all the same. Its request is in the database, so it is sent
again, and the state machine sees a duplicate.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from contracts.errors import Unavailable
from contracts.raw import RawCallback
from runtime.kafka import close_client
from runtime.kafka_refusals import log_refusal
from runtime.log_events import LogEvent
from runtime.telemetry import Logger

_CONNECT_SECONDS: Final = 30.0  # the client tries for ever where a broker accepts and is silent
_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 5.0


class RawTopic:
    """The way into one raw topic; it owns its producer and replaces one that has failed."""

    def __init__(
        self,
        topic: str,
        make_producer: Callable[[], AIOKafkaProducer],
        *,
        confirm_seconds: float,
        log: Logger,
    ) -> None:
        """Bind to a topic; nothing is started."""
        self._topic = topic
        self._make_producer = make_producer
        self._confirm_seconds = confirm_seconds
        self._log = log.bind(topic=topic)
        self._producer: AIOKafkaProducer | None = None
        self._starting: asyncio.Task[None] | None = None
        self._free: asyncio.Queue[int] = asyncio.Queue()
        self._deliveries: set[asyncio.Task[None]] = set()
        self._given_up = 0
        self._confirmed = float("-inf")

    @property
    def ready(self) -> bool:
        """Tell whether Kafka's metadata of the topic is known and it confirms in time."""
        if self._producer is None or not self._given_up:
            return self._producer is not None
        lately = asyncio.get_running_loop().time() - self._confirmed < self._confirm_seconds
        return lately or not self._free.empty()

    def start(self) -> None:
        """Begin to connect, and try until it works."""
        self._starting = asyncio.create_task(self._connect())

    async def send(self, records: Sequence[RawCallback]) -> None:
        """Store all of `records`, each under its transaction id.

        Raises:
            Unavailable: Kafka has not confirmed all of them in time.
        """
        producer = self._producer
        if producer is None:
            raise Unavailable(f"{self._topic}: not connected")
        begun = asyncio.get_running_loop().time()
        deliveries = [
            asyncio.create_task(self._deliver(producer, builder))
            for builder in _batches(producer, records)
        ]
        self._deliveries.update(deliveries)
        for delivery in deliveries:
            delivery.add_done_callback(self._deliveries.discard)
        left = self._confirm_seconds - (asyncio.get_running_loop().time() - begun)
        done, late = await asyncio.wait(deliveries, timeout=max(left, 0))
        for delivery in late:
            self._give_up(delivery)
        failed = [one for one in done if one.cancelled() or one.exception()]
        if late or failed:
            raise Unavailable(f"{self._topic}: not confirmed")

    async def stop(self) -> None:
        """Close the connection; what is not confirmed by now was never answered 2xx."""
        if self._starting:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        producer, self._producer = self._producer, None
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
                await close_client(producer, seconds=_STOP_SECONDS)
                raise
            except Exception as error:  # noqa: BLE001 - if this loop ended, all would be 503 for ever
                await close_client(producer, seconds=_STOP_SECONDS)
                if not said:
                    self._log.warning(LogEvent.KAFKA_STALLED, exception=type(error).__name__)
                    said = True
                refused = log_refusal(self._log, error, said=refused)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._free = asyncio.Queue()
            for partition in partitions:
                self._free.put_nowait(partition)
            self._producer = producer
            if said:
                self._log.info(LogEvent.KAFKA_RECOVERED)
            return

    async def _deliver(self, producer: AIOKafkaProducer, builder: BatchBuilder) -> None:
        free = self._free
        partition = await free.get()
        try:
            await (await producer.send_batch(builder, self._topic, partition=partition))
            self._confirmed = asyncio.get_running_loop().time()
        except Exception as error:
            # Whatever it is, this producer cannot leave a batch out and go on.
            self._replace(producer, error)
            raise
        finally:
            free.put_nowait(partition)

    def _give_up(self, delivery: asyncio.Task[None]) -> None:
        """Let the callers of a batch hear 503; the batch itself stays on its way."""
        if not self._given_up:
            self._log.error(LogEvent.KAFKA_STALLED, seconds=self._confirm_seconds)
        self._given_up += 1
        delivery.add_done_callback(self._ended_late)

    def _ended_late(self, delivery: asyncio.Task[None]) -> None:
        self._given_up -= 1
        confirmed = not delivery.cancelled() and delivery.exception() is None
        if confirmed and not self._given_up:
            self._log.info(LogEvent.KAFKA_RECOVERED)

    def _replace(self, producer: AIOKafkaProducer, error: Exception) -> None:
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
        """Close a producer; what it has not delivered by then ends."""
        if producer is not None:
            # A producer whose broker is away would flush for ever.
            await close_client(producer, seconds=_STOP_SECONDS)
            await producer.client.close()
        left = tuple(self._deliveries)
        for delivery in left:
            delivery.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _batches(producer: AIOKafkaProducer, records: Sequence[RawCallback]) -> Iterator[BatchBuilder]:
    """Yield full batches; an empty one takes a record of any size."""
    builder = producer.create_batch()
    for record in records:
        if not _appended(builder, record):
            yield builder
            builder = producer.create_batch()
            _appended(builder, record)
    yield builder


def _appended(builder: BatchBuilder, record: RawCallback) -> bool:
    key, headers = record.transaction_id.encode(), record.headers()
    taken = builder.append(timestamp=None, key=key, value=record.body, headers=headers)
    return taken is not None
