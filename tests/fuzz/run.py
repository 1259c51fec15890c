"""Fuzz several targets, a few at a time, and tell what came out of each."""

import sys
from collections.abc import Sequence
from time import monotonic
from typing import Final

from tests.fuzz.findings import told
from tests.fuzz.watch import Plan, Row, Watched

PROGRESS_SECONDS: Final = 10
_LOOK_SECONDS: Final = 0.2


def say(text: str) -> None:
    """Write a line at once, also where nobody watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(targets: Sequence[str], plan: Plan, *, processes: int) -> list[Row]:
    """Return the outcome of each target, in their order."""
    waiting = list(targets)
    running: list[Watched] = []
    rows: list[Row] = []
    told_at = monotonic()
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                one = Watched(waiting.pop(0), plan, say)
                running.append(one)
                rows.append(one.row)
            running[0].wait(_LOOK_SECONDS)
            for one in [one for one in running if one.ended()]:
                running.remove(one)
                one.row.findings = told(plan.findings, one.row.target)
                say(f"{one.row.target:<20} done, findings: {len(one.row.findings)}")
            if monotonic() - told_at >= PROGRESS_SECONDS:
                told_at = monotonic()
                for one in running:
                    one.tell()
    finally:
        for one in running:
            one.stop()
    return rows


def table(rows: Sequence[Row]) -> str:
    """Return the closing table."""
    head = ("target", "executions", "seconds", "executions/s", "edges", "findings")
    lines = [
        f"{head[0]:<20} {head[1]:>12} {head[2]:>8} {head[3]:>13} {head[4]:>6} {head[5]:>9}",
        *(_line(row) for row in rows),
    ]
    total = Row("total", sum(row.executions for row in rows), sum(row.seconds for row in rows))
    total.findings = [finding for row in rows for finding in row.findings]
    return "\n".join([*lines, _line(total)])


def _line(row: Row) -> str:
    edges = "-" if row.edges is None else f"{row.edges:,}"
    rate = row.executions / max(row.seconds, 0.001)
    found = "failed" if row.failed else len(row.findings)
    return (
        f"{row.target:<20} {row.executions:>12,} {row.seconds:>8.0f} {rate:>13,.0f} "
        f"{edges:>6} {found:>9}"
    )
