"""Create the topics that a configuration needs, and say where existing ones differ from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.topics import Role, Topics
from runtime.configuration import Configuration
from runtime.kafka import RECORD_OVERHEAD_BYTES

_DAY_MILLISECONDS: Final = 86_400_000
_BATCH_BYTES: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What one topic must be."""

    name: str
    role: Role
    partitions: int
    replication_factor: int
    settings: dict[str, str]


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
    return TopicPlan(name, role, topics.partitions, topics.replication_factor, settings)


def _retention(configuration: Configuration, role: Role) -> dict[str, str]:
    topics = configuration.topics
    if role is Role.STATE:
        # Compaction within minutes keeps a restore as long as the state, not as long as its history.
        return {
            "cleanup.policy": "compact",
            "min.cleanable.dirty.ratio": "0.2",
            "segment.ms": "3600000",
        }
    days = {
        Role.RAW: topics.raw_retention_days,
        Role.VERIFIED: topics.verified_retention_days,
        Role.REJECTED: topics.rejected_retention_days,
    }.get(role, topics.events_retention_days)
    return {"cleanup.policy": "delete", "retention.ms": str(int(days * _DAY_MILLISECONDS))}


async def create_missing(admin: AIOKafkaAdminClient, plans: Iterable[TopicPlan]) -> list[str]:
    """Create the topics that do not exist; return their names."""
    existing = set(await admin.list_topics())
    missing = [plan for plan in plans if plan.name not in existing]
    if missing:
        await admin.create_topics(
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
    return [plan.name for plan in missing]


async def differences(admin: AIOKafkaAdminClient, plans: Iterable[TopicPlan]) -> list[str]:
    """Return a sentence for each way in which the cluster differs from the plans."""
    plans = list(plans)
    existing = set(await admin.list_topics())
    found = [f"{plan.name}: does not exist" for plan in plans if plan.name not in existing]
    present = [plan for plan in plans if plan.name in existing]
    if present:
        found += await _partition_differences(admin, present)
        found += await _setting_differences(admin, present)
    return found


async def _partition_differences(admin: AIOKafkaAdminClient, plans: list[TopicPlan]) -> list[str]:
    found = []
    described = {
        one["topic"]: one for one in await admin.describe_topics([plan.name for plan in plans])
    }
    for plan in plans:
        partitions = described[plan.name]["partitions"]
        if len(partitions) != plan.partitions:
            found.append(f"{plan.name}: {len(partitions)} partitions, planned {plan.partitions}")
        replicas = min((len(one["replicas"]) for one in partitions), default=0)
        if replicas < plan.replication_factor:
            found.append(f"{plan.name}: {replicas} replicas, planned {plan.replication_factor}")
    return found


async def _setting_differences(admin: AIOKafkaAdminClient, plans: list[TopicPlan]) -> list[str]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, plan.name) for plan in plans]
    actual: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for _, _, _, name, entries in response.resources:
            actual[name] = {entry[0]: entry[1] for entry in entries}
    return [
        f"{plan.name}: {setting}={actual[plan.name].get(setting)}, planned {value}"
        for plan in plans
        for setting, value in plan.settings.items()
        if actual[plan.name].get(setting) != value
    ]
