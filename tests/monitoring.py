"""Read the alert rules and dashboards of deploy/monitoring as values."""

import json
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

MONITORING: Final = Path(__file__).resolve().parent.parent / "deploy" / "monitoring"
CASES: Final = sorted((MONITORING / "rules" / "tests").glob("*.yaml"))
RULES: Final = MONITORING / "rules" / "esito.yaml"
# What Grafana puts in for its own variable, and what ours hold when all is chosen.
_WINDOW: Final = "5m"
_VARIABLE: Final = re.compile(r"\$(provider|endpoint|topic)\b")
_CHOICES: Final = re.compile(r"label_values\((.+), [a-z]+\)")
_SELECTOR: Final = re.compile(
    r"\b(?:esito[_:][a-z0-9_:]+|process_[a-z_]+|up|ALERTS)\b(?:\{[^}]*\})?"
)


class Asked(NamedTuple):
    """One expression, and where it stands: `overview: Lag` or an alert's name."""

    place: str
    expression: str


class Shown(NamedTuple):
    """One panel: its expressions, each with its legend."""

    title: str
    unit: str
    kind: str
    expressions: dict[str, str]


def rules() -> list[dict[str, Any]]:
    """Return every rule in order: alerts, and records that they build on."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def rule_expressions() -> list[Asked]:
    """Return the expression of every rule."""
    return [Asked(rule.get("alert") or rule["record"], rule["expr"].strip()) for rule in rules()]


def panel_expressions() -> list[Asked]:
    """Return the expression of every panel, with everything chosen that can be."""
    return [
        Asked(f"{dashboard}: {panel.title}", expression)
        for dashboard, shown in panels().items()
        for panel in shown
        for expression in panel.expressions
    ]


def variable_expressions() -> list[Asked]:
    """Return the series that the choices of each variable are taken from, and whose label it is."""
    return [
        Asked(f"{file.stem}: ${one['name']}", f"group by ({one['name']}) ({series})")
        for file in sorted((MONITORING / "dashboards").glob("*.json"))
        for one in json.loads(file.read_text())["templating"]["list"]
        if one["type"] == "query"
        for series in _CHOICES.findall(_VARIABLE.sub(".+", one["definition"]))
    ]


def panels(window: str = _WINDOW) -> dict[str, list[Shown]]:
    """Return the panels of each dashboard, with rates over `window`."""
    return {
        file.stem: [_shown(panel, window) for panel in json.loads(file.read_text())["panels"]]
        for file in sorted((MONITORING / "dashboards").glob("*.json"))
    }


def selectors(expression: str) -> list[str]:
    """Return every selector of series in an expression: a name, and labels if there are any."""
    return _SELECTOR.findall(expression)


def _shown(panel: dict[str, Any], window: str) -> Shown:
    return Shown(
        title=panel["title"],
        unit=panel["fieldConfig"]["defaults"]["unit"],
        kind=panel["type"],
        expressions={
            _VARIABLE.sub(".+", one["expr"].replace("$__rate_interval", window)): one[
                "legendFormat"
            ]
            for one in panel["targets"]
        },
    )
