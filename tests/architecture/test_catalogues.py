"""Names that others rely on: metrics, log events, codes; each in one catalogue, and in use."""

import ast
import re

import pytest

from contracts.codes import AnomalyCode, Code, RefusalCode, RejectionCode
from contracts.lifecycle import UNBORN
from contracts.providers import provider_named, provider_names
from runtime.log_events import FIELDS, LogEvent
from runtime.metrics import CATALOGUE, Kind, Metric
from tests.architecture.source import ROOT, shipped

METRIC = re.compile(r"esito_(process|ingress|intake|streams|keys|worker|verifier|state)(_[a-z]+)+")
UNITS = {
    "total",
    "seconds",
    "bytes",
    "readers",
    "requests",
    "records",
    "callbacks",
    "partitions",
    "transactions",
    "uploads",
    "open",
    "refused",
    "stalled",
    "state",
    "info",
}
DECLARING = {"runtime.metrics", "runtime.service_metrics"}
LEVELS = {"debug", "info", "warning", "error", "critical"}
RUNBOOK = ROOT / "docs" / "RUNBOOK.md"


@pytest.mark.parametrize("metric", CATALOGUE, ids=[metric.name for metric in CATALOGUE])
def test_metric_is_named_by_process_noun_and_unit_and_is_used(metric: Metric) -> None:
    users = [
        module.path
        for module in shipped()
        if module.name not in DECLARING and metric.name in module.texts()
    ]

    assert METRIC.fullmatch(metric.name)
    assert metric.name.rpartition("_")[2] in UNITS
    assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
    assert users


def test_every_metric_named_in_code_is_in_the_catalogue() -> None:
    known = {metric.name for metric in CATALOGUE}

    strangers = {
        f"{module.path}: {text}"
        for module in shipped()
        for text in module.texts()
        if METRIC.fullmatch(text) and text not in known
    }

    assert strangers == set()


@pytest.mark.parametrize("event", LogEvent)
def test_log_event_is_a_noun_and_a_past_verb_and_is_logged(event: LogEvent) -> None:
    users = [
        module.path
        for module in shipped()
        if module.name != "runtime.log_events" and f"LogEvent.{event.name}" in module.text
    ]

    assert re.fullmatch(r"[a-z]+\.[a-z]+", event.value)
    assert users


def test_every_field_that_is_logged_is_in_the_catalogue() -> None:
    logged = {
        keyword.arg
        for module in shipped()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if _is_logging(node)
        for keyword in node.keywords
    }

    assert logged
    assert logged - set(FIELDS) == set()


@pytest.mark.parametrize("codes", [RefusalCode, RejectionCode, AnomalyCode, LogEvent])
def test_every_code_has_one_sentence(codes: type[Code]) -> None:
    wrong = [code for code in codes if not re.fullmatch(r"[A-Z0-9].*\.", code.sentence)]

    assert wrong == []


@pytest.mark.parametrize("codes", [RefusalCode, RejectionCode, AnomalyCode])
def test_every_code_can_occur(codes: type[Code]) -> None:
    unused = [
        code.name
        for code in codes
        if not any(
            f"{codes.__name__}.{code.name}" in module.text
            for module in shipped()
            if module.name != "contracts.codes"
        )
    ]

    assert unused == []


@pytest.mark.parametrize("code", [*RefusalCode, *RejectionCode, *AnomalyCode])
def test_runbook_has_a_heading_for_the_code(code: Code) -> None:
    headings = re.findall(r"^#+ .*`([a-z_]+)`$", RUNBOOK.read_text(), re.MULTILINE)

    assert code.value in headings


@pytest.mark.parametrize("name", provider_names())
def test_lifecycle_of_the_provider_is_total(name: str) -> None:
    lifecycle = provider_named(name).lifecycle
    statuses = set(lifecycle.statuses)

    assert set(lifecycle.table) == statuses | {UNBORN}
    assert all(set(row) == statuses for row in lifecycle.table.values())
    assert lifecycle.final <= statuses


@pytest.mark.parametrize("name", provider_names())
def test_provider_file_links_the_page_it_was_written_from(name: str) -> None:
    text = (ROOT / "contracts" / "providers" / f"{name}.py").read_text()

    before_the_table = text.partition("STATUSES: Final")[0]

    assert provider_named(name).documentation in text
    assert re.findall(r"# https://\S+", before_the_table)


def _is_logging(node: ast.Call) -> bool:
    assert isinstance(node.func, ast.Attribute)
    if node.func.attr == "bind":
        return "log" in ast.unparse(node.func.value)
    first = ast.unparse(node.args[0]) if node.args else ""
    return node.func.attr in LEVELS and first.startswith("LogEvent.")
