"""Alert rules and dashboards ask for what there is, without a Prometheus to ask."""

import re
from typing import Any

import pytest

from runtime.metrics import CATALOGUE
from tests.monitoring import (
    CASES,
    Asked,
    Shown,
    panel_expressions,
    panels,
    rule_expressions,
    rules,
    selectors,
    variable_expressions,
)

EVERYWHERE = {"job", "instance", "process", "provider", "le", "alertname", "severity", "alertstate"}
LABELS = {one.name: {*one.labels} for one in CATALOGUE}
RECORDED = {rule["record"] for rule in rules() if "record" in rule}
SERIES = {
    *LABELS,
    *(f"{one.name}{end}" for one in CATALOGUE for end in ("_bucket", "_count")),
    *("up", "ALERTS", "process_start_time_seconds", "process_cpu_seconds_total"),
    "process_resident_memory_bytes",
}


def labels_of(series: str) -> set[str]:
    """Return every label that a series may have."""
    if series in RECORDED:
        return {"provider"}
    return LABELS.get(re.sub("_(bucket|count)$", "", series), set()) | EVERYWHERE


def grouped(expression: str) -> set[str]:
    """Return the labels that an expression sums or matches by."""
    found = re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)
    return {label.strip() for labels in found for label in labels.split(",")}


def shown_by(expression: str) -> set[str]:
    """Return the labels that its result can have: those it groups by, or all of its series."""
    by = {
        label.strip()
        for labels in re.findall(r"\bby \(([^)]*)\)", expression)
        for label in labels.split(",")
    }
    series = (name.partition("{")[0] for name in selectors(expression))
    return by or set().union(*map(labels_of, series))


@pytest.mark.parametrize(
    "asked", [*rule_expressions(), *panel_expressions(), *variable_expressions()], ids=str
)
def test_expression_names_series_and_labels_that_exist(asked: Asked) -> None:
    found = [one.partition("{") for one in selectors(asked.expression)]
    names = {name for name, _, _ in found}

    assert names
    assert names - SERIES - RECORDED == set()
    for name, _, labels in found:
        assert set(re.findall(r"([a-z_]+)[!=]", labels)) - labels_of(name) == set()
    assert grouped(asked.expression) - set().union(*map(labels_of, names)) == set()


@pytest.mark.parametrize(
    "rule", [one for one in rules() if "alert" in one], ids=lambda r: r["alert"]
)
def test_summary_names_labels_that_the_alert_has(rule: dict[str, Any]) -> None:
    told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))

    assert told - shown_by(rule["expr"]) == set()


@pytest.mark.parametrize("panel", [one for shown in panels().values() for one in shown], ids=str)
def test_legend_names_labels_that_the_expression_has(panel: Shown) -> None:
    for expression, legend in panel.expressions.items():
        assert set(re.findall(r"{{(\w+)}}", legend)) - shown_by(expression) == set()


@pytest.mark.parametrize(
    "rule", [one for one in rules() if "alert" in one], ids=lambda r: r["alert"]
)
def test_alert_says_how_urgent_it_is_and_where_to_read_on(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"][
        "runbook"
    ] == f"docs/RUNBOOK.md#alert-{rule['alert']}".lower().replace("runbook.md", "RUNBOOK.md")
    assert rule["annotations"]["summary"]


def test_every_alert_has_cases_that_fire_and_that_do_not() -> None:
    tests = "".join(file.read_text() for file in CASES)
    names = [rule["alert"] for rule in rules() if "alert" in rule]

    assert [name for name in names if f"name: {name} fires" not in tests] == []
    assert [name for name in names if f"name: {name} is quiet" not in tests] == []
