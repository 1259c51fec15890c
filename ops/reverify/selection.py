"""Find the raw records that somebody names: by time, by id or range of ids, by transaction."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from aiokafka import TopicPartition

from contracts import raw
from contracts.errors import Broken
from contracts.topics import Topics
from ops.cluster import Cluster
from ops.story.collected import Story, read_story
from ops.terminal import text_of
from ops.topic_reader import OnProgress, Spans, StoredRecord, all_partitions, read_at, read_to_end


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which raw records of a provider to take; `transaction_id` needs the endpoint's name."""

    since: datetime | None = None
    until: datetime | None = None
    spans: Sequence[Spans] = ()
    endpoint: str | None = None
    transaction_id: str | None = None


def span(identifier: str, topics: Topics) -> Spans:
    """Return the offsets that `TOPIC-PARTITION-FIRST` or `TOPIC-PARTITION-FIRST..LAST` names.

    Raises:
        Broken: it is no such text, or not of the provider's raw topic.
    """
    topic, _, offsets = identifier.rpartition("-")
    topic, _, partition = topic.rpartition("-")
    first, _, last = offsets.partition("..")
    last = last or first
    if topic != topics.raw or not all(map(str.isdecimal, (partition, first, last))):
        raise Broken(
            f"{identifier}: no raw record; write {topics.raw}-0-17, or {topics.raw}-0-17..42 for "
            "all from one to the other"
        )
    return {TopicPartition(topic, int(partition)): (int(first), int(last) + 1)}


async def raw_records(
    cluster: Cluster, topics: Topics, wanted: Wanted, *, on_progress: OnProgress
) -> AsyncGenerator[StoredRecord]:
    """Yield the raw records that are still kept, in order within each partition."""
    if wanted.transaction_id is not None:
        for record in await _of_transaction(cluster, topics, wanted, on_progress):
            yield record
        return
    counts = await cluster.partitions(topics.raw)
    every = all_partitions(counts)
    for spans in wanted.spans or ({},):
        missing = [one for one in spans if one.partition >= counts[topics.raw]]
        if missing:
            raise Broken(f"topic {topics.raw} has no partition {missing[0].partition}")
        reading = read_to_end(
            cluster.clients,
            list(spans) or every,
            since_milliseconds=_milliseconds(wanted.since),
            until_milliseconds=_milliseconds(wanted.until),
            spans=spans,
            on_progress=on_progress,
        )
        async with aclosing(reading):
            async for record in reading:
                if wanted.endpoint in {None, text_of(record.header(raw.ENDPOINT))}:
                    yield record


async def _of_transaction(
    cluster: Cluster, topics: Topics, wanted: Wanted, on_progress: OnProgress
) -> list[StoredRecord]:
    """Return the callbacks of a transaction: those its records name, and those rejected for it."""
    if wanted.endpoint is None or wanted.transaction_id is None:
        raise Broken("--transaction needs --endpoint: an id is one endpoint's")
    story = Story(endpoint=wanted.endpoint, transaction_id=wanted.transaction_id)
    await read_story(cluster, topics, story, on_progress=on_progress)
    rejected = {one.origin for one in story.letters if one.origin[0] == topics.raw}
    found = await read_at(cluster.clients, rejected - set(story.callbacks))
    return [record for _, record in sorted({**story.callbacks, **found}.items())]


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else max(0, int(moment.timestamp() * 1000))
