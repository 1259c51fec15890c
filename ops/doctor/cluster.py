"""Examine the running cluster: brokers, topics, replicas, rights, clocks, and consumers."""

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from ops.cluster import Cluster
from ops.doctor.finding import Finding, bad, doubtful, good
from ops.doctor.rights import rights
from ops.groups import groups_of
from ops.lag import GroupLag, look
from ops.topic_reader import all_partitions, read_to_end
from ops.topics import SEGMENT_DAYS, differences, planned_topics
from runtime.configuration import Configuration

_SKEW: Final = timedelta(seconds=2)
# The last offset of a Kafka transaction is its marker, and an aborted one leaves nothing but them.
_NEWEST_OFFSETS: Final = 5
# Ten seconds and more of a worker's work: it does not keep up.
_LAG_RECORDS_MAX: Final = 100_000
_OFFSETS_KEPT: Final = "offsets.retention.minutes"

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


async def _offsets(cluster: Cluster, configuration: Configuration) -> Findings:
    """Compare how long an idle group is remembered with how long its records lie there."""
    topics = configuration.topics
    days = max(topics.raw_retention_days, topics.verified_retention_days) + SEGMENT_DAYS
    needed = int(days * 24 * 60)
    brokers = (await cluster.admin.describe_cluster())["brokers"]
    kept = []
    for response in await cluster.admin.describe_configs(
        [ConfigResource(ConfigResourceType.BROKER, str(one["node_id"])) for one in brokers]
    ):
        for code, _, _, _, entries in response.resources:
            if code:
                said = f"this user may not read the brokers' settings: {for_code(code).__name__}"
                yield doubtful("offsets", said, f"see that {_OFFSETS_KEPT} is {needed} or more")
                return
            kept += [int(entry[1]) for entry in entries if entry[0] == _OFFSETS_KEPT]
    if min(kept, default=needed) < needed:
        said = (
            f"a worker away for {min(kept) / 1440:g} days begins anew: {_OFFSETS_KEPT}={min(kept)}"
        )
        yield doubtful("offsets", said, f"set it to {needed} or more on every broker")
    else:
        yield good(
            "offsets", "a worker that was away goes on where it was, while its records are kept"
        )


async def _reading(cluster: Cluster, configuration: Configuration) -> Findings:
    """Read the newest records of each partition: that needs the right to, and shows the clocks."""
    existing = await _existing(cluster, configuration)
    if not existing:
        return
    counts = {topic: len(partitions) for topic, partitions in existing.items()}
    newest = 0
    async for record in read_to_end(
        cluster.clients, all_partitions(counts), newest=_NEWEST_OFFSETS
    ):
        newest = max(newest, record.written_at)
    yield good("reading", f"allowed on {len(counts)} topics")
    ahead = datetime.fromtimestamp(newest / 1000, UTC) - datetime.now(UTC)
    if ahead > _SKEW:
        said = f"the newest record is {ahead.total_seconds():.1f} s ahead of this machine's clock"
        yield doubtful("clocks", said, "synchronise the clocks (NTP) of all machines")
    elif newest:
        yield good("clocks", "no record is ahead of this machine's clock")


async def _groups(cluster: Cluster, configuration: Configuration) -> Findings:
    existing = await _existing(cluster, configuration)
    for group in groups_of(configuration):
        if group.topic in existing:
            yield _group_finding(await look(cluster, group))


def _group_finding(lag: GroupLag) -> Finding:
    subject = lag.group.worker
    about = "" if lag.exact else "about "
    behind = f"{about}{lag.records} records behind" if lag.records else "caught up"
    if not lag.members:
        return doubtful(subject, f"nobody works; {behind}", lag.group.start)
    if lag.records > _LAG_RECORDS_MAX:
        return doubtful(subject, f"{lag.members} members, {behind}", "start more processes")
    return good(subject, f"{lag.members} members, {behind}")


async def _existing(cluster: Cluster, configuration: Configuration) -> dict[str, Any]:
    described = await cluster.admin.describe_topics()
    planned = {plan.name for plan in planned_topics(configuration)}
    return {one["topic"]: one["partitions"] for one in described if one["topic"] in planned}


CHECKS: Final[tuple[Check, ...]] = (
    _brokers,
    _topics,
    _replicas,
    _offsets,
    rights,
    _reading,
    _groups,
)
