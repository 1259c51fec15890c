"""Judge a history: what the client was told against what every topic holds. Pure.

Nothing here imports Esito's code: a checker that shared the code's idea of a record would share its
mistakes. The client's log says what was acknowledged; the topics, read `read_committed` from the
first record to the last, say what became of it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, Final

JsonObject = dict[str, Any]
Place = tuple[str, int, int]  # topic, partition, offset
_ERROR: Final = "__streams.errors."


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One callback that was answered 2xx: where it was sent, what it says, its exact bytes."""

    endpoint: str
    transaction: str
    fact: str
    body: bytes

    @property
    def key(self) -> str:
        """Return the key of the transaction's records."""
        return f"{self.endpoint}:{self.transaction}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """One committed record of a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Return the coordinates."""
        return self.topic, self.partition, self.offset

    @property
    def text_key(self) -> str:
        """Return the key as text."""
        return (self.key or b"").decode()

    def json(self) -> JsonObject:
        """Return the value's members."""
        members: JsonObject = json.loads(self.value or b"{}")
        return members


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The client's log and all six topics, each in log order within a partition."""

    acknowledged: Sequence[Acknowledged]
    raw: Sequence[StoredRecord] = ()
    verified: Sequence[StoredRecord] = ()
    rejected: Sequence[StoredRecord] = ()
    status: Sequence[StoredRecord] = ()
    anomalies: Sequence[StoredRecord] = ()
    state: Sequence[StoredRecord] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How much there was, and every violation in words; a sound history has none.

    `lost`, `undecided` and `diverged` also shrink to nothing as the workers catch up (the topics
    are not read at one instant), so they tell when a run is over.
    """

    acknowledged: int
    stored: int
    dead_letters: int
    status_events: int
    lost: tuple[str, ...]
    undecided: tuple[str, ...]
    unproven: tuple[str, ...]
    doubled_records: tuple[str, ...]
    doubled_ids: tuple[str, ...]
    doubled_effects: tuple[str, ...]
    gaps: tuple[str, ...]
    disorder: tuple[str, ...]
    diverged: tuple[str, ...]

    @property
    def settled(self) -> bool:
        """Tell whether every acknowledged callback has reached its end."""
        return not self.lost and not self.undecided and not self.diverged

    @property
    def doubled(self) -> tuple[str, ...]:
        """Return everything that happened twice."""
        return self.doubled_records + self.doubled_ids + self.doubled_effects

    @property
    def violations(self) -> tuple[str, ...]:
        """Return everything that must not be, each with the name of the rule it breaks."""
        return tuple(
            f"{one.name}: {text}"
            for one in fields(self)
            if isinstance(getattr(self, one.name), tuple)
            for text in getattr(self, one.name)
        )


def judge(history: History) -> Verdict:
    """Return the verdict on a history."""
    handled = _handled(history)
    events = _by_transaction(history.status)
    return Verdict(
        acknowledged=len(history.acknowledged),
        stored=len(history.raw),
        dead_letters=len(history.rejected),
        status_events=len(history.status),
        lost=tuple(_lost(history, handled)),
        undecided=tuple(_undecided(history, handled)),
        unproven=tuple(_unproven(history)),
        doubled_records=tuple(_doubled_records(history)),
        doubled_ids=tuple(_doubled_ids(history)),
        doubled_effects=tuple(_doubled_effects(events)),
        gaps=tuple(_gaps(events)),
        disorder=tuple(_disorder(events)),
        diverged=tuple(_diverged(events, history.state)),
    )


def _handled(history: History) -> set[Place]:
    """Return the records of input topics that a verified update or a dead letter names."""
    return {_origin(one) for one in history.verified} | {_blamed(one) for one in history.rejected}


def _origin(verified: StoredRecord) -> Place:
    origin = verified.json()["origin"]
    return origin["topic"], origin["partition"], origin["offset"]


def _blamed(letter: StoredRecord) -> Place:
    topic, partition, offset = (
        letter.headers[_ERROR + name].decode() for name in ("topic", "partition", "offset")
    )
    return topic, int(partition), int(offset)


def _lost(history: History, handled: set[Place]) -> Iterator[str]:
    """Yield acknowledged callbacks that are not stored, and stored ones that led nowhere."""
    stored = Counter(_digest(one.value) for one in history.raw)
    for one in history.acknowledged:
        stored[_digest(one.body)] -= 1
        if stored[_digest(one.body)] < 0:
            yield f"{one.key} {one.fact} was acknowledged and is not in the raw topic"
    for record in history.raw:
        if record.place not in handled:
            yield f"{_where(record)} is neither verified nor a dead letter"


def _undecided(history: History, handled: set[Place]) -> Iterator[str]:
    """Yield updates whose fact is neither remembered, nor an anomaly, nor a dead letter."""
    facts = {
        one.text_key: {fact.partition("#")[0] for fact in one.json()["facts"]}
        for one in _last_of_each(history.state).values()
        if one.value is not None
    }
    noticed = {
        _raw_place(anomaly["evidence"]) for one in history.anomalies if (anomaly := one.json())
    }
    for one in history.verified:
        what = one.json()["what"]
        if "fact" not in what or what["fact"] in facts.get(one.text_key, ()):
            continue
        if _origin(one) not in noticed and one.place not in handled:
            yield f"{_where(one)} {one.text_key} {what['fact']} has had no effect"


def _raw_place(evidence: JsonObject | None) -> Place | None:
    raw = evidence["raw"] if evidence else None
    return (raw["topic"], raw["partition"], raw["offset"]) if raw else None


def _unproven(history: History) -> Iterator[str]:
    """Yield status events that rest on no verified update of their transaction."""
    proven = {(one.text_key, _origin(one)) for one in history.verified}
    for one in history.status:
        if (one.text_key, _raw_place(one.json()["evidence"])) not in proven:
            yield f"{_where(one)} {one.text_key} rests on no verified update"


def _doubled_records(history: History) -> Iterator[str]:
    """Yield input records with two results for one transaction, or with two verdicts."""
    updates = Counter((_origin(one), one.text_key) for one in history.verified)
    letters = Counter(_blamed(one) for one in history.rejected)
    for (place, key), count in updates.items():
        if count > 1:
            yield f"{place} was verified {count} times for {key}"
    for place, count in letters.items():
        if count > 1:
            yield f"{place} became {count} dead letters"
    for place in letters.keys() & {place for place, _ in updates}:
        yield f"{place} is verified and a dead letter"


def _doubled_ids(history: History) -> Iterator[str]:
    for name, records in (("status event", history.status), ("anomaly", history.anomalies)):
        for identifier, count in Counter(one.headers["ce_id"] for one in records).items():
            if count > 1:
                yield f"{name} {identifier.decode()} was published {count} times"


def _doubled_effects(events: Mapping[str, list[JsonObject]]) -> Iterator[str]:
    for key, found in events.items():
        for name in ("native_status", "sequence"):
            for value, count in Counter(event[name] for event in found).items():
                if count > 1:
                    yield f"{key} has {name} {value} {count} times"


def _gaps(events: Mapping[str, list[JsonObject]]) -> Iterator[str]:
    for key, found in events.items():
        sequences = {event["sequence"] for event in found}
        missing = sorted(set(range(1, max(sequences) + 1)) - sequences)
        if missing:
            yield f"{key} has no sequence {missing}"


def _disorder(events: Mapping[str, list[JsonObject]]) -> Iterator[str]:
    for key, found in events.items():
        sequences = [event["sequence"] for event in found]
        if sequences != sorted(sequences):
            yield f"{key} has its sequences in the order {sequences}"


def _diverged(
    events: Mapping[str, list[JsonObject]], state: Sequence[StoredRecord]
) -> Iterator[str]:
    """Yield transactions whose last snapshot is not what their status events amount to."""
    snapshots = _last_of_each(state)
    for key in events.keys() | snapshots.keys():
        snapshot = snapshots.get(key)
        if snapshot is not None and snapshot.value is None:
            continue  # a tombstone: the transaction was forgotten on purpose
        stands = snapshot.json() if snapshot else {}
        told = events.get(key, [{}])[-1]
        said = told.get("native_status"), told.get("sequence", 0)
        kept = stands.get("status"), stands.get("sequence", 0)
        if said != kept:
            yield f"{key} was told to be {said} and is kept as {kept}"


def _by_transaction(records: Sequence[StoredRecord]) -> Mapping[str, list[JsonObject]]:
    found: defaultdict[str, list[JsonObject]] = defaultdict(list)
    for one in sorted(records, key=lambda record: record.place):
        found[one.text_key].append(one.json())
    return found


def _last_of_each(records: Sequence[StoredRecord]) -> dict[str, StoredRecord]:
    return {one.text_key: one for one in sorted(records, key=lambda record: record.place)}


def _digest(value: bytes | None) -> bytes:
    return sha256(value or b"").digest()


def _where(record: StoredRecord) -> str:
    return "/".join(map(str, record.place))
