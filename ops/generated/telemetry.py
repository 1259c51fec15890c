"""Write the catalogue of metrics, log events and log fields: docs/TELEMETRY.md."""

from ops.generated.markdown import code, page, table
from runtime.log_events import FIELDS, LogEvent
from runtime.metrics import CATALOGUE
from runtime.tracing import Attribute, StepName

_LOG = (
    "One line for each fact, JSON unless the output is a terminal. A field that is not listed "
    "below is written as `[redacted]`, and bodies, keys and a provider's personal fields are in "
    "none of them."
)


def telemetry_page() -> str:
    """Return the page."""
    return page(
        "Telemetry",
        "The source is `runtime/metrics.py`, `runtime/tracing.py` and `runtime/log_events.py`.",
        "## Metrics",
        "On `/metrics` of the management port, as OpenMetrics or in Prometheus' text format; the "
        "`process_…` of Prometheus' own client beside them. A process shows those that it uses.",
        table(
            ("metric", "kind", "labels", "meaning"),
            (
                (code(one.name), one.kind, ", ".join(map(code, one.labels)), one.meaning)
                for one in CATALOGUE
            ),
        ),
        "## Spans",
        "Sent where `tracing.otlp_url` is set ([MONITORING.md](MONITORING.md)).",
        table(("span", "meaning"), ((code(one), one.sentence) for one in StepName)),
        "All that a span may say:",
        table(("attribute", "meaning"), ((code(one), one.sentence) for one in Attribute)),
        "## Log events",
        _LOG,
        table(("event", "meaning"), ((code(one), one.sentence) for one in LogEvent)),
        "## Log fields",
        table(("field", "meaning"), ((code(name), FIELDS[name]) for name in FIELDS)),
    )
