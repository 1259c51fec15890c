"""Read the dead letters of a configuration, and send them back to where they came from.

A letter's id is where it lies: `<topic>-<partition>-<offset>`. Replaying leaves it there: the same
provider fact has the same event id, so a second replay changes nothing.
"""

import hashlib
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from contracts import dead_letter, raw
from contracts.codes import RejectionCode
from contracts.errors import Broken
from contracts.instants import instant
from contracts.topics import Topics
from ops.cluster import Cluster
from ops.replays import Replay, replay_of
from ops.terminal import text_of
from ops.topic_reader import OnProgress, Place, StoredRecord, all_partitions, read_at, read_to_end
from runtime.configuration import Configuration

# A letter is written after its callback was received, on another machine, by another clock.
CLOCKS_APART_MILLISECONDS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter."""

    record: StoredRecord

    @property
    def id(self) -> str:
        """Return its id."""
        return self.record.id

    @property
    def code(self) -> str:
        """Return its rejection code."""
        return text_of(self.record.header(dead_letter.CODE))

    @property
    def detail(self) -> str:
        """Return which field or rule it was."""
        return text_of(self.record.header(dead_letter.DETAIL))

    @property
    def received_at(self) -> str:
        """Return when the callback was received; when it was rejected if that is not known."""
        # A letter that came from the verified topic has its key, and no header of the ingress.
        known = text_of(self.record.header(raw.RECEIVED_AT))
        return known or instant(datetime.fromtimestamp(self.record.written_at / 1000, UTC))

    @property
    def endpoint(self) -> str:
        """Return the endpoint's name."""
        named = text_of(self.record.header(raw.ENDPOINT))
        return named or text_of(self.record.key).partition(":")[0]

    @property
    def origin(self) -> Place:
        """Return the record that was rejected.

        Raises:
            Broken: the headers do not say.
        """
        try:
            return (
                text_of(self.record.header(dead_letter.ERROR_TOPIC)),
                int(text_of(self.record.header(dead_letter.ERROR_PARTITION))),
                int(text_of(self.record.header(dead_letter.ERROR_OFFSET))),
            )
        except ValueError:
            raise Broken(f"{self.id}: its headers do not say where it came from") from None

    @property
    def subject(self) -> tuple[str, bytes]:
        """Return what it is about: the same for a callback rejected again after a replay."""
        callback = self.record.header(raw.CALLBACK_ID)
        content = (self.record.key or b"") + b"\n" + (self.record.value or b"")
        return self.origin[0], callback or hashlib.sha256(content).digest()

    def summary(self) -> dict[str, object]:
        """Return what `ls` shows, and what `show` begins with; nothing of the body."""
        body = self.record.value or b""
        return {
            "id": self.id,
            "code": self.code,
            "detail": self.detail,
            "received_at": self.received_at,
            "endpoint": self.endpoint,
            "body_bytes": len(body),
            "body_sha256": hashlib.sha256(body).hexdigest(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which dead letters to take; `since` is compared with when the callback was received."""

    providers: tuple[str, ...]
    code: RejectionCode | None = None
    since: datetime | None = None

    def takes(self, letter: Letter) -> bool:
        """Tell whether a letter is one of them."""
        return self.code in {None, letter.code} and (
            # Instants of one width compare as text in the order of time.
            self.since is None or letter.received_at >= instant(self.since)
        )


async def letters(
    cluster: Cluster, configuration: Configuration, wanted: Wanted, on_progress: OnProgress
) -> AsyncGenerator[Letter]:
    """Yield the wanted dead letters there are now, in order within each partition."""
    topics = [_topics(configuration, provider).rejected for provider in wanted.providers]
    since = None
    if wanted.since is not None:
        since = max(0, int(wanted.since.timestamp() * 1000) - CLOCKS_APART_MILLISECONDS)
    partitions = all_partitions(await cluster.partitions(*topics))
    async for record in read_to_end(
        cluster.clients, partitions, since_milliseconds=since, on_progress=on_progress
    ):
        letter = Letter(record)
        if wanted.takes(letter):
            yield letter


async def letters_at(
    cluster: Cluster, configuration: Configuration, ids: Iterable[str]
) -> list[Letter]:
    """Return the dead letters with these ids, in the order given.

    Raises:
        Broken: an id is not one of a rejected topic of this configuration, or no longer kept.
    """
    rejected = {_topics(configuration, one.provider).rejected for one in configuration.endpoints}
    places = [_place(one, rejected) for one in ids]
    counts = await cluster.partitions(*{place[0] for place in places})
    for place in places:
        if place[1] >= counts[place[0]]:
            raise Broken(f"topic {place[0]} has no partition {place[1]}")
    found = await read_at(cluster.clients, places)
    for place in places:
        if place not in found:
            raise Broken(f"no record {'-'.join(map(str, place))}: not written, or no longer kept")
    return [Letter(found[place]) for place in places]


def replay_of_letter(letter: Letter, configuration: Configuration) -> Replay:
    """Return what a replay of `letter` sends: the record as it was before it was one.

    Raises:
        Broken: it did not come from a raw or verified topic of this configuration.
    """
    topic = letter.origin[0]
    inputs = set()
    for endpoint in configuration.endpoints:
        topics = _topics(configuration, endpoint.provider)
        inputs |= {topics.raw, topics.verified}
    if topic not in inputs:
        raise Broken(
            f"{letter.id} came from {topic}, which is no input of this configuration; look at "
            "topic_prefix and endpoints"
        )
    return replay_of(letter.record, topic, code=letter.code)


def _topics(configuration: Configuration, provider: str) -> Topics:
    return Topics.of(provider, prefix=configuration.topic_prefix)


def _place(identifier: str, rejected: set[str]) -> Place:
    topic, _, rest = identifier.rpartition("-")
    topic, _, partition = topic.rpartition("-")
    if topic not in rejected or not (partition + rest).isdecimal() or not partition or not rest:
        raise Broken(
            f"{identifier} is no dead letter of this configuration; esito dead-letters ls shows "
            "their ids"
        )
    return topic, int(partition), int(rest)
