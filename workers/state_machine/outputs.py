"""Write decisions as the records of one partition, and say what to count of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from contracts.anomaly import Anomaly
from contracts.errors import Rejected
from contracts.provider import Provider
from contracts.raw import Headers
from contracts.topics import Topics
from contracts.update import JSON_MEDIA_TYPE, Statement, VerifiedUpdate
from workers.dead_letters import dead_letter
from workers.processor import Output
from workers.state_machine.decision import Decision, Outcome
from workers.state_machine.events import anomaly, status_event
from workers.state_machine.snapshot import PlacedUpdate

_UNKNOWN_OFFSET: Final = -1  # of an update that was held before offsets were


@dataclass(frozen=True, slots=True)
class Made:
    """Records, and the decisions (each with its traceparent) and anomalies that are in them."""

    outputs: list[Output] = field(default_factory=list)
    decided: list[tuple[Decision, str]] = field(default_factory=list)
    noticed: list[Anomaly] = field(default_factory=list)

    def add(self, other: "Made") -> None:
        """Append what `other` has."""
        self.outputs.extend(other.outputs)
        self.decided.extend(other.decided)
        self.noticed.extend(other.noticed)


class _Record(NamedTuple):
    """The record that an update came by, as the verifier wrote it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Outputs:
    """Makes the records of one partition."""

    def __init__(self, provider: Provider, topics: Topics, partition: int) -> None:
        """Write to the same partition of each topic that the transaction's updates come by."""
        self._provider = provider
        self._topics = topics
        self._partition = partition

    def of(self, key: bytes, decisions: Sequence[Decision], traceparent: str = "") -> Made:
        """Return what decisions on one transaction lead to."""
        lifecycle = self._provider.lifecycle
        made = Made(decided=[(one, traceparent) for one in decisions])
        for one in decisions:
            made.outputs.extend(self._status(one, key, traceparent))
            if one.rejection is not None:
                made.outputs.append(self._dead_letter(one.update, one.rejection))
        made.add(
            self.of_anomalies(
                key,
                [anomaly(one, one.notice, lifecycle) for one in decisions if one.notice],
                traceparent,
            )
        )
        return made

    def of_anomalies(self, key: bytes, found: list[Anomaly], traceparent: str = "") -> Made:
        """Return anomalies of one transaction as records."""
        topic = self._topics.anomalies
        outputs = [
            Output(
                topic,
                key,
                one.model_dump_json().encode(),
                one.headers(traceparent),
                self._partition,
            )
            for one in found
        ]
        return Made(outputs, noticed=found)

    def changelog(self, key: bytes, value: bytes | None) -> Output:
        """Return what is remembered of a transaction from now on."""
        return Output(self._topics.state, key, value, [], self._partition)

    def forward(self, update: VerifiedUpdate, headers: Sequence[tuple[str, bytes]]) -> Output:
        """Return an update that goes on to its own transaction, by the road of all the others."""
        return Output(self._topics.verified, update.key.encode(), _value(update), list(headers))

    def _status(self, decision: Decision, key: bytes, traceparent: str) -> list[Output]:
        what, after = decision.update.what, decision.after
        if decision.outcome is not Outcome.APPLIED or not after or not isinstance(what, Statement):
            return []
        event = status_event(decision, what, after, self._provider.lifecycle)
        headers = event.headers(traceparent)
        value = event.model_dump_json().encode()
        return [Output(self._topics.status, key, value, headers, self._partition)]

    def _dead_letter(self, update: VerifiedUpdate, rejection: Rejected) -> Output:
        """Return the dead letter of an update whose record was read long ago."""
        record = _Record(
            topic=self._topics.verified,
            partition=self._partition,
            offset=offset_of(update),
            key=update.key.encode(),
            value=_value(update),
            headers=(("content-type", JSON_MEDIA_TYPE),),
        )
        return dead_letter(record, rejection, topic=self._topics.rejected)


def offset_of(update: VerifiedUpdate) -> int:
    """Return where an update that waits lies in its partition of the verified topic."""
    return update.offset if isinstance(update, PlacedUpdate) else _UNKNOWN_OFFSET


def _value(update: VerifiedUpdate) -> bytes:
    return update.model_dump_json(exclude={"offset"}, exclude_defaults=True).encode()
