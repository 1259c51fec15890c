"""Run the state machine under the loop: updates in; status events, anomalies, changelog out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from aiokafka import TopicPartition
from pydantic import ValidationError

from contracts.anomaly import Anomaly
from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.instants import epoch_milliseconds, instant
from contracts.provider import Provider
from contracts.topics import Topics
from contracts.update import Statement, VerifiedUpdate
from runtime.kafka import KafkaClients
from runtime.tracing import traceparent_of
from workers.processor import InputRecord, Output
from workers.state_machine.changelog import read_changelog
from workers.state_machine.decide import decide, release
from workers.state_machine.decision import Decision, Outcome, Rules
from workers.state_machine.events import alarm_anomaly, anomaly, status_event
from workers.state_machine.meters import StateMeters
from workers.state_machine.partition_state import PartitionState
from workers.state_machine.timers import ring

_PER_BATCH_MAX: Final = 500  # alarms or expiries in one Kafka transaction: as many as records


class StateMachineProcessor:
    """The state machine of one partition."""

    def __init__(
        self,
        partition: TopicPartition,
        *,
        provider: Provider,
        rules: Mapping[str, Rules],
        topics: Topics,
        clients: KafkaClients,
        meters: StateMeters,
    ) -> None:
        """Start without state; `rules` are those of each endpoint, by name."""
        self._partition = partition.partition
        self._provider = provider
        self._rules = rules
        self._topics = topics
        self._clients = clients
        self._meters = meters
        self._state = PartitionState(provider.lifecycle.final)
        self._record_time = 0
        self._changes: list[tuple[bytes, bytes | None]] = []
        self._decided: list[tuple[Decision, str]] = []
        self._noticed: list[Anomaly] = []

    async def restore(self) -> None:
        """Build the state from the changelog."""
        self._state = PartitionState(self._provider.lifecycle.final)
        self._record_time = 0
        self._clear()
        changelog = TopicPartition(self._topics.state, self._partition)
        await read_changelog(changelog, clients=self._clients, take=self._state.load)
        self._state.loaded()
        self._meters.held(self._partition, self._state)

    async def prepare(self, records: Sequence[InputRecord]) -> int:
        """Return that all are ready: nothing has to be looked up."""
        return len(records)

    def process(self, record: InputRecord) -> Sequence[Output]:
        """Return the status events and anomalies that one verified update leads to."""
        update = _read(record)
        rules = self._rules.get(update.endpoint)
        if rules is None:
            raise Rejected(RejectionCode.ENDPOINT_UNKNOWN, "endpoint: not configured")
        key = update.key.encode()
        decisions = decide(self._state.get(key), update, rules)
        outputs = self._apply(key, decisions, traceparent_of(record.headers))
        outputs += [self._verified(one.forward, record) for one in decisions if one.forward]
        # An ingress clock years ahead must not forget everything: the record was written then.
        received = min(epoch_milliseconds(update.received_at), record.timestamp)
        self._record_time = max(self._record_time, received)
        return outputs

    def _apply(
        self, key: bytes, decisions: Sequence[Decision], traceparent: str = ""
    ) -> list[Output]:
        """Return what decisions on one transaction lead to, and make them the batch's state."""
        noticed = [
            anomaly(one, one.notice, self._provider.lifecycle) for one in decisions if one.notice
        ]
        outputs = [output for one in decisions for output in self._status(one, key, traceparent)]
        outputs += [self._anomaly(one, key, traceparent) for one in noticed]
        # Nothing below can fail, so a record that raised above has left nothing behind.
        for decision in decisions:
            if decision.after is not None:
                self._state.put(key, decision.after)
            self._decided.append((decision, traceparent))
        self._noticed += noticed
        return outputs

    def finish(self) -> Sequence[Output]:
        """Return the changelog of the batch, with a tombstone for each transaction that expired."""
        for key, _ in list(self._state.expired(self._record_time, _PER_BATCH_MAX)):
            self._state.put(key, None)
        return self._changelog()

    def committed(self) -> None:
        """Make the batch's changes the state, and count what was published."""
        self._state.commit(self._changes)
        self._meters.count(self._decided, self._noticed)
        self._meters.held(self._partition, self._state)
        self._clear()

    def aborted(self) -> None:
        """Forget the batch."""
        self._state.abort()
        self._clear()

    async def close(self) -> None:
        """Show no more how many transactions the partition holds."""
        self._meters.release(self._partition)

    def alarms(self, now_milliseconds: int) -> Sequence[Output]:
        """Ring every alarm that is due, and write that it rang in the same Kafka transaction."""
        due = list(self._state.alarms_due(now_milliseconds, _PER_BATCH_MAX))
        if not due:
            return ()
        outputs: list[Output] = []
        noticed_at = instant(datetime.fromtimestamp(now_milliseconds / 1000, UTC))
        for key, snapshot in due:
            name = key.decode()
            rules = self._rules.get(name.partition(":")[0]) or Rules(provider=self._provider)
            settling = release(snapshot, now_milliseconds, rules)
            outputs += self._apply(key, settling)
            standing = self._state.get(key) or snapshot
            after, notices = ring(standing, now_milliseconds, rules)
            self._state.put(key, after)
            for notice in notices:
                found = alarm_anomaly(
                    name, snapshot, notice, provider=self._provider, noticed_at=noticed_at
                )
                self._noticed.append(found)
                outputs.append(self._anomaly(found, key, ""))
        return [*outputs, *self._changelog()]

    def _status(self, decision: Decision, key: bytes, traceparent: str) -> list[Output]:
        what, after = decision.update.what, decision.after
        if decision.outcome is not Outcome.APPLIED or not after or not isinstance(what, Statement):
            return []
        event = status_event(decision, what, after, self._provider.lifecycle)
        headers = event.headers(traceparent)
        value = event.model_dump_json().encode()
        return [Output(self._topics.status, key, value, headers, self._partition)]

    def _verified(self, update: VerifiedUpdate, record: InputRecord) -> Output:
        """Return an update that goes on to its own transaction, by the road of all the others."""
        value = update.model_dump_json(exclude_defaults=True).encode()
        return Output(self._topics.verified, update.key.encode(), value, list(record.headers))

    def _anomaly(self, found: Anomaly, key: bytes, traceparent: str) -> Output:
        value = found.model_dump_json().encode()
        return Output(
            self._topics.anomalies, key, value, found.headers(traceparent), self._partition
        )

    def _changelog(self) -> list[Output]:
        self._changes = self._state.changes()
        return [
            Output(self._topics.state, key, value, [], self._partition)
            for key, value in self._changes
        ]

    def _clear(self) -> None:
        self._changes, self._decided, self._noticed = [], [], []


def _read(record: InputRecord) -> VerifiedUpdate:
    try:
        return VerifiedUpdate.model_validate_json(record.value or b"")
    except ValidationError as error:
        raise Rejected(
            RejectionCode.UPDATE_MALFORMED, f"{error.error_count()} rules broken"
        ) from None
