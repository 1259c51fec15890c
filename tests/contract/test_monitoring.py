"""Alert rules and dashboards ask for what there is, without a Prometheus to ask."""

import re

import pytest

from runtime.metrics import CATALOGUE
from tests.monitoring import CASES, Asked, panel_expressions, rule_expressions, rules, selectors

EVERYWHERE = {"job", "instance", "process", "provider", "le", "alertname", "severity", "alertstate"}
LABELS = {one.name: {*one.labels} for one in CATALOGUE}
RECORDED = {rule["record"] for rule in rules() if "record" in rule}
SERIES = {
    *LABELS,
    *(f"{one.name}{end}" for one in CATALOGUE for end in ("_bucket", "_count")),
    *("up", "ALERTS", "process_start_time_seconds", "process_cpu_seconds_total"),
    "process_resident_memory_bytes",
}


@pytest.mark.parametrize("asked", [*rule_expressions(), *panel_expressions()], ids=str)
def test_expression_names_series_and_labels_that_exist(asked: Asked) -> None:
    found = [one.partition("{") for one in selectors(asked.expression)]
    names = {name for name, _, _ in found}

    assert names
    assert names - SERIES - RECORDED == set()
    for name, _, labels in found:
        known = LABELS.get(re.sub("_(bucket|count)$", "", name), set()) | EVERYWHERE
        assert set(re.findall(r"([a-z_]+)[!=]", labels)) - known == set()


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
