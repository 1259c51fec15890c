"""A connection that closes under a client of Kafka, in the event loop that the processes have."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from runtime.kafka import KafkaClients
from runtime.process import event_loop_factory
from tests.integration.records import Shelf


def test_connection_closed_a_moment_ago_is_an_error_of_kafka(shelf: Shelf) -> None:
    """A killed broker left a worker without its fetching task: it stood, and said nothing."""
    clients = KafkaClients(shelf.configuration, client_id="test")
    shelf.callback(b"before")

    async def read_on() -> list[bytes]:
        async with clients.consumer(group=None, fetch_bytes_max=1_048_576) as consumer:
            consumer.subscribe([shelf.topics.raw])
            found = [(await consumer.getone()).value]
            client = consumer._client  # noqa: SLF001 - nothing else closes it at the right moment
            node = client.cluster.brokers().pop().nodeId
            for connection in client._conns.values():  # noqa: SLF001 - as above
                connection._reader.feed_data(b"\0")  # noqa: SLF001 - amid an answer
                connection._writer.transport.abort()  # noqa: SLF001 - as above
            await asyncio.sleep(0)  # the transport knows of it now, and the client does not yet
            with pytest.raises(KafkaConnectionError):
                await client.send(node, MetadataRequest([]))
            await asyncio.to_thread(shelf.callback, b"after")
            async with asyncio.timeout(30):
                return [*found, (await consumer.getone()).value]

    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        assert runner.run(read_on()) == [b"before", b"after"]
