"""Process a batch, each record by itself: what cannot be processed becomes a dead letter."""

from collections.abc import Sequence

from contracts.errors import Rejected
from runtime.log_events import LogEvent
from runtime.telemetry import Logger
from workers.dead_letters import dead_letter
from workers.isolation import Isolation
from workers.loop_spans import LoopSpans, led_to
from workers.poison import process_one
from workers.processor import InputRecord, Output, Processor
from workers.surroundings import Surroundings
from workers.turns import InTurns


class BatchProcess:
    """The processor of one partition, a batch at a time."""

    def __init__(
        self,
        processor: Processor,
        *,
        isolation: Isolation,
        around: Surroundings,
        spans: LoopSpans | None,
        log: Logger,
    ) -> None:
        """Process by `processor` what `isolation` has not given up."""
        self._processor = processor
        self._isolation = isolation
        self._around = around
        self._spans = spans
        self._log = log

    async def run(self, records: Sequence[InputRecord]) -> tuple[list[Output], list[bool]]:
        """Return all outputs of a batch, and for each record whether it was rejected.

        Raises:
            Unavailable: something is away.
        """
        outputs: list[Output] = []
        verdicts = []
        async for record in InTurns(records):
            try:
                outputs.extend(self._one(record))
                verdicts.append(False)
            except Rejected as rejection:
                outputs.append(self._rejected(record, rejection))
                verdicts.append(True)
        outputs.extend(self._processor.finish())
        self._around.failpoint("processed")
        return outputs, verdicts

    def _one(self, record: InputRecord) -> Sequence[Output]:
        step = self._spans.begin(record) if self._spans else None
        given_up = self._isolation.given_up(record.offset)
        found = process_one(self._processor, record, given_up=given_up, log=self._log)
        return led_to(found, step) if step else found

    def _rejected(self, record: InputRecord, rejection: Rejected) -> Output:
        self._log.warning(
            LogEvent.RECORD_REJECTED,
            offset=record.offset,
            code=rejection.code,
            reason=rejection.detail,
        )
        if self._spans:
            self._spans.rejected(rejection.code)
        return dead_letter(record, rejection, topic=self._around.rejected_topic)
