"""Write down what a run showed: `python -m tests.deploy.monitoring` writes docs/monitoring/."""

import asyncio
import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ops.generated.markdown import code, table
from tests.deploy.monitoring.observed import (
    DRAWN,
    PICTURE_WINDOW,
    PLAYED,
    TROUBLES,
    Observed,
    observe,
)
from tests.deploy.monitoring.picture import picture
from tests.monitoring import panel_expressions, panels, rule_expressions, selectors
from tests.postgres import any_postgres

DOCS: Final = Path(__file__).resolve().parents[3] / "docs" / "monitoring"
_INTRODUCTION: Final = (
    "Written by `python -m tests.deploy.monitoring` from one run: all processes, every provider "
    "played with every fault, a Prometheus of Debian's that scraped every second. A window that "
    "Grafana chooses is 5 minutes here, and all is chosen that can be. `tests/deploy/monitoring` "
    "demands of every run what this page shows of one."
)


def main() -> int:
    """Run, ask, write; return the exit code."""
    with (
        any_postgres(print) as postgres,
        tempfile.TemporaryDirectory() as directory,
        postgres.database() as database,
    ):
        observed = asyncio.run(observe(database, Path(directory), with_history=True))
    DOCS.mkdir(parents=True, exist_ok=True)
    (DOCS / "EXPRESSIONS.md").write_text(_page(observed))
    for name, shown in panels(PICTURE_WINDOW).items():
        drawn = [panel for panel in shown if panel.kind in DRAWN]
        text = picture(f"Esito: {name}", drawn, observed.history)
        (DOCS / f"{name}.svg").write_text(text)
    return 0


def _page(observed: Observed) -> str:
    paragraphs = (
        "# What every expression returned",
        _INTRODUCTION,
        "## Panels",
        table(("panel", "expression", "series", "first value"), _panel_rows(observed)),
        "## Rules",
        "An alert that does not fire returns nothing; then what its selectors have is told.",
        table(("rule", "expression", "returned"), _rule_rows(observed)),
        "## Alerts that fired, and why",
        "`for` was left out of the rules here; promtool's cases keep to it.",
        table(("what was done", "alert"), _alert_rows(observed)),
    )
    return "\n\n".join(paragraphs) + "\n"


def _panel_rows(observed: Observed) -> Iterator[tuple[str, ...]]:
    for one in panel_expressions():
        values = observed.values[one.expression]
        told = [value for value in values if not math.isnan(value)]
        first = f"{told[0]:.4g}" if told else "NaN"
        yield one.place, _cell(one.expression), str(len(values)), first


def _rule_rows(observed: Observed) -> Iterator[tuple[str, ...]]:
    for one in rule_expressions():
        values = observed.values[one.expression]
        counts = [f"{len(observed.values[two])}" for two in selectors(one.expression)]
        told = f"{values[0]:.4g} ({len(values)} series)" if values else ""
        yield one.place, _cell(one.expression), told or f"nothing; {', '.join(counts)} series"


def _alert_rows(observed: Observed) -> Iterator[tuple[str, ...]]:
    for alert, why in PLAYED.items():
        assert alert in observed.firing["played"], alert
        yield why, alert
    for why, (_, expected) in TROUBLES.items():
        for alert in sorted(expected):
            assert alert in observed.firing[why], alert
            yield why, alert
    others = observed.firing["played"] - set(PLAYED)
    yield "fired too, after what was played", ", ".join(sorted(others))


def _cell(expression: str) -> str:
    return code(" ".join(expression.split()))


if __name__ == "__main__":
    sys.exit(main())
