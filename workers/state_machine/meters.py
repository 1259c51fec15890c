"""Count what a state machine has published, after the commit that published it."""

import time
from collections.abc import Sequence

from contracts.anomaly import Anomaly
from contracts.instants import epoch_milliseconds
from contracts.provider import Provider
from contracts.update import Statement
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.telemetry import Logger
from workers.state_machine.decide import Decision, Outcome


class StateMeters:
    """The metrics of one provider's state machine, with label values resolved once."""

    def __init__(self, metrics: Metrics, provider: Provider, log: Logger) -> None:
        """Resolve every label."""
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
        self._latency = metrics.histogram("esito_state_latency_seconds", name)

    def count(self, decided: Sequence[Decision], noticed: Sequence[Anomaly]) -> None:
        """Count a committed batch."""
        now = time.time_ns() // 1_000_000
        for decision in decided:
            self._decisions[decision.outcome].inc()
            what = decision.update.what
            if decision.outcome is Outcome.APPLIED and isinstance(what, Statement):
                self._events[what.native_status].inc()
                self._latency.observe(
                    (now - epoch_milliseconds(decision.update.received_at)) / 1000
                )
        for anomaly in noticed:
            self._metrics.counter(
                "esito_state_anomalies_total", self._provider.name, anomaly.code
            ).inc()
            self._log.warning(
                LogEvent.ANOMALY_NOTICED, endpoint=anomaly.endpoint, code=anomaly.code
            )

    def transactions(self, partition: int, count: int) -> None:
        """Set how many transactions a partition holds."""
        self._metrics.gauge("esito_state_transactions", self._provider.name, partition).set(count)
