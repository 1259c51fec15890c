"""Lay dashboards out as Grafana's JSON.

Queries, titles and units are in `dashboard_*.py`; here is only what Grafana wants around them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_SCHEMA_VERSION: Final = 39  # Grafana 11; newer ones migrate it when they load it
_COLUMNS: Final = 24
_HEIGHTS: Final = {"stat": 4, "timeseries": 8, "heatmap": 8, "table": 10}
_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True, slots=True)
class Query:
    """One expression, and what its series are called in the legend."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `unit` is one of Grafana's, `kind` is stat, timeseries, heatmap or table."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    width: int = 8
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; `variables` are names of labels to choose by, each with series that have it.

    The choice of a variable stands in an expression as `$name`, a regular expression. Series may
    name a variable before theirs: then there is to choose from what that one leaves.
    """

    name: str
    title: str
    panels: tuple[Panel, ...]
    variables: tuple[tuple[str, str], ...] = ()


def dashboard_json(dashboard: Dashboard) -> str:
    """Return the dashboard as Grafana's provisioning takes it."""
    document = {
        "uid": f"esito-{dashboard.name}",
        "title": dashboard.title,
        "tags": ["esito"],
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "utc",
        "links": [
            {
                "type": "dashboards",
                "tags": ["esito"],
                "title": "Esito",
                "asDropdown": True,
                "keepTime": True,
            }
        ],
        "templating": {"list": list(_variables(dashboard))},
        "panels": list(_panels(dashboard)),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _variables(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    yield {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}
    for name, series in dashboard.variables:
        query = f"label_values({series}, {name})"
        yield {
            "name": name,
            "type": "query",
            "datasource": _SOURCE,
            "query": {"query": query, "refId": name},
            "definition": query,
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            # All that another variable leaves is not everything: Grafana lists it.
            "allValue": None if "$" in series else ".+",
            "current": {"text": "All", "value": "$__all"},
        }


def _panels(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    x = y = row = 0
    for number, panel in enumerate(dashboard.panels, 1):
        height = _HEIGHTS[panel.kind]
        if x + panel.width > _COLUMNS:
            x, y, row = 0, y + row, 0
        yield {
            "id": number,
            "title": panel.title,
            "description": panel.meaning,
            "type": panel.kind,
            "datasource": _SOURCE,
            "gridPos": {"x": x, "y": y, "w": panel.width, "h": height},
            "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
            "options": _options(panel.kind),
            "targets": [
                _target(panel, query, chr(ord("A") + index))
                for index, query in enumerate(panel.queries)
            ],
        }
        x, row = x + panel.width, max(row, height)


def _target(panel: Panel, query: Query, name: str) -> dict[str, Any]:
    instant = panel.kind in {"stat", "table"}
    formats = {"table": "table", "heatmap": "heatmap"}
    return {
        "refId": name,
        "datasource": _SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
        "instant": instant,
        "range": not instant,
        "exemplar": "_bucket" in query.expression and not instant,
        "format": formats.get(panel.kind, "time_series"),
    }


def _options(kind: str) -> dict[str, Any]:
    if kind == "timeseries":
        return {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if kind == "heatmap":
        return {"calculate": False, "yAxis": {"unit": "s"}}
    return {}
