"""The state machine of one partition under the loop: batches, aborts, expiries, alarms."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
import structlog
from aiokafka import ConsumerRecord, TopicPartition

from contracts.errors import Rejected
from contracts.instants import epoch_milliseconds
from contracts.topics import Topics
from contracts.update import VerifiedUpdate
from runtime.configuration_file import load_configuration
from runtime.kafka import KafkaClients
from runtime.metrics import Metrics
from tests.conformance.vector import VECTORS
from tests.updates import (
    NOON_MILLISECONDS,
    PIVOT,
    REGISTERED,
    RULES,
    announced,
    at,
    said,
    verified_record,
)
from workers.processor import Output
from workers.state_machine.decision import Rules
from workers.state_machine.meters import StateMeters
from workers.state_machine.processor import StateMachineProcessor
from workers.state_machine.snapshot import decode_snapshot

DAY_SECONDS = 86_400
TOPICS = Topics.of("pivot")


def processor(rules: Rules = RULES, metrics: Metrics | None = None) -> StateMachineProcessor:
    configuration = load_configuration(VECTORS / "pivot" / "endpoint.yaml", environ={})
    log = structlog.wrap_logger(structlog.ReturnLogger(), processors=[])
    return StateMachineProcessor(
        TopicPartition(TOPICS.verified, 3),
        provider=PIVOT,
        rules={"shop": rules},
        topics=TOPICS,
        clients=KafkaClients(configuration, client_id="test"),  # makes none before a restore
        meters=StateMeters(metrics or Metrics(), PIVOT, log),
    )


def batch(machine: StateMachineProcessor, *updates: VerifiedUpdate) -> list[Output]:
    """Return what a committed batch wrote."""
    outputs = [output for one in updates for output in machine.process(verified_record(one))]
    outputs.extend(machine.finish())
    machine.committed()
    return outputs


def alarms(
    machine: StateMachineProcessor,
    now: int,
    *,
    given_up: Mapping[bytes, str] = MappingProxyType({}),
) -> list[Output]:
    return list(machine.alarms(now, keys_max=500, given_up=given_up))


def of(topic: str, outputs: list[Output]) -> list[dict[str, Any]]:
    return [json.loads(one.value or b"null") for one in outputs if one.topic == topic]


def test_batch_writes_status_events_then_one_changelog_record_for_each_transaction() -> None:
    machine = processor()

    outputs = batch(machine, said("PROCESSING"), said("PAID"), said("PAID", transaction="t2"))

    assert [(one.topic, one.key) for one in outputs] == [
        (TOPICS.status, b"shop:t1"),
        (TOPICS.status, b"shop:t1"),
        (TOPICS.status, b"shop:t2"),
        (TOPICS.state, b"shop:t1"),
        (TOPICS.state, b"shop:t2"),
    ]
    assert [event["sequence"] for event in of(TOPICS.status, outputs)] == [1, 2, 1]
    assert {one.partition for one in outputs} == {3}


def test_changelog_holds_the_snapshot_that_the_next_batch_starts_from() -> None:
    machine = processor()

    *_, changelog = batch(machine, said("PROCESSING"))

    assert decode_snapshot(changelog.value or b"").status == "PROCESSING"
    (event,) = of(TOPICS.status, batch(machine, said("PAID")))
    assert (event["sequence"], event["previous_status"]) == (2, "processing")


def test_batch_that_changes_nothing_writes_nothing() -> None:
    machine = processor()
    batch(machine, said("PAID"))

    assert batch(machine, said("PAID"), said("PAID")) == []


def test_aborted_batch_tried_again_writes_the_same() -> None:
    machine = processor()
    first = [*machine.process(verified_record(said("PAID"))), *machine.finish()]
    machine.aborted()

    second = [*machine.process(verified_record(said("PAID"))), *machine.finish()]

    assert second == first


def test_update_of_another_endpoint_is_rejected() -> None:
    with pytest.raises(Rejected, match="endpoint_unknown"):
        processor().process(verified_record(said("PAID", endpoint="elsewhere")))


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"[]",
        b'{"provider":"pivot"}',
        json.dumps({**json.loads(said("PAID").model_dump_json()), "extra": 1}).encode(),
        said("PAID").model_dump_json().replace("2026-11-02T12", "2026-13-02T12").encode(),
        said("PAID").model_dump_json().replace('"t1"', '"t 1"').encode(),
    ],
)
def test_record_that_is_no_update_is_rejected_and_not_poisoned(value: bytes | None) -> None:
    record = ConsumerRecord("verified", 3, 0, 0, 0, None, value, None, 0, 0, [])

    with pytest.raises(Rejected, match="update_malformed"):
        processor().process(record)


def test_final_transaction_is_forgotten_by_record_time_with_a_tombstone() -> None:
    machine = processor()
    batch(machine, said("PAID"))

    outputs = batch(machine, said("PAID", transaction="t2", seconds=90 * DAY_SECONDS))

    tombstones = [one.key for one in outputs if one.topic == TOPICS.state and one.value is None]
    assert tombstones == [b"shop:t1"]


def test_ingress_clock_years_ahead_forgets_nothing() -> None:
    """Record time is bounded by the record itself: one bad clock must not empty a partition."""
    machine = processor()
    batch(machine, said("PAID"))
    ahead = said("PAID", transaction="t2", seconds=900 * DAY_SECONDS)

    machine.process(verified_record(ahead, written=epoch_milliseconds(at(0))))
    outputs = machine.finish()

    assert [one.key for one in outputs if one.value is None] == []


def test_transaction_is_remembered_until_its_time_is_over() -> None:
    machine = processor()
    batch(machine, said("PAID"), said("PROCESSING", transaction="open"))

    outputs = batch(machine, said("PAID", transaction="t2", seconds=90 * DAY_SECONDS - 1))

    assert [one.key for one in outputs if one.value is None] == []


def test_forgotten_transaction_begins_anew_and_its_events_keep_their_ids() -> None:
    machine = processor()
    (first,) = of(TOPICS.status, batch(machine, said("PAID")))
    batch(machine, said("PAID", transaction="t2", seconds=91 * DAY_SECONDS))

    (again,) = of(TOPICS.status, batch(machine, said("PAID", seconds=92 * DAY_SECONDS)))

    assert (again["id"], again["sequence"]) == (first["id"], 1)


def test_older_record_does_not_turn_time_back() -> None:
    machine = processor()
    batch(machine, said("PAID", transaction="t2", seconds=91 * DAY_SECONDS))

    (event,) = of(TOPICS.status, batch(machine, said("PAID")))
    outputs = batch(machine, said("PAID", seconds=1))

    assert event["transaction_id"] == "t1"
    assert [(one.key, one.value) for one in outputs] == [(b"shop:t1", None)]


def test_alarm_writes_the_anomaly_and_that_it_rang() -> None:
    machine = processor()
    batch(machine, announced(deadline=at(60)))

    outputs = alarms(machine, NOON_MILLISECONDS + 60_000)
    machine.committed()

    (anomaly,) = of(TOPICS.anomalies, outputs)
    assert (anomaly["code"], anomaly["noticed_at"]) == ("overdue", at(60))
    assert outputs[-1].topic == TOPICS.state
    assert decode_snapshot(outputs[-1].value or b"").overdue
    assert alarms(machine, NOON_MILLISECONDS + 999_000) == []


def test_alarm_of_an_aborted_kafka_transaction_rings_again_with_the_same_id() -> None:
    machine = processor()
    batch(machine, announced(deadline=at(60)))
    first = of(TOPICS.anomalies, alarms(machine, NOON_MILLISECONDS + 60_000))
    machine.aborted()

    second = of(TOPICS.anomalies, alarms(machine, NOON_MILLISECONDS + 90_000))

    assert second[0]["id"] == first[0]["id"]


def test_deadline_moved_nearer_rings_once_after_a_long_silence() -> None:
    """Parked until noon and a minute, then announced with a deadline before that."""
    machine = processor(REGISTERED)
    batch(machine, said("PROCESSING"))
    batch(machine, announced(deadline=at(30), seconds=1))

    outputs = alarms(machine, NOON_MILLISECONDS + 600_000)

    assert [one["code"] for one in of(TOPICS.anomalies, outputs)] == ["overdue"]


def test_released_updates_are_events_of_the_batch_that_announced_them() -> None:
    machine = processor(REGISTERED)
    assert of(TOPICS.status, batch(machine, said("PAID"))) == []

    events = of(TOPICS.status, batch(machine, announced(seconds=5)))

    assert [(one["native_status"], one["received_at"]) for one in events] == [("PAID", at())]


def test_metrics_count_what_was_committed_and_not_what_was_aborted() -> None:
    metrics = Metrics()
    machine = processor(metrics=metrics)
    machine.process(verified_record(said("PAID")))
    machine.aborted()

    batch(machine, said("PAID"), said("CANCELLED"))

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, {"provider": "pivot", **labels})

    assert value("esito_state_decisions_total", outcome="applied") == 1
    assert value("esito_state_decisions_total", outcome="conflict") == 1
    assert value("esito_state_anomalies_total", code="conflict") == 1
    assert value("esito_state_status_events_total", status="completed") == 1
    assert value("esito_state_transactions", partition="3") == 1
