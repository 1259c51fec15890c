"""Read the alert rules and dashboards of deploy/monitoring as values."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

MONITORING: Final = Path(__file__).resolve().parent.parent / "deploy" / "monitoring"
RULES: Final = MONITORING / "rules" / "esito.yaml"
# What Grafana puts in for its own variables; of ours, "All".
_CHOSEN: Final = (("$__rate_interval", "5m"), ("$provider", ".+"), ("$endpoint", ".+"))
_SELECTOR: Final = re.compile(
    r"\b(?:esito[_:][a-z0-9_:]+|process_[a-z_]+|up|ALERTS)\b(?:\{[^}]*\})?"
)


class Asked(NamedTuple):
    """One expression, and where it stands: `overview: Lag` or an alert's name."""

    place: str
    expression: str


def rules() -> list[dict[str, Any]]:
    """Return every rule in order: alerts, and records that they build on."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def rule_expressions() -> list[Asked]:
    """Return the expression of every rule."""
    return [Asked(rule.get("alert") or rule["record"], rule["expr"].strip()) for rule in rules()]


def panel_expressions() -> list[Asked]:
    """Return the expression of every panel, with everything chosen that can be."""
    return list(_of_panels())


def selectors(expression: str) -> list[str]:
    """Return every selector of series in an expression: a name, and labels if there are any."""
    return _SELECTOR.findall(expression)


def _of_panels() -> Iterator[Asked]:
    for file in sorted((MONITORING / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                expression = target["expr"]
                for variable, value in (*_CHOSEN, ("$topic", ".+")):
                    expression = expression.replace(variable, value)
                yield Asked(f"{file.stem}: {panel['title']}", expression)
