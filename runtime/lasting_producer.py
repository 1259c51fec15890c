"""Keep a producer for one topic: connect until it works, and replace one that has failed."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from runtime.kafka import PRODUCER_START_SECONDS
from runtime.kafka_refusals import log_refusal
from runtime.log_events import LogEvent
from runtime.telemetry import Logger

_RETRY_SECONDS: Final = 1.0
STOP_SECONDS: Final = 5.0


class LastingProducer:
    """The producer of one topic, `current` while it is connected, and what is under way on it."""

    def __init__(
        self,
        topic: str,
        make_producer: Callable[[], AIOKafkaProducer],
        *,
        on_connected: Callable[[Sequence[int]], None],
        log: Logger,
    ) -> None:
        """Bind to a topic; `on_connected` is told its partitions whenever there is a new one."""
        self.current: AIOKafkaProducer | None = None
        self._topic = topic
        self._make_producer = make_producer
        self._on_connected = on_connected
        self._log = log
        self._starting: asyncio.Task[None] | None = None
        self._deliveries: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> int:
        """Return how many deliveries have not ended."""
        return len(self._deliveries)

    def start(self) -> None:
        """Begin to connect, and try until it works."""
        self._starting = asyncio.create_task(self._connect())

    async def stop(self) -> None:
        """Close the connection and end what is under way."""
        if self._starting:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        producer, self.current = self.current, None  # what fails from now on is not replaced
        await self._drop(producer)

    def deliver(self, delivery: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Begin a delivery; one that is under way when its producer is dropped is cancelled."""
        task = asyncio.create_task(delivery)
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)
        return task

    def replace(self, producer: AIOKafkaProducer, error: Exception) -> None:
        """Drop a producer that has failed: an idempotent one cannot skip a batch and go on."""
        if producer is not self.current:
            return
        self._log.error(LogEvent.KAFKA_STALLED, exception=type(error).__name__)
        log_refusal(self._log, error)
        self.current = None
        self._starting = asyncio.create_task(self._exchange(producer))

    async def _exchange(self, producer: AIOKafkaProducer) -> None:
        await self._drop(producer)
        await self._connect(said=True)

    async def _connect(self, *, said: bool = False) -> None:
        """Try until a producer knows the topic's partitions; `said`: the log knows of the stall."""
        refused = ""
        while True:
            producer = self._make_producer()
            try:
                async with asyncio.timeout(PRODUCER_START_SECONDS):
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
            self.current = producer
            if said:
                self._log.info(LogEvent.KAFKA_RECOVERED)
            self._on_connected(partitions)
            return

    async def _drop(self, producer: AIOKafkaProducer | None) -> None:
        if producer is not None:
            await _close(producer)
        left = tuple(self._deliveries)
        for delivery in left:
            delivery.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _close(producer: AIOKafkaProducer) -> None:
    # A producer whose broker is away would flush for ever.
    try:
        await asyncio.wait_for(producer.stop(), STOP_SECONDS)
    except (TimeoutError, KafkaError):
        await producer.client.close()
