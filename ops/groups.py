"""Name the consumer groups of an installation, and say how far each has come."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from contracts.access import Process, group_of
from contracts.topics import Topics
from ops.cluster import Cluster
from runtime.configuration import Configuration

_COORDINATOR_SECONDS_MAX: Final = 10.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group: what people call its processes, its name in Kafka, and what it reads."""

    worker: str
    name: str
    topic: str
    start: str  # the command that starts one more member


def groups_of(configuration: Configuration) -> tuple[Group, ...]:
    """Return the groups of the configuration's workers, in dataflow order.

    The streams commit nothing in Kafka: their offsets lie in PostgreSQL, beside their events.
    """
    prefix = configuration.topic_prefix
    providers = sorted({endpoint.provider for endpoint in configuration.endpoints})
    topics = {provider: Topics.of(provider, prefix=prefix) for provider in providers}
    return tuple(
        Group(
            f"{role} {provider}",
            group_of(role, provider, prefix=prefix),
            topic,
            f"python -m workers {role} --provider {provider}",
        )
        for provider in providers
        for role, topic in (
            (Process.VERIFIER, topics[provider].raw),
            (Process.STATE_MACHINE, topics[provider].verified),
        )
    )


async def committed_offsets(
    cluster: Cluster, group: str, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return the committed offset of each partition of which the group has committed one."""
    await _coordinated(cluster, group)
    found = await cluster.admin.list_consumer_group_offsets(group, partitions=list(partitions))
    return {one: found[one].offset for one in partitions if one in found and found[one].offset >= 0}


async def members(cluster: Cluster, group: str) -> int:
    """Return how many processes are members of the group."""
    await _coordinated(cluster, group)
    count = 0
    for response in await cluster.admin.describe_consumer_groups([group]):
        for _, _, _, _, _, found, *_ in response.groups:
            count += len(found)
    return count


async def _coordinated(cluster: Cluster, group: str) -> None:
    """Return when the group has a coordinator; the first question on a new cluster creates it."""
    deadline = time.monotonic() + _COORDINATOR_SECONDS_MAX
    while True:
        try:
            await cluster.admin.find_coordinator(group)
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return
