"""Report every reading of a token issuer's key set: a metric each, a log line where it changes."""

from collections.abc import Callable

from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.telemetry import Logger


def report_refreshes(metrics: Metrics, log: Logger) -> Callable[[str, str, int], None]:
    """Return what a JwksSource calls after each reading: issuer, outcome, number of keys."""
    failing: dict[str, str] = {}

    def report(issuer: str, outcome: str, keys: int) -> None:
        metrics.counter("esito_keys_refreshes_total", issuer, outcome).inc()
        if outcome in {"fetched", "unchanged"}:
            recovered = failing.pop(issuer, None)
            if outcome == "fetched" or recovered:
                log.info(LogEvent.KEYS_FETCHED, issuer=issuer, count=keys)
        elif failing.get(issuer) != outcome:  # once for each way of failing, not every few seconds
            failing[issuer] = outcome
            log.warning(LogEvent.KEYS_MISSED, issuer=issuer, reason=outcome)

    return report
