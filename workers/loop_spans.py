"""Trace the batches of one partition's loop: a step for each record, one for the Kafka transaction.

A record's step lasts from its processing to the end of the Kafka transaction that publishes what
it led to, which carries its context. The batch's step is in no record's trace: it is linked to all.
"""

from collections.abc import Sequence

from aiokafka import TopicPartition

from contracts.raw import CALLBACK_ID, ENDPOINT
from runtime.tracing import Step, StepName, Tracing, carried, traceparent_of
from workers.processor import InputRecord, Output


class LoopSpans:
    """The steps of the batch at hand."""

    def __init__(self, tracing: Tracing, partition: TopicPartition, *, step: StepName) -> None:
        """Begin with no batch; `step` names what becomes of a record."""
        self._tracing = tracing
        self._partition = partition
        self._step = step
        self._open: list[tuple[Step, str]] = []  # with the code of those that were rejected
        self._batch: Step | None = None

    def begin(self, record: InputRecord) -> Step:
        """Return the step of one record."""
        headers = dict(record.headers)
        known = {
            "callback_id": headers.get(CALLBACK_ID, b""),
            "endpoint": headers.get(ENDPOINT, b""),
        }
        step = self._tracing.begin(
            self._step,
            parent=traceparent_of(record.headers),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            **{name: value.decode("utf-8", "replace") for name, value in known.items() if value},
        )
        self._open.append((step, ""))
        return step

    def rejected(self, code: str) -> None:
        """Note that the record begun last became a dead letter."""
        self._open[-1] = self._open[-1][0], code

    def commit(self) -> None:
        """Begin the step of the batch's Kafka transaction."""
        if self._open:
            self._batch = self._tracing.begin(
                StepName.BATCH_COMMIT,
                follows=[step for step, _ in self._open],
                topic=self._partition.topic,
                partition=self._partition.partition,
                records=len(self._open),
            )

    def end(self, outcome: str) -> None:
        """End what is open: the Kafka transaction was committed, aborted or fenced."""
        failed = outcome != "committed"
        for step, code in self._open:
            step.end(code or outcome, failed=failed or bool(code))
        if self._batch is not None:
            self._batch.end(outcome, failed=failed)
        self._open, self._batch = [], None


def led_to(outputs: Sequence[Output], step: Step) -> list[Output]:
    """Return what a record led to, with the context of its step; the changelog carries none."""
    return [
        output._replace(headers=carried(output.headers, step)) if output.headers else output
        for output in outputs
    ]
