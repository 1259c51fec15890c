"""Ask a Kafka cluster who belongs to it: the one proof that it is there and ready."""

import asyncio
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

ANSWER_SECONDS_MAX: Final = 2.0


async def known_brokers(bootstrap_servers: str) -> frozenset[int]:
    """Return the ids of the brokers that one metadata answer names; none if nobody answers."""
    if not await _anybody_listens(bootstrap_servers):
        return frozenset()
    client = AIOKafkaClient(
        bootstrap_servers=bootstrap_servers, request_timeout_ms=int(ANSWER_SECONDS_MAX * 1000)
    )
    try:
        await client.bootstrap()
        return frozenset(broker.nodeId for broker in client.cluster.brokers())
    except KafkaError:
        return frozenset()
    finally:
        await client.close()


async def lagging_partitions(bootstrap_servers: str) -> frozenset[tuple[str, int]]:
    """Return the partitions, of internal topics too, that not all of their replicas follow."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap_servers, request_timeout_ms=int(ANSWER_SECONDS_MAX * 1000)
    )
    await admin.start()
    try:
        topics = await admin.describe_topics()
    finally:
        await admin.close()
    return frozenset(
        (topic["topic"], partition["partition"])
        for topic in topics
        for partition in topic["partitions"]
        if set(partition["isr"]) != set(partition["replicas"])
    )


async def _anybody_listens(bootstrap_servers: str) -> bool:
    """Say whether one of the addresses takes connections: the client logs refusals as errors."""
    for address in bootstrap_servers.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except OSError:  # TimeoutError is one
            continue
        writer.close()
        return True
    return False
