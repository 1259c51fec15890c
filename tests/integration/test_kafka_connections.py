"""A connection that closes under a client of Kafka, in the event loop that the processes have."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from runtime.kafka import KafkaClients
from runtime.kafka_connections import hearing
from runtime.process import event_loop_factory
from tests.integration.records import Shelf

T = TypeVar("T")


@pytest.fixture
def clients(shelf: Shelf) -> KafkaClients:
    return KafkaClients(shelf.configuration, client_id="test")


def test_connection_closed_a_moment_ago_is_an_error_of_kafka(
    shelf: Shelf, clients: KafkaClients
) -> None:
    """A killed broker left a worker without its fetching task: it stood, and said nothing."""
    shelf.callback(b"before")

    async def read_on() -> list[bytes]:
        async with clients.consumer(group=None, fetch_bytes_max=1_048_576) as consumer:
            consumer.subscribe([shelf.topics.raw])
            found = [(await consumer.getone()).value]
            client = consumer._client  # noqa: SLF001 - nothing shows it
            node = client.cluster.brokers().pop().nodeId
            await close_under(client)
            with pytest.raises(KafkaConnectionError):
                await client.send(node, MetadataRequest([]))
            await asyncio.to_thread(shelf.callback, b"after")
            async with asyncio.timeout(30):
                return [*found, (await consumer.getone()).value]

    assert run(read_on()) == [b"before", b"after"]


def test_connection_closed_under_a_look_at_the_metadata_is_a_look_that_failed(
    shelf: Shelf, clients: KafkaClients
) -> None:
    """It ended the task that looks: the client went on asking the broker that led a partition."""
    shelf.callback(b"before")

    async def look() -> tuple[bool, bool]:
        async with clients.consumer(group=None, fetch_bytes_max=1_048_576) as consumer:
            consumer.subscribe([shelf.topics.raw])
            await consumer.getone()
            client = consumer._client  # noqa: SLF001 - as above
            await close_under(client)
            async with asyncio.timeout(30):
                look_once = client._metadata_update  # noqa: SLF001 - as that task does
                looked = await look_once(client.cluster, [shelf.topics.raw])
                return looked, await client.force_metadata_update()

    assert run(look()) == (False, True)


def test_consumer_that_has_ceased_to_fetch_says_so(shelf: Shelf, clients: KafkaClients) -> None:
    shelf.callback(b"before")

    async def read_on() -> None:
        async with clients.consumer(group=None, fetch_bytes_max=1_048_576) as consumer:
            consumer.subscribe([shelf.topics.raw])
            assert await consumer.getmany(timeout_ms=30_000)
            consumer._fetcher.error_future.cancel()  # noqa: SLF001 - nothing else ends it
            await asyncio.sleep(0)
            with pytest.raises(KafkaError, match="ceased to fetch"):
                await consumer.getmany(timeout_ms=100)

    run(read_on())


def test_request_whose_connection_is_gone_is_an_error_of_kafka() -> None:
    """Two time out together, and the first has made away with the connection of both."""

    class Client:
        async def send(self) -> None:
            raise KeyError(1)

        _get_conn = _metadata_update = send

    class Producer:
        client = Client()

    client: Any = hearing(Producer()).client

    with pytest.raises(KafkaConnectionError):
        asyncio.run(client.send())
    assert asyncio.run(client._get_conn()) is None  # noqa: SLF001 - the library's
    assert asyncio.run(client._metadata_update()) is False  # noqa: SLF001 - the library's


async def close_under(client: Any) -> None:  # noqa: ANN401 - the library's, untyped
    """Close every connection so that its transport knows of it, and the client does not yet."""
    for connection in client._conns.values():  # noqa: SLF001 - nothing else closes it just then
        connection._reader.feed_data(b"\0")  # noqa: SLF001 - amid an answer
        connection._writer.transport.abort()  # noqa: SLF001 - as above
    await asyncio.sleep(0)


def run(work: Coroutine[None, None, T]) -> T:
    """Run it in the event loop that the processes have."""
    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        return runner.run(work)
