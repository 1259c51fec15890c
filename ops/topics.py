"""Create the topics that a configuration needs, and say where existing ones differ from it."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from contracts.errors import Broken, Unavailable
from contracts.topics import CO_PARTITIONED, Role, Topics
from runtime.configuration import Configuration
from runtime.kafka import RECORD_OVERHEAD_BYTES

_DAY_MILLISECONDS: Final = 86_400_000
# Kafka removes whole segments, the newest record's age deciding: with its own week-long ones a body
# would outlive its term by a week.
SEGMENT_DAYS: Final = 1
_BATCH_BYTES: Final = 1_048_576
_VISIBLE_SECONDS_MAX: Final = 10.0
_POLL_SECONDS: Final = 0.1
# What goes with a topic that the state machine needs, when it is created anew.
_LOST: Final = {
    Role.VERIFIED: "what is not decided yet is lost",
    Role.STATUS: "status events are lost, and the streams stop until `esito streams rebuild`",
    Role.ANOMALIES: "anomalies are lost",
    Role.STATE: "every transaction is forgotten, and counts from 1 again",
}
_MISSING_FIX: Final = "esito topics apply, as a user who may see and create it (docs/ACCESS.md)"


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What one topic must be."""

    name: str
    provider: str
    role: Role
    partitions: int
    replication_factor: int
    settings: dict[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the cluster is not as planned, and what makes it so."""

    topic: str
    what: str
    fix: str

    def __str__(self) -> str:
        """Return it as one sentence."""
        return f"{self.topic}: {self.what}"


def planned_topics(configuration: Configuration) -> list[TopicPlan]:
    """Return the plan of every topic of every configured provider, in dataflow order."""
    providers = sorted({endpoint.provider for endpoint in configuration.endpoints})
    return [
        _plan(configuration, provider, role, name)
        for provider in providers
        for role, name in Topics.of(provider, prefix=configuration.topic_prefix).by_role().items()
    ]


def _plan(configuration: Configuration, provider: str, role: Role, name: str) -> TopicPlan:
    topics = configuration.topics
    bodies = [one.limits.body_bytes_max for one in configuration.endpoints_of(provider).values()]
    # A dead letter is the record plus its own headers, so each step downstream is a little wider.
    steps = 2 if role is Role.REJECTED else 1
    largest = max(_BATCH_BYTES, *bodies) + steps * 2 * RECORD_OVERHEAD_BYTES
    settings = {
        "min.insync.replicas": str(topics.min_insync_replicas),
        "max.message.bytes": str(largest),
        **_retention(configuration, role),
    }
    return TopicPlan(name, provider, role, topics.partitions, topics.replication_factor, settings)


def _retention(configuration: Configuration, role: Role) -> dict[str, str]:
    topics = configuration.topics
    if role is Role.STATE:
        # Compaction within minutes keeps a restore as long as the state, not as long as its
        # history.
        return {
            "cleanup.policy": "compact",
            # What was overwritten or forgotten is gone a day later, however quiet the topic is.
            "max.compaction.lag.ms": str(_DAY_MILLISECONDS),
            "min.cleanable.dirty.ratio": "0.2",
            "segment.ms": "3600000",
        }
    days = {
        Role.RAW: topics.raw_retention_days,
        Role.VERIFIED: topics.verified_retention_days,
        Role.REJECTED: topics.rejected_retention_days,
    }.get(role, topics.events_retention_days)
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(int(days * _DAY_MILLISECONDS)),
        "segment.ms": str(SEGMENT_DAYS * _DAY_MILLISECONDS),
    }


async def create_missing(admin: AIOKafkaAdminClient, plans: Iterable[TopicPlan]) -> list[str]:
    """Create the topics that do not exist; return their names.

    Raises:
        Broken: the brokers refuse a topic; the message says why.
    """
    existing = set(await admin.list_topics())
    missing = [plan for plan in plans if plan.name not in existing]
    if missing:
        response = await admin.create_topics(
            [
                NewTopic(
                    name=plan.name,
                    num_partitions=plan.partitions,
                    replication_factor=plan.replication_factor,
                    topic_configs=plan.settings,
                )
                for plan in missing
            ]
        )
        for topic, code, message, *_ in response.topic_errors:
            # Somebody else created it in the meantime: that is what was wanted.
            if code not in {0, TopicAlreadyExistsError.errno}:
                raise Broken(
                    f"{topic}: not created: {_reason(code, message)}; see topics: in the file"
                )
    return [plan.name for plan in missing]


async def until_visible(admin: AIOKafkaAdminClient, names: Iterable[str]) -> None:
    """Return when the brokers name all of `names` with a leader for each partition.

    Raises:
        Unavailable: that takes longer than ten seconds.
    """
    awaited = set(names)
    deadline = time.monotonic() + _VISIBLE_SECONDS_MAX
    while awaited:
        for topic in await admin.describe_topics():
            if topic["partitions"] and all(one["leader"] >= 0 for one in topic["partitions"]):
                awaited.discard(topic["topic"])
        if awaited and time.monotonic() > deadline:
            raise Unavailable(f"{min(awaited)}: created, but no broker leads it yet")
        await asyncio.sleep(_POLL_SECONDS if awaited else 0)


async def differences(admin: AIOKafkaAdminClient, plans: Iterable[TopicPlan]) -> list[Difference]:
    """Return each way in which the cluster differs from the plans, in the order of the plans."""
    plans = list(plans)
    # Every topic is described, because asking for one that is missing may create it.
    described = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
    found = [
        Difference(plan.name, "does not exist, or not to this user", _MISSING_FIX)
        for plan in plans
        if plan.name not in described
    ]
    present = [plan for plan in plans if plan.name in described]
    shapes = {plan: described[plan.name] for plan in present}
    for plan, partitions in shapes.items():
        found += _shape_differences(plan, partitions)
    found += _co_partition_differences({plan: len(one) for plan, one in shapes.items()})
    if present:
        found += await _setting_differences(admin, present)
    return found


def _shape_differences(plan: TopicPlan, partitions: list[dict[str, Any]]) -> list[Difference]:
    found = []
    if len(partitions) != plan.partitions:
        found.append(
            Difference(
                plan.name,
                f"partitions={len(partitions)}, planned {plan.partitions}",
                _partition_fix(plan, len(partitions)),
            )
        )
    replicas = min((len(one["replicas"]) for one in partitions), default=0)
    if replicas != plan.replication_factor:
        found.append(
            Difference(
                plan.name,
                f"replication={replicas}, planned {plan.replication_factor}",
                "move the replicas with kafka-reassign-partitions.sh, or set "
                f"topics.replication_factor: {replicas}",
            )
        )
    return found


def _partition_fix(plan: TopicPlan, actual: int) -> str:
    if plan.role in CO_PARTITIONED:
        # A key moves to another partition, away from its history and its state.
        return (
            f"set topics.partitions: {actual}; the number cannot be changed while the topic holds "
            "records"
        )
    if actual > plan.partitions:
        return f"set topics.partitions: {actual}; partitions cannot be taken away"
    return (
        f"kafka-topics.sh --bootstrap-server BROKERS --alter --topic {plan.name} "
        f"--partitions {plan.partitions}"
    )


def _co_partition_differences(counts: dict[TopicPlan, int]) -> list[Difference]:
    """Compare the four topics of each provider with each other, whatever the plan says."""
    found = []
    for provider in sorted({plan.provider for plan in counts}):
        four = {
            plan: count
            for plan, count in counts.items()
            if plan.provider == provider and plan.role in CO_PARTITIONED
        }
        if len(set(four.values())) > 1:
            said = ", ".join(f"{plan.role}={count}" for plan, count in four.items())
            found.append(
                Difference(
                    next(iter(four)).name,
                    f"partition counts of {provider} differ: {said}; the state machine needs them "
                    "equal",
                    f"stop the workers of {provider}; {_anew(four)}",
                )
            )
    return found


def _anew(four: dict[TopicPlan, int]) -> str:
    """Return which topics must be made anew to be like most, and what that costs."""
    ((most, _),) = Counter(four.values()).most_common(1)
    return "; ".join(
        f"only while {plan.name} holds no records, create it anew with {most} partitions: "
        f"else {_LOST[plan.role]}"
        for plan, count in four.items()
        if count != most
    )


async def _setting_differences(
    admin: AIOKafkaAdminClient, plans: list[TopicPlan]
) -> list[Difference]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, plan.name) for plan in plans]
    actual: dict[str, dict[str, str]] = {}
    found = []
    for response in await admin.describe_configs(resources):
        for code, message, _, name, entries in response.resources:
            actual[name] = {entry[0]: entry[1] for entry in entries}
            if code:
                what = f"its settings cannot be read: {_reason(code, message)}"
                found.append(Difference(name, what, "allow DESCRIBE_CONFIGS on the topic"))
    return found + [
        Difference(
            plan.name,
            f"{setting}={actual[plan.name].get(setting)}, planned {value}",
            f"kafka-configs.sh --bootstrap-server BROKERS --alter --topic {plan.name} "
            f"--add-config {setting}={value}",
        )
        for plan in plans
        for setting, value in plan.settings.items()
        if actual.get(plan.name) and actual[plan.name].get(setting) != value
    ]


def _reason(code: int, message: str | None) -> str:
    name = for_code(code).__name__
    return f"{name} ({message})" if message else name
