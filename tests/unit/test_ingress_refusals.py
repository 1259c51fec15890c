"""Refusals are counted one by one and logged together: a caller cannot write our log."""

import structlog
from structlog.testing import CapturingLogger
from structlog.typing import FilteringBoundLogger

from contracts.codes import RefusalCode
from ingress.refusals import Refusals
from runtime.metrics import Metrics


def _refusals(lines: CapturingLogger) -> tuple[Refusals, Metrics]:
    metrics = Metrics()
    log: FilteringBoundLogger = structlog.wrap_logger(
        lines, processors=[], wrapper_class=structlog.make_filtering_bound_logger("info")
    )
    return Refusals(metrics, log), metrics


def test_refusals_of_one_kind_are_one_line_with_their_count() -> None:
    lines = CapturingLogger()
    refusals, metrics = _refusals(lines)

    for _ in range(1_000):
        refusals.count("pivot-id", RefusalCode.CREDENTIALS_WRONG)
    refusals.count("", RefusalCode.PATH_UNKNOWN)
    before = len(lines.calls)
    refusals.report()

    assert before == 0
    assert [(call.kwargs["endpoint"], call.kwargs["count"]) for call in lines.calls] == [
        ("pivot-id", 1_000),
        ("", 1),
    ]
    counted = metrics.registry.get_sample_value(
        "esito_ingress_callbacks_total", {"endpoint": "pivot-id", "outcome": "credentials_wrong"}
    )
    assert counted == 1_000


def test_nothing_refused_since_the_last_report_is_no_line() -> None:
    lines = CapturingLogger()
    refusals, _ = _refusals(lines)
    refusals.count("pivot-id", RefusalCode.BODY_TOO_LARGE)
    refusals.report()

    refusals.report()

    assert len(lines.calls) == 1
