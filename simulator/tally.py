"""Count what came out of Esito for one provider: records of its topics in, counts out. Pure."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from contracts.anomaly import Anomaly
from contracts.dead_letter import CODE
from contracts.raw import Headers
from contracts.status import StatusEvent
from contracts.topics import Role


@dataclass(slots=True)
class Tally:
    """Everything seen so far; `take` one record after another, each once."""

    raw: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    rejections: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: dict[str, list[StatusEvent]] = field(default_factory=lambda: defaultdict(list))
    anomalies: dict[str, tuple[str, str]] = field(default_factory=dict)
    _anomalies_of: Counter[str] = field(default_factory=Counter)

    def take(self, role: Role, value: bytes | None, headers: Headers) -> StatusEvent | None:
        """Count one record of the topic with this role; return it if it is a status event."""
        body = value or b""
        match role:
            case Role.RAW:
                self.raw[_sha256(body)] += 1
            case Role.VERIFIED:
                self.verified += 1
            case Role.REJECTED:
                code = dict(headers)[CODE].decode()
                self.rejections[_sha256(body), code] += 1
            case Role.STATUS:
                event = StatusEvent.model_validate_json(body)
                self.events[event.transaction_id].append(event)
                return event
            case Role.ANOMALIES:
                self._notice(Anomaly.model_validate_json(body))
            case Role.STATE:
                pass
        return None

    def outputs_of(self, transactions: Collection[str]) -> int:
        """Return how many different status events and anomalies these transactions have."""
        return sum(len(self._ids(one)) + self._anomalies_of[one] for one in transactions)

    def statuses(self) -> Mapping[str, tuple[str, ...]]:
        """Return each transaction's native statuses in order of sequence, doubles left out."""
        return {name: _in_order(events) for name, events in self.events.items()}

    def anomaly_counts(self) -> Counter[tuple[str, str]]:
        """Return how many different anomalies each transaction has, by code."""
        return Counter(self.anomalies.values())

    def only(self, transactions: Collection[str], bodies: Collection[str]) -> "Tally":
        """Return the part about these transactions, and about bodies with these SHA-256."""
        mine = {
            identifier: one for identifier, one in self.anomalies.items() if one[0] in transactions
        }
        return Tally(
            raw=self.raw,
            verified=self.verified,
            rejections=Counter(
                {key: count for key, count in self.rejections.items() if key[0] in bodies}
            ),
            events={name: self.events[name] for name in transactions if name in self.events},
            anomalies=mine,
            _anomalies_of=Counter(name for name, _ in mine.values()),
        )

    def renamed(self, names: Mapping[str, str]) -> "Tally":
        """Return the same with other names for some transactions."""
        anomalies = {
            identifier: (names.get(name, name), code)
            for identifier, (name, code) in self.anomalies.items()
        }
        return Tally(
            raw=self.raw,
            verified=self.verified,
            rejections=self.rejections,
            events={names.get(name, name): events for name, events in self.events.items()},
            anomalies=anomalies,
            _anomalies_of=Counter(name for name, _ in anomalies.values()),
        )

    @property
    def status_events(self) -> int:
        """Return how many status events there are, doubles included."""
        return sum(map(len, self.events.values()))

    @property
    def doubled(self) -> int:
        """Return how many status events came twice, by id or by their place in the sequence."""
        return sum(_doubles(events) for events in self.events.values())

    @property
    def gaps(self) -> int:
        """Return how many numbers are missing in the sequences, which count from 1."""
        return sum(_gaps(events) for events in self.events.values())

    @property
    def disorder(self) -> int:
        """Return how many status events lie in Kafka behind one that comes after them."""
        return sum(_descents(events) for events in self.events.values())

    def _ids(self, transaction: str) -> frozenset[str]:
        return frozenset(event.id for event in self.events.get(transaction, ()))

    def _notice(self, found: Anomaly) -> None:
        # A redelivered oddity is published again under the same id: it is one oddity.
        if found.id not in self.anomalies:
            self.anomalies[found.id] = (found.transaction_id, found.code.value)
            self._anomalies_of[found.transaction_id] += 1


def _in_order(events: Sequence[StatusEvent]) -> tuple[str, ...]:
    by_id = {event.id: event for event in events}
    ordered = sorted(by_id.values(), key=lambda event: event.sequence)
    return tuple(event.native_status for event in ordered)


def _doubles(events: Sequence[StatusEvent]) -> int:
    ids = {event.id for event in events}
    places = {event.sequence for event in events}
    return len(events) - min(len(ids), len(places))


def _gaps(events: Sequence[StatusEvent]) -> int:
    places = {event.sequence for event in events}
    return max(places, default=0) - len(places)


def _descents(events: Sequence[StatusEvent]) -> int:
    return sum(later.sequence < former.sequence for former, later in pairwise(events))


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
