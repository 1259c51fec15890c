"""Count refusals, and log them once a while: an attacker must not be able to write our log."""

import asyncio
from collections import Counter

from contracts.codes import RefusalCode
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.telemetry import Failures, Logger

_LOG_SECONDS = 10.0


class Refusals:
    """The refusals since the last log lines, by endpoint and code."""

    def __init__(self, metrics: Metrics, log: Logger) -> None:
        """Start with nothing counted."""
        self._metrics = metrics
        self._log = log
        self._since: Counter[tuple[str, RefusalCode]] = Counter()
        self.failures = Failures(log)

    def expect(self, endpoint: str) -> None:
        """Show every code of `endpoint` from the start, with 0."""
        for code in RefusalCode:
            self._metrics.counter("esito_ingress_callbacks_total", endpoint, code)

    def count(self, endpoint: str, code: RefusalCode) -> None:
        """Count one refusal; `endpoint` is empty when no path matched."""
        self._metrics.counter("esito_ingress_callbacks_total", endpoint, code).inc()
        self._since[endpoint, code] += 1

    def report(self) -> None:
        """Log what was counted since the last call."""
        for (endpoint, code), number in self._since.items():
            self._log.warning(
                LogEvent.CALLBACKS_REFUSED, endpoint=endpoint, code=code, count=number
            )
        self._since.clear()

    async def report_often(self) -> None:
        """Report again and again until cancelled."""
        while True:
            await asyncio.sleep(_LOG_SECONDS)
            self.report()
