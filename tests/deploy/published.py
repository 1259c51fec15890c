"""Let a real Esito publish status events, and add what a subscriber meets on a worse day."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.status import StatusEvent
from contracts.topics import Role, Topics
from ops.local.running_installation import create_topics, unless_one_dies
from runtime.configuration import Configuration
from runtime.kafka import KafkaClients
from simulator.planning import PLAYERS, make_plan
from simulator.play import Stage, play
from simulator.scene import scene_of
from tests.e2e.esito import Esito, installed, only_of, records_of, running
from tests.kafka import Kafka
from tests.status_events import status_event

PROVIDERS: Final = ("pivot", "uaepass")
TRANSACTIONS: Final = 30
SEED: Final = 33


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The topics with status events, the ids of those committed there, and who may read them."""

    bootstrap_servers: str
    configuration: Configuration
    topics: tuple[str, ...]
    identifiers: frozenset[str]
    files: Mapping[str, str] = field(default_factory=dict)


async def published(kafka: Kafka, directory: Path) -> Published:
    """Run all processes of two providers, play every fault, stop; then publish the odd records."""
    configuration = await installed(kafka, directory, partial(_only_of, providers=PROVIDERS))
    async with running(configuration, directory) as esito:
        await unless_one_dies(esito.processes, _play(esito))
        exit_codes = await esito.processes.stop()
    assert set(exit_codes.values()) == {0}, exit_codes
    topics = _status_topics(configuration, PROVIDERS)
    real = await records_of(configuration, topics)
    identifiers = {json.loads(one.value)["id"] for one in real}
    assert len(identifiers) == len(real)
    async with _producer(configuration) as producer:
        await _publish_twice(producer, real[::3])
        await _abort(producer, topics, configuration.topics.partitions)
        added = await _publish_strange(producer, topics[0])
    return Published(
        bootstrap_servers=kafka.bootstrap_servers,
        configuration=configuration,
        topics=topics,
        identifiers=frozenset(identifiers | added),
    )


async def with_later_events(run: Published) -> Published:
    """Publish one more transaction in each partition, behind everything else."""
    partitions = range(run.configuration.topics.partitions)
    later = [
        (topic, partition, status_event(f"later-{topic}-{partition}", sequence=1))
        for topic in run.topics
        for partition in partitions
    ]
    async with _producer(run.configuration) as producer:
        await _publish(producer, later)
    return replace(run, identifiers=run.identifiers | {event.id for _, _, event in later})


async def with_a_gap(run: Published) -> Published:
    """Publish, in topics of their own, a transaction whose second event is not there."""
    configuration = run.configuration.model_copy(
        update={"topic_prefix": f"{run.configuration.topic_prefix}gap."}
    )
    await create_topics(configuration)
    topics = _status_topics(configuration, PROVIDERS[:1])
    events = [status_event("gap", sequence=sequence) for sequence in (1, 3)]
    async with _producer(configuration) as producer:
        await _publish(producer, [(topics[0], 0, event) for event in events])
    return replace(run, topics=topics)


async def with_one_event(run: Published, bootstrap_servers: str) -> Published:
    """Publish one event in another Kafka, in the topic of Pivot without a prefix."""
    configuration = run.configuration.model_copy(
        update={"kafka_bootstrap_servers": bootstrap_servers, "topic_prefix": ""}
    )
    await create_topics(configuration)
    topics = _status_topics(configuration, PROVIDERS[:1])
    event = status_event("deployed")
    async with _producer(configuration) as producer:
        await _publish(producer, [(topics[0], 0, event)])
    return replace(
        run,
        bootstrap_servers=bootstrap_servers,
        configuration=configuration,
        topics=topics,
        identifiers=frozenset({event.id}),
    )


async def records_left(run: Published, group: str) -> dict[TopicPartition, int]:
    """Return how many records a group has still to read, by partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=run.bootstrap_servers)
    await admin.start()
    try:
        committed = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    partitions = range(run.configuration.topics.partitions)
    asked = [TopicPartition(topic, one) for topic in run.topics for one in partitions]
    async with AIOKafkaConsumer(bootstrap_servers=run.bootstrap_servers) as consumer:
        ends = await consumer.end_offsets(asked)
    offsets = {one: committed[one].offset if one in committed else 0 for one in asked}
    # The last of each partition is the mark of a Kafka transaction, which is no record.
    return {one: max(0, end - 1 - offsets[one]) for one, end in ends.items()}


def _only_of(settings: dict[str, Any], *, providers: Sequence[str]) -> None:
    only_of(settings, *providers)


def _status_topics(configuration: Configuration, providers: Sequence[str]) -> tuple[str, ...]:
    prefix = configuration.topic_prefix
    return tuple(Topics.of(one, prefix=prefix).by_role()[Role.STATUS] for one in providers)


async def _play(esito: Esito) -> None:
    configuration = esito.configuration
    plans = [
        make_plan(
            provider,
            transactions=TRANSACTIONS,
            faults=PLAYERS[provider].faults,
            seed=SEED,
            scene=scene_of(configuration, provider),
        )
        for provider in PROVIDERS
    ]
    url = f"http://127.0.0.1:{configuration.ingress.port}"
    played = await play(
        Stage(url=url, configuration=configuration), plans, esito.reader, alone=True
    )
    assert all(one.comparison is not None and one.comparison.equal for one in played)


@asynccontextmanager
async def _producer(configuration: Configuration) -> AsyncIterator[AIOKafkaProducer]:
    clients = KafkaClients(configuration, client_id="test")
    producer = clients.transactional_producer(
        f"{configuration.topic_prefix}odd", batch_bytes_max=1_048_576, timeout_seconds=30
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _publish_twice(
    producer: AIOKafkaProducer, records: Sequence[ConsumerRecord[bytes, bytes]]
) -> None:
    """Publish records again as they are: what a subscriber sees whose offsets were lost."""
    async with producer.transaction():
        for one in records:
            await producer.send(
                one.topic, one.value, one.key, one.partition, headers=list(one.headers)
            )


async def _abort(producer: AIOKafkaProducer, topics: Sequence[str], partitions: int) -> None:
    """Leave events of Kafka transactions that were aborted, several by the same producer."""
    for number in range(3):
        await producer.begin_transaction()
        for topic in topics:
            for partition in range(partitions):
                event = status_event(f"aborted-{number}-{partition}", "ABORTED")
                await producer.send_and_wait(topic, **_record(event), partition=partition)
        await producer.abort_transaction()


async def _publish_strange(producer: AIOKafkaProducer, topic: str) -> set[str]:
    """Publish what a later Esito may: a new kind of event, new members, a word nobody knows."""
    event = status_event("strange", "ON_HOLD")
    members = {**json.loads(event.model_dump_json()), "status": "suspended", "tomorrow": {"a": 1}}
    members["evidence"]["proof"]["scheme"] = "carrier_pigeon"
    known = _record(event)
    other = [
        (name, b"esito.other.v1" if name == "ce_type" else value) for name, value in event.headers()
    ]
    async with producer.transaction():
        await producer.send(topic, b'{"of": "another kind"}', b"other", 0, headers=other)
        await producer.send(topic, **{**known, "value": json.dumps(members).encode()}, partition=0)
    return {event.id}


async def _publish(
    producer: AIOKafkaProducer, events: Sequence[tuple[str, int, StatusEvent]]
) -> None:
    async with producer.transaction():
        for topic, partition, event in events:
            await producer.send(topic, **_record(event), partition=partition)


def _record(event: StatusEvent) -> dict[str, Any]:
    value = event.model_dump_json().encode()
    return {"value": value, "key": event.key.encode(), "headers": event.headers()}
