"""Read the dead letters of a configuration, and send them back to where they came from.

A letter's id is where it lies: `<topic>-<partition>-<offset>`. Replaying leaves it there: the same
provider fact has the same event id, so a second replay changes nothing.
"""

import hashlib
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Final

from contracts import dead_letter, raw
from contracts.codes import RejectionCode
from contracts.errors import Broken
from contracts.instants import instant
from contracts.topics import Topics
from ops.cluster import Cluster
from ops.replay.replays import Replay
from ops.terminal import text_of
from ops.topic_reader import OnProgress, Place, StoredRecord, all_partitions, read_each, read_to_end
from runtime.configuration import Configuration

# A letter is written after its callback was received, on another machine, by another clock.
CLOCKS_APART_MILLISECONDS: Final = 3_600_000
# At 1 KiB each they fit in 256 MiB: what is to be replayed is known before anything is sent.
REPLAYS_MAX: Final = 200_000


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
) -> AsyncGenerator[Letter]:
    """Yield the dead letters with these ids, in the order given.

    Raises:
        Broken: an id is not one of a rejected topic of this configuration, or no longer kept.
    """
    rejected = {_topics(configuration, one.provider).rejected for one in configuration.endpoints}
    places = [_place(one, rejected) for one in ids]
    counts = await cluster.partitions(*{place[0] for place in places})
    for place in places:
        if place[1] >= counts[place[0]]:
            raise Broken(f"topic {place[0]} has no partition {place[1]}")
    found = set()
    async with aclosing(read_each(cluster.clients, places)) as records:
        async for record in records:
            found.add(record.place)
            yield Letter(record)
    for place in places:
        if place not in found:
            raise Broken(f"no record {'-'.join(map(str, place))}: not written, or no longer kept")


async def newest_replays(
    found: AsyncGenerator[Letter], configuration: Configuration, *, at_most: int = REPLAYS_MAX
) -> list[Replay]:
    """Return a replay of each callback of the letters `found`, by its newest one; oldest first.

    What was replayed in vain has several letters.

    Raises:
        Broken: there are more callbacks than `at_most`, or `replay_of_letter` says so.
    """
    newest: dict[tuple[str, bytes], tuple[tuple[int, Place], Replay]] = {}
    async for letter in found:
        written = letter.record.written_at, letter.record.place
        known = newest.get(letter.subject)
        if known is None or known[0] < written:
            newest[letter.subject] = written, replay_of_letter(letter, configuration)
        if len(newest) > at_most:
            raise Broken(
                f"more than {at_most} dead letters; narrow it: --code, --provider, --since"
            )
    return [replay for _, replay in sorted(newest.values(), key=itemgetter(0))]


def replay_of_letter(letter: Letter, configuration: Configuration) -> Replay:
    """Return the replay of `letter` to where it came from.

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
    return Replay(letter.record.place, topic, letter.code)


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
