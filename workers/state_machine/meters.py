"""Count what a state machine has published, after the commit that published it."""

import time
from collections import Counter
from collections.abc import Sequence

from contracts.anomaly import Anomaly
from contracts.codes import AnomalyCode
from contracts.errors import Rejected
from contracts.instants import epoch_milliseconds
from contracts.provider import Provider
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.telemetry import Logger, own_stack
from runtime.tracing import exemplar
from workers.poison import log_poisoned
from workers.state_machine.decision import Decision, Outcome
from workers.state_machine.outputs import offset_of
from workers.state_machine.partition_state import PartitionState


class StateMeters:
    """The metrics of one provider's state machine, with label values resolved once."""

    def __init__(
        self, metrics: Metrics, provider: Provider, log: Logger, *, exemplars: bool = False
    ) -> None:
        """Resolve every label; `exemplars` lead from a latency to its trace."""
        self._exemplars = exemplars
        self._metrics = metrics
        self._provider = provider
        self._log = log
        name = provider.name
        self._decisions = {
            outcome: metrics.counter("esito_state_decisions_total", name, outcome)
            for outcome in Outcome
        }
        self._events = {
            native: metrics.counter("esito_state_status_events_total", name, status)
            for native, status in provider.lifecycle.statuses.items()
        }
        for code in AnomalyCode:
            metrics.counter("esito_state_anomalies_total", name, code)
        self._latency = metrics.histogram("esito_state_latency_seconds", name)

    def count(self, decided: Sequence[tuple[Decision, str]], noticed: Sequence[Anomaly]) -> None:
        """Count a committed batch: decisions, each with its traceparent, and anomalies."""
        now = time.time_ns() // 1_000_000
        for outcome, number in Counter(one.outcome for one, _ in decided).items():
            self._decisions[outcome].inc(number)
        applied = [pair for pair in decided if pair[0].outcome is Outcome.APPLIED]
        for native, number in Counter(one.after.status for one, _ in applied if one.after).items():
            self._events[native or ""].inc(number)
        for one, traceparent in applied:
            self._latency.observe(
                (now - epoch_milliseconds(one.update.received_at)) / 1000,
                exemplar(traceparent) if self._exemplars else None,
            )
        for one, _ in decided:
            if one.rejection is not None:
                log_poisoned(self._log, offset_of(one.update), one.rejection)
        for (endpoint, code), number in Counter(
            (one.endpoint, one.code) for one in noticed
        ).items():
            self._metrics.counter("esito_state_anomalies_total", self._provider.name, code).inc(
                number
            )
            # One line for a batch: a provider must not be able to write our log.
            self._log.warning(LogEvent.ANOMALY_NOTICED, endpoint=endpoint, code=code, count=number)

    def dismissed(self, endpoint: str, rejection: Rejected) -> None:
        """Log that a transaction's alarm cannot ring."""
        cause = rejection.__cause__
        self._log.error(
            LogEvent.ALARM_DISMISSED,
            endpoint=endpoint,
            reason=rejection.detail,
            stack=own_stack(cause) if cause else "",
        )

    def held(self, partition: int, state: PartitionState) -> None:
        """Set how many transactions a partition holds, and how many of them are overdue."""
        name = self._provider.name
        self._metrics.gauge("esito_state_transactions", name, partition).set(len(state))
        self._metrics.gauge("esito_state_overdue_transactions", name, partition).set(state.overdue)

    def release(self, partition: int) -> None:
        """Show nothing more of a partition that is another process's now."""
        for name in ("esito_state_transactions", "esito_state_overdue_transactions"):
            self._metrics.forget_gauge(name, self._provider.name, partition)
