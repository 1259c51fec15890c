"""Keep the metrics of one partition's loop, with label values resolved once."""

from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.codes import RejectionCode
from contracts.dead_letter import CODE
from runtime.metrics import Metrics
from workers.processor import InputRecord, Output


class LoopMeters:
    """The children of the worker metrics for one topic and partition."""

    def __init__(self, metrics: Metrics, partition: TopicPartition) -> None:
        """Resolve every label."""
        topic = partition.topic
        self._metrics = metrics
        self._partition = partition
        self._take_over_seconds = metrics.histogram("esito_worker_take_over_seconds", topic)
        self._owned = metrics.gauge("esito_worker_partitions", topic)
        self._is_owned = False
        self.delays = metrics.counter("esito_worker_delays_total", topic)
        self.breaker_open = metrics.gauge("esito_worker_breaker_open", topic)
        self._processed = metrics.counter("esito_worker_records_total", topic, "processed")
        self._rejected = metrics.counter("esito_worker_records_total", topic, "rejected")
        self._next: int | None = None
        self._lag = metrics.gauge("esito_worker_lag_records", topic, partition.partition)
        self._seconds = metrics.histogram("esito_worker_kafka_transaction_seconds", topic)
        self._ended = {
            outcome: metrics.counter("esito_worker_kafka_transactions_total", topic, outcome)
            for outcome in ("committed", "aborted", "fenced")
        }
        for code in RejectionCode:
            metrics.counter("esito_worker_rejections_total", topic, code)

    def taken(self, *, seconds: float) -> None:
        """Count the partition as owned: records are read from now on."""
        self._take_over_seconds.observe(seconds)
        self._owned.inc()
        self._is_owned = True

    def count(self, verdicts: list[bool], outputs: Iterable[Output]) -> None:
        """Count a committed batch; `verdicts` has True for each rejected record."""
        rejected = sum(verdicts)
        self._rejected.inc(rejected)
        self._processed.inc(len(verdicts) - rejected)
        self._count_dead_letters(outputs)

    def _count_dead_letters(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            code = dict(output.headers).get(CODE)
            if code is not None:
                topic = self._partition.topic
                self._metrics.counter("esito_worker_rejections_total", topic, code.decode()).inc()

    def kafka_transaction(self, outcome: str, *, seconds: float) -> None:
        """Count one Kafka transaction; `outcome` is committed, aborted or fenced."""
        self._ended[outcome].inc()
        if outcome == "committed":
            self._seconds.observe(seconds)

    def release(self, *, breaker_open: bool) -> None:
        """Show nothing more of a partition that is another process's now."""
        if self._is_owned:
            self._owned.dec()
            self._is_owned = False
        self.breaker_open.set(breaker_open)
        self._metrics.forget_gauge(
            "esito_worker_lag_records", self._partition.topic, self._partition.partition
        )

    async def fetched(self, consumer: AIOKafkaConsumer, records: Sequence[InputRecord]) -> None:
        """Note what was fetched last: its first record is the next to be processed."""
        if records:
            self._next = records[0].offset
        else:  # control records are passed, too
            self._next = await consumer.position(self._partition)
        self.show_lag(consumer.last_stable_offset(self._partition))

    def processed(self, next_offset: int) -> None:
        """Note which record is the next to be processed."""
        self._next = next_offset

    def show_lag(self, end: int | None) -> None:
        """Set the lag behind `end`, the last stable offset; what is in hand is not processed."""
        if end is not None and self._next is not None:
            self._lag.set(max(0, end - self._next))
