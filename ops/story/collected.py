"""Collect every record that concerns one transaction: what came, what it proved, what it led to.

Records that carry the transaction's key are read from the one partition that the key chooses. Raw
records have no key: they are found by the evidence that verified records and events name. A dead
letter of the raw topic proves nothing about any transaction; it is taken if its body holds the id.
"""

from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.partitioner import DefaultPartitioner
from pydantic import ValidationError

from contracts.anomaly import Anomaly
from contracts.status import StatusEvent
from contracts.topics import Topics
from contracts.update import Origin, VerifiedUpdate
from ops.cluster import Cluster
from ops.replay.letter_box import Letter
from ops.topic_reader import (
    OnProgress,
    Place,
    StoredRecord,
    all_partitions,
    read_at,
    read_to_end,
)


@dataclass(slots=True, kw_only=True)
class Story:
    """What the topics hold about one transaction; `unreadable` are records of no known shape."""

    endpoint: str
    transaction_id: str
    callbacks: dict[Place, StoredRecord] = field(default_factory=dict)
    updates: list[tuple[StoredRecord, VerifiedUpdate]] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    events: list[tuple[StoredRecord, StatusEvent]] = field(default_factory=list)
    anomalies: list[tuple[StoredRecord, Anomaly]] = field(default_factory=list)
    snapshot: StoredRecord | None = None
    unreadable: list[StoredRecord] = field(default_factory=list)

    @property
    def key(self) -> bytes:
        """Return the record key of the transaction."""
        return f"{self.endpoint}:{self.transaction_id}".encode()

    def origins(self) -> dict[Place, Origin]:
        """Return the raw records that something in the story is founded on, by place."""
        named = [update.origin for _, update in self.updates]
        named += [event.evidence.raw for _, event in self.events]
        named += [one.evidence.raw for _, one in self.anomalies if one.evidence is not None]
        return {(one.topic, one.partition, one.offset): one for one in named}

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing at all is kept about the transaction."""
        return not (self.updates or self.letters or self.events or self.anomalies or self.snapshot)


async def read_story(
    cluster: Cluster, topics: Topics, story: Story, *, on_progress: OnProgress
) -> None:
    """Fill an empty `story` from `topics`."""
    counts = await cluster.partitions(*topics.by_role().values())
    keyed = [topics.verified, topics.status, topics.anomalies, topics.state]
    partitions = [_partition_of(topic, story.key, counts[topic]) for topic in keyed]
    partitions += all_partitions({topics.rejected: counts[topics.rejected]})
    async for record in read_to_end(cluster.clients, partitions, on_progress=on_progress):
        _take(story, topics, record)
    kept = [one for one in story.origins() if one[0] == topics.raw and one[1] < counts[topics.raw]]
    story.callbacks = await read_at(cluster.clients, kept)


def _partition_of(topic: str, key: bytes, count: int) -> TopicPartition:
    every = list(range(count))
    return TopicPartition(topic, DefaultPartitioner()(key, every, every))


def _take(story: Story, topics: Topics, record: StoredRecord) -> None:
    if record.topic == topics.rejected:
        if _concerns(record, story):
            story.letters.append(Letter(record))
        return
    if record.key != story.key:
        return
    if record.topic == topics.state:
        story.snapshot = record if record.value else None
        return
    value = record.value or b""
    try:
        if record.topic == topics.verified:
            story.updates.append((record, VerifiedUpdate.model_validate_json(value)))
        elif record.topic == topics.status:
            story.events.append((record, StatusEvent.model_validate_json(value)))
        else:
            story.anomalies.append((record, Anomaly.model_validate_json(value)))
    except ValidationError:
        story.unreadable.append(record)


def _concerns(record: StoredRecord, story: Story) -> bool:
    if record.key is not None:
        return record.key == story.key
    return Letter(record).endpoint == story.endpoint and (
        story.transaction_id.encode() in (record.value or b"")
    )
