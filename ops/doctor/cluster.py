"""Examine the running cluster: brokers, topics, replicas, rights, clocks, and consumers."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import ClusterAuthorizationFailedError, KafkaError

from contracts.topics import Topics
from ops.cluster import Cluster
from ops.doctor.finding import Finding, bad, doubtful, good
from ops.topic_reader import all_partitions, end_offsets, read_to_end
from ops.topics import differences, planned_topics
from runtime.configuration import Configuration

_SKEW: Final = timedelta(seconds=2)
_WRITE_SECONDS_MAX: Final = 10.0
_COORDINATOR_SECONDS_MAX: Final = 10.0
_POLL_SECONDS: Final = 0.1
# Ten seconds and more of a worker's work: it does not keep up.
_LAG_RECORDS_MAX: Final = 100_000

Findings = AsyncGenerator[Finding]
Check = Callable[[Cluster, Configuration], Findings]


async def cluster_findings(cluster: Cluster, configuration: Configuration) -> Findings:
    """Yield the findings of every check; one that Kafka refuses is a finding too."""
    for check in CHECKS:
        try:
            async for finding in check(cluster, configuration):
                yield finding
        except (KafkaError, TimeoutError) as error:
            name = check.__name__.strip("_").replace("_", " ")
            fix = "allow it to this client, or look at the brokers' log"
            yield bad(name, f"Kafka refuses: {type(error).__name__}", fix)


async def _brokers(cluster: Cluster, configuration: Configuration) -> Findings:
    count = len((await cluster.admin.describe_cluster())["brokers"])
    topics = configuration.topics
    replicas, in_sync = topics.replication_factor, topics.min_insync_replicas
    yield good("brokers", f"{count} at {configuration.kafka_bootstrap_servers}")
    if replicas > count:
        said = f"topics.replication_factor is {replicas}, and there are {count} brokers"
        yield bad("brokers", said, f"start {replicas - count} more, or lower it")
    if in_sync > replicas:
        said = f"topics.min_insync_replicas {in_sync} exceeds replication_factor {replicas}"
        yield bad("brokers", said, "no record can ever be confirmed; lower it")
    elif in_sync == 1:
        said = "topics.min_insync_replicas is 1: a confirmed callback may lie on one broker only"
        yield doubtful("brokers", said, "2 of 3 replicas in production")
    elif in_sync == replicas:
        said = f"all {replicas} replicas must confirm: one broker away stops every callback"
        yield doubtful("brokers", said, f"set topics.replication_factor: {replicas + 1}")


async def _topics(cluster: Cluster, configuration: Configuration) -> Findings:
    plans = planned_topics(configuration)
    found = await differences(cluster.admin, plans)
    for one in found:
        yield bad("topics", str(one), one.fix)
    if not found:
        yield good("topics", f"{len(plans)} topics, as configured")


async def _replicas(cluster: Cluster, configuration: Configuration) -> Findings:
    existing = await _existing(cluster, configuration)
    in_sync_min = configuration.topics.min_insync_replicas
    quiet = True
    for topic, partitions in existing.items():
        refusing = [p for p in partitions if p["leader"] < 0 or len(p["isr"]) < in_sync_min]
        lagging = [p for p in partitions if len(p["isr"]) < len(p["replicas"])]
        if refusing:
            quiet = False
            said = f"{topic}: {len(refusing)} partitions take no records"
            yield bad("replicas", said, "bring the missing brokers back")
        elif lagging:
            quiet = False
            said = f"{topic}: {len(lagging)} partitions have a replica that lags"
            yield doubtful("replicas", said, "look at the brokers that are away or slow")
    if quiet and existing:
        yield good("replicas", "every partition has its replicas in sync")


async def _reading(cluster: Cluster, configuration: Configuration) -> Findings:
    """Read the newest record of each partition: that needs the right to, and shows the clocks."""
    existing = await _existing(cluster, configuration)
    if not existing:
        return
    counts = {topic: len(partitions) for topic, partitions in existing.items()}
    newest = 0
    async for record in read_to_end(cluster.clients, all_partitions(counts), newest=1):
        newest = max(newest, record.written_at)
    yield good("reading", f"allowed on {len(counts)} topics")
    ahead = datetime.fromtimestamp(newest / 1000, UTC) - datetime.now(UTC)
    if ahead > _SKEW:
        said = f"the newest record is {ahead.total_seconds():.1f} s ahead of this machine's clock"
        yield doubtful("clocks", said, "synchronise the clocks (NTP) of all machines")
    elif newest:
        yield good("clocks", "no record is ahead of this machine's clock")


async def _writing(cluster: Cluster, configuration: Configuration) -> Findings:
    """Ask for an idempotent producer's id, which needs the right to write to some topic."""
    del configuration
    producer = cluster.clients.idempotent_producer(batch_bytes_max=1_048_576, linger_milliseconds=0)
    try:
        async with asyncio.timeout(_WRITE_SECONDS_MAX):
            await producer.start()
    except ClusterAuthorizationFailedError:
        yield good("writing", "this user may write to no topic: so it should be for an operator's")
        return
    finally:
        await producer.stop()
    # More cannot be known without writing: Kafka has no question for a topic's or an id's rights.
    yield good("writing", "allowed in general; rights on single topics show with the first record")


async def _groups(cluster: Cluster, configuration: Configuration) -> Findings:
    existing = await _existing(cluster, configuration)
    prefix = configuration.topic_prefix
    for provider in sorted({endpoint.provider for endpoint in configuration.endpoints}):
        topics = Topics.of(provider, prefix=prefix)
        for role, topic in (("verifier", topics.raw), ("state-machine", topics.verified)):
            if topic in existing:
                group = f"{prefix}esito.{role}.{provider}"
                await _coordinated(cluster, group)
                partitions = [TopicPartition(topic, n) for n in range(len(existing[topic]))]
                members = await _members(cluster, group)
                lag = await _lag(cluster, group, partitions)
                # A Kafka transaction's marker is a record nobody processes: one for each partition
                # of the verified topic. The raw topic has none.
                markers = len(partitions) if topic == topics.verified else 0
                yield _group_finding(role, provider, members, lag if lag > markers else 0)


def _group_finding(role: str, provider: str, members: int, lag: int) -> Finding:
    subject = f"{role} {provider}"
    behind = f"{lag} records behind" if lag else "caught up"
    if not members:
        fix = f"python -m workers {role} --provider {provider}"
        return doubtful(subject, f"nobody works; {behind}", fix)
    if lag > _LAG_RECORDS_MAX:
        return doubtful(subject, f"{members} members, {behind}", "start more processes")
    return good(subject, f"{members} members, {behind}")


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


async def _members(cluster: Cluster, group: str) -> int:
    count = 0
    for response in await cluster.admin.describe_consumer_groups([group]):
        for _, _, _, _, _, members, *_ in response.groups:
            count += len(members)
    return count


async def _lag(cluster: Cluster, group: str, partitions: list[TopicPartition]) -> int:
    committed = await cluster.admin.list_consumer_group_offsets(group, partitions=partitions)
    begins, ends = await end_offsets(cluster.clients, partitions)
    lag = 0
    for one in partitions:
        offset = committed[one].offset if one in committed else -1
        lag += ends[one] - max(offset, begins[one])
    return lag


async def _existing(cluster: Cluster, configuration: Configuration) -> dict[str, Any]:
    described = await cluster.admin.describe_topics()
    planned = {plan.name for plan in planned_topics(configuration)}
    return {one["topic"]: one["partitions"] for one in described if one["topic"] in planned}


CHECKS: Final[tuple[Check, ...]] = (_brokers, _topics, _replicas, _reading, _writing, _groups)
