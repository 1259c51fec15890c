"""Put records into the raw topic, many in a batch; a confirmation is every in-sync replica's.

Batches go to the partitions in turn, each partition has one under way. What is not confirmed in
time is not taken back: it may be stored all the same. Its request is in the database, so it is sent
again, and the state machine sees a duplicate.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from contracts.errors import Unavailable
from contracts.raw import RawCallback
from runtime.lasting_producer import LastingProducer
from runtime.log_events import LogEvent
from runtime.telemetry import Logger


class RawTopic:
    """The way into one raw topic."""

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
        self._confirm_seconds = confirm_seconds
        self._log = log.bind(topic=topic)
        self._producer = LastingProducer(
            topic, make_producer, on_connected=self._connected, log=self._log
        )
        self._free: asyncio.Queue[int] = asyncio.Queue()
        self._given_up = 0
        self._confirmed = float("-inf")

    @property
    def ready(self) -> bool:
        """Tell whether Kafka's metadata of the topic is known and it confirms in time."""
        if self._producer.current is None or not self._given_up:
            return self._producer.current is not None
        lately = asyncio.get_running_loop().time() - self._confirmed < self._confirm_seconds
        return lately or not self._free.empty()

    def start(self) -> None:
        """Begin to connect, and try until it works."""
        self._producer.start()

    async def send(self, records: Sequence[RawCallback]) -> None:
        """Store all of `records`, each under its transaction id.

        Raises:
            Unavailable: Kafka has not confirmed all of them in time.
        """
        producer = self._producer.current
        if producer is None:
            raise Unavailable(f"{self._topic}: not connected")
        begun = asyncio.get_running_loop().time()
        deliveries = [
            self._producer.deliver(self._deliver(producer, builder))
            for builder in _batches(producer, records)
        ]
        left = self._confirm_seconds - (asyncio.get_running_loop().time() - begun)
        done, late = await asyncio.wait(deliveries, timeout=max(left, 0))
        for delivery in late:
            self._give_up(delivery)
        failed = [one for one in done if one.cancelled() or one.exception()]
        if late or failed:
            raise Unavailable(f"{self._topic}: not confirmed")

    async def stop(self) -> None:
        """Close the connection; what is not confirmed by now was never answered 2xx."""
        await self._producer.stop()

    def _connected(self, partitions: Sequence[int]) -> None:
        self._free = asyncio.Queue()
        for partition in partitions:
            self._free.put_nowait(partition)

    async def _deliver(self, producer: AIOKafkaProducer, builder: BatchBuilder) -> None:
        free = self._free
        partition = await free.get()
        try:
            await (await producer.send_batch(builder, self._topic, partition=partition))
            self._confirmed = asyncio.get_running_loop().time()
        except Exception as error:
            self._producer.replace(producer, error)
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
