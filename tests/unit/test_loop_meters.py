"""The metrics of a partition's loop count what was committed."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from contracts.codes import RejectionCode
from contracts.dead_letter import CODE
from runtime.metrics import Metrics
from workers.loop_meters import LoopMeters
from workers.processor import Output

TOPIC = "callbacks.pivot.raw.v1"


@dataclass(frozen=True)
class Consumer:
    """As much of a consumer as the lag needs."""

    at: int
    end: int

    async def position(self, partition: TopicPartition) -> int:
        assert partition.topic == TOPIC
        return self.at

    def last_stable_offset(self, partition: TopicPartition) -> int:
        assert partition.topic == TOPIC
        return self.end


def record(offset: int) -> Any:  # noqa: ANN401 - aiokafka's record, of which the offset is read
    """Return a record that is fetched."""
    return SimpleNamespace(offset=offset)


def dead_letter(code: RejectionCode) -> Output:
    """Return an output with the header that makes it a dead letter."""
    return Output("callbacks.pivot.rejected.v1", b"k", b"v", [(CODE, code.value.encode())])


def test_committed_batch_counts_records_by_outcome_and_dead_letters_by_code() -> None:
    metrics = Metrics()
    verified = Output("callbacks.pivot.verified.v1", b"k", b"v", [])
    poisoned, invalid = (
        dead_letter(RejectionCode.POISONED),
        dead_letter(RejectionCode.JSON_INVALID),
    )

    LoopMeters(metrics, TopicPartition(TOPIC, 0)).count(
        [False, True, True, True], [verified, invalid, poisoned, invalid]
    )

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, {"topic": TOPIC, **labels})

    assert value("esito_worker_records_total", outcome="processed") == 1
    assert value("esito_worker_records_total", outcome="rejected") == 3
    assert value("esito_worker_rejections_total", code="json_invalid") == 2
    assert value("esito_worker_rejections_total", code="poisoned") == 1


def test_every_code_and_outcome_is_shown_before_it_happens() -> None:
    """`increase()` does not see a series come: the first dead letter would fire no alert."""
    metrics = Metrics()

    LoopMeters(metrics, TopicPartition(TOPIC, 0))

    shown = {
        (sample.name, *sample.labels.values()): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
    }
    assert {shown["esito_worker_rejections_total", TOPIC, code] for code in RejectionCode} == {0.0}
    assert shown["esito_worker_kafka_transactions_total", TOPIC, "fenced"] == 0


def test_partition_that_is_given_back_shows_no_lag_and_no_open_breaker() -> None:
    """Else its last lag would stay for as long as the process lives, and alert for nothing."""
    metrics = Metrics()
    meters = LoopMeters(metrics, TopicPartition(TOPIC, 0))
    meters.breaker_open.set(1)

    meters.release(breaker_open=False)

    labels = {"topic": TOPIC, "partition": "0"}
    assert metrics.registry.get_sample_value("esito_worker_lag_records", labels) is None
    assert metrics.registry.get_sample_value("esito_worker_breaker_open", {"topic": TOPIC}) == 0


async def test_lag_counts_the_records_in_hand_and_grows_while_they_wait() -> None:
    """A breaker that is open fetches nothing: its lag must not look like that of an idle worker."""
    metrics = Metrics()
    meters = LoopMeters(metrics, TopicPartition(TOPIC, 0))
    consumer: Any = Consumer(at=7, end=7)

    def lag() -> float | None:
        labels = {"topic": TOPIC, "partition": "0"}
        return metrics.registry.get_sample_value("esito_worker_lag_records", labels)

    await meters.fetched(consumer, [record(4), record(5), record(6)])
    in_hand = lag()
    meters.show_lag(20)
    waiting = lag()
    meters.processed(7)
    meters.show_lag(20)
    done = lag()
    idle: Any = Consumer(at=20, end=20)
    await meters.fetched(idle, ())

    assert (in_hand, waiting, done, lag()) == (3, 16, 13, 0)
