"""Store raw records so that the return means: on every in-sync replica, each once and in order."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from contracts.errors import Unavailable
from contracts.raw import RawCallback
from runtime.kafka import close_client
from runtime.kafka_refusals import refusal

# Above the request time-out of the client (10 s), which ends most waits.
STORE_SECONDS_MAX: Final = 30.0
_CLOSE_SECONDS: Final = 2.0


class Oversized(Exception):
    """The topic takes no record of this size, or no batch of these."""


class RawWriter:
    """A producer that is made when it is needed, and anew after each failure."""

    def __init__(self, topic: str, make_producer: Callable[[], AIOKafkaProducer]) -> None:
        """Write to `topic`; nothing is connected."""
        self._topic = topic
        self._make_producer = make_producer
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        await self._drop(self._producer)

    async def write(self, records: Sequence[RawCallback]) -> None:
        """Return once all `records` are confirmed.

        Raises:
            Oversized: one of them, or all together, are too large; some may have been stored.
            Unavailable: they are not; some may have been stored.
        """
        producer = None
        try:
            async with asyncio.timeout(STORE_SECONDS_MAX):
                producer = await self._connected()
                confirmed = [
                    await producer.send(
                        self._topic,
                        one.body,
                        # One notification, one partition: its elements keep their order.
                        key=one.transaction_id.encode() or None,
                        headers=one.headers(),
                    )
                    for one in records
                ]
                await asyncio.gather(*confirmed)
        except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
            await self._drop(producer)
            raise Oversized(type(error).__name__) from None
        except (KafkaError, TimeoutError, OSError) as error:
            # An idempotent producer cannot skip what failed and go on.
            await self._drop(producer)
            why = refusal(error) or type(error).__name__
            raise Unavailable(f"Kafka confirms nothing ({why})") from None

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                producer = self._make_producer()
                try:
                    await producer.start()
                except BaseException:
                    await close_client(producer, seconds=_CLOSE_SECONDS)
                    raise
                self._producer = producer
            return self._producer

    async def _drop(self, producer: AIOKafkaProducer | None) -> None:
        if producer is None:
            return
        if producer is self._producer:
            self._producer = None
        await close_client(producer, seconds=_CLOSE_SECONDS)
