"""Trace the projector's batches: a step for each status event, one for the database transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition

from runtime.tracing import Step, StepName, Tracing, traceparent_of


class ProjectorSpans:
    """The steps of the batch at hand."""

    def __init__(self, tracing: Tracing) -> None:
        """Begin with no batch."""
        self._tracing = tracing
        self._open: list[Step] = []

    def begin(self, fetched: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Begin a step for each record, and one for the batch, which is linked to all of them."""
        steps = [
            self._tracing.begin(
                StepName.EVENT_PROJECT,
                parent=traceparent_of(record.headers),
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
            )
            for records in fetched.values()
            for record in records
        ]
        batch = self._tracing.begin(StepName.BATCH_WRITE, follows=steps, records=len(steps))
        self._open = [*steps, batch]

    def end(self, outcome: str, *, failed: bool = False) -> None:
        """End what is open."""
        for step in self._open:
            step.end(outcome, failed=failed)
        self._open = []
