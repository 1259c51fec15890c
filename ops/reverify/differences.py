"""Lay what the verifier would say now beside what it said, and tell the differences apart."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiokafka import TopicPartition

from contracts import raw
from contracts.errors import Broken
from contracts.topics import Topics
from ops.cluster import Cluster
from ops.groups import committed_offsets
from ops.replay.outcomes import UNAVAILABLE, Outcome, Outcomes, read_outcomes, subject_of
from ops.reverify.second_verdict import SecondVerdict
from ops.terminal import text_of
from ops.topic_reader import OnProgress, Place, StoredRecord, all_partitions

# At 1 KiB each they fit in 256 MiB; whoever has more goes on from the last one.
RECORDS_MAX: Final = 200_000


class Kind(StrEnum):
    """How the second verdict stands to the first."""

    SAME = "same"
    HEALED = "now verified"
    CHANGED = "says something else"
    LOST = "now rejected"
    OTHER_CODE = "rejected otherwise"
    WAITING = "not decided yet"
    FORGOTTEN = "no longer known"
    UNKNOWN = "cannot be said now"


# What is written again: it leads to something new. Nothing can be taken back, so LOST is only told.
WORTH_REPLAYING: Final = frozenset({Kind.HEALED, Kind.CHANGED})
AS_BEFORE: Final = frozenset({Kind.SAME, Kind.WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One raw record with both verdicts; `published` are the status events it has led to."""

    place: Place
    subject: str
    endpoint: str
    received_at: str
    kind: Kind = Kind.SAME
    was: Outcome | None = None
    now: Outcome
    published: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return the raw record's id."""
        return "-".join(map(str, self.place))

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object; nothing of the body."""
        return {
            "record": self.id,
            "difference": self.kind,
            "was": self.was.line() if self.was else None,
            "now": self.now.line(),
            "published": list(self.published),
            "endpoint": self.endpoint,
            "received_at": self.received_at,
        }


def kind_of(was: Outcome | None, now: Outcome, *, waiting: bool) -> Kind:
    """Return how `now` stands to what was decided; `waiting`: the verifier has not read it yet."""
    if now.code == UNAVAILABLE:
        return Kind.UNKNOWN
    if was is None:
        return Kind.WAITING if waiting else Kind.FORGOTTEN
    if was.code and now.code:
        return Kind.SAME if was.code == now.code else Kind.OTHER_CODE
    if was.code or now.code:
        return Kind.HEALED if was.code else Kind.LOST
    return Kind.SAME if was.said == now.said else Kind.CHANGED


async def judged_records(
    cluster: Cluster,
    topics: Topics,
    records: AsyncGenerator[StoredRecord],
    judge: SecondVerdict,
    *,
    group: str,
    on_progress: OnProgress,
) -> list[Judged]:
    """Return every one of `records` with both verdicts; `group` is that of their verifier.

    Raises:
        Broken: there are more than RECORDS_MAX.
    """
    found, oldest = await _judged(records, judge)
    if not found:
        return []
    partitions = all_partitions(await cluster.partitions(topics.raw))
    reached = await committed_offsets(cluster, group, partitions)
    # Read last: what is decided in between is no difference.
    outcomes = await read_outcomes(
        cluster,
        topics,
        {one.subject for one in found},
        since_milliseconds=oldest,
        on_progress=on_progress,
    )
    return [_compared(one, outcomes, reached) for one in found]


async def _judged(
    records: AsyncGenerator[StoredRecord], judge: SecondVerdict
) -> tuple[list[Judged], int]:
    """Return the records with their second verdict, and when the oldest of them was written."""
    found: list[Judged] = []
    written = []
    async for record in records:
        if len(found) == RECORDS_MAX:
            raise Broken(f"more than {RECORDS_MAX} raw records; narrow it: --since, --until")
        written.append(record.written_at)
        found.append(
            Judged(
                place=record.place,
                subject=subject_of(record),
                endpoint=text_of(record.header(raw.ENDPOINT)),
                received_at=text_of(record.header(raw.RECEIVED_AT)),
                now=await judge.of(record),
            )
        )
    return found, min(written, default=0)


def _compared(one: Judged, outcomes: Outcomes, reached: Mapping[TopicPartition, int]) -> Judged:
    was = outcomes.of(one.subject)
    waiting = one.place[2] >= reached.get(TopicPartition(*one.place[:2]), 0)
    return Judged(
        place=one.place,
        subject=one.subject,
        endpoint=one.endpoint,
        received_at=one.received_at,
        kind=kind_of(was, one.now, waiting=waiting),
        was=was,
        now=one.now,
        published=outcomes.published.get(one.subject, ()),
    )


def replayed(judged: list[Judged]) -> list[Judged]:
    """Return those to write again: each callback once, its newest record."""
    return list({one.subject: one for one in judged if one.kind in WORTH_REPLAYING}.values())
