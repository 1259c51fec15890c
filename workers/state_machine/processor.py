"""Run the state machine under the loop: updates in; status events, anomalies, changelog out."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import TopicPartition
from pydantic import ValidationError

from contracts.anomaly import Anomaly
from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.instants import epoch_milliseconds
from contracts.provider import Provider
from contracts.topics import Topics
from contracts.update import VerifiedUpdate
from runtime.kafka import KafkaClients
from runtime.tracing import traceparent_of
from workers.poison import attempted
from workers.processor import InputRecord, Output
from workers.state_machine.alarms import dismissed, rung, settle
from workers.state_machine.changelog import read_changelog
from workers.state_machine.decide import decide
from workers.state_machine.decision import Decision, Rules
from workers.state_machine.meters import StateMeters
from workers.state_machine.outputs import Made, Outputs
from workers.state_machine.partition_state import PartitionState
from workers.state_machine.snapshot import Snapshot, placed

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
        self._outputs = Outputs(provider, topics, partition.partition)
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
        if rules.settle_milliseconds:
            update = placed(update, record.offset)
        key, make = update.key.encode(), self._outputs
        standing = self._state.get(key) or Snapshot()
        # What is held beyond the bound is decided first, and no failure of it is this record's.
        standing, made = settle(key, standing, 0, rules=rules, outputs=make)
        decisions = decide(standing, update, rules)
        made.add(make.of(key, decisions, traceparent_of(record.headers)))
        forward = [make.forward(one.forward, record.headers) for one in decisions if one.forward]
        # Nothing below can fail, so a record that raised above has left nothing behind.
        self._take(key, made)
        # An ingress clock years ahead must not forget everything: the record was written then.
        received = min(epoch_milliseconds(update.received_at), record.timestamp)
        self._record_time = max(self._record_time, received)
        return [*made.outputs, *forward]

    def _take(self, key: bytes, made: Made) -> None:
        """Make what was decided on one transaction the batch's state."""
        for decision, _ in made.decided:
            if decision.after is not None:
                self._state.put(key, decision.after)
        self._decided += made.decided
        self._noticed += made.noticed

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

    def alarms(
        self, now_milliseconds: int, *, keys_max: int, given_up: Mapping[bytes, str]
    ) -> Sequence[Output]:
        """Ring every alarm that is due, and write that it rang in the same Kafka transaction."""
        due = list(self._state.alarms_due(now_milliseconds, min(keys_max, _PER_BATCH_MAX)))
        if not due:
            return ()
        outputs: list[Output] = []
        for key, snapshot in due:
            outputs += self._ring(key, snapshot, now_milliseconds, given_up.get(key))
        return [*outputs, *self._changelog()]

    def _ring(
        self, key: bytes, snapshot: Snapshot, now: int, given_up: str | None
    ) -> Sequence[Output]:
        endpoint = key.decode().partition(":")[0]
        rules = self._rules.get(endpoint) or Rules(provider=self._provider)
        make = self._outputs
        found = attempted(
            lambda: rung(key, snapshot, now, rules=rules, outputs=make), given_up=given_up
        )
        if isinstance(found, Rejected):
            self._meters.dismissed(endpoint, found)
            found = dismissed(key, snapshot, found, make)
        after, made = found
        self._take(key, made)
        self._state.put(key, after)
        return made.outputs

    def _changelog(self) -> list[Output]:
        self._changes = self._state.changes()
        return [self._outputs.changelog(key, value) for key, value in self._changes]

    def _clear(self) -> None:
        self._changes, self._decided, self._noticed = [], [], []


def _read(record: InputRecord) -> VerifiedUpdate:
    try:
        return VerifiedUpdate.model_validate_json(record.value or b"")
    except ValidationError as error:
        raise Rejected(
            RejectionCode.UPDATE_MALFORMED, f"{error.error_count()} rules broken"
        ) from None
