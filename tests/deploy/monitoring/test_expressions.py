"""Every expression of dashboards and rules is executed on a real Prometheus, and returns data."""

import math

import pytest

from tests.deploy.monitoring.observed import PLAYED, TROUBLES, Observed
from tests.monitoring import panel_expressions, rule_expressions, selectors, variable_expressions

SHOWN = [*panel_expressions(), *variable_expressions()]
PANELS = {one.expression: one.place for one in SHOWN}
RULES = {one.place: one.expression for one in rule_expressions()}
RECORDS = {name: expression for name, expression in RULES.items() if ":" in name}
# Of these a healthy run has none. Both are made to fire: by TROUBLES, or by promtool's cases.
NONE_BY_NATURE = {'esito_streams_requests_total{status=~"5.."}': "nothing is answered 5xx"}
SELECTORS = sorted({one for expression in RULES.values() for one in selectors(expression)})


@pytest.mark.parametrize("expression", PANELS, ids=list(PANELS.values()))
def test_panel_shows_numbers(expression: str, observed: Observed) -> None:
    values = observed.values[expression]

    assert [value for value in values if not math.isnan(value)]


@pytest.mark.parametrize("expression", RECORDS.values(), ids=RECORDS)
def test_recorded_expression_returns_numbers(expression: str, observed: Observed) -> None:
    assert [value for value in observed.values[expression] if not math.isnan(value)]


@pytest.mark.parametrize("selector", SELECTORS)
def test_rule_asks_for_series_that_there_are(selector: str, observed: Observed) -> None:
    """A healthy alert returns nothing: for its bound, and not for a name that is none."""
    assert bool(observed.values[selector]) == (selector not in NONE_BY_NATURE)


@pytest.mark.parametrize("alert", [name for name in RULES if ":" not in name])
def test_expression_of_the_alert_is_executed(alert: str, observed: Observed) -> None:
    values = observed.values[RULES[alert]]  # Prometheus has refused none, or there would be none

    assert values or alert not in PLAYED


def test_alerts_fire_for_what_was_played(observed: Observed) -> None:
    assert set(PLAYED) - observed.firing["played"] == set()


@pytest.mark.parametrize("trouble", TROUBLES)
def test_alerts_fire_for_the_trouble(trouble: str, observed: Observed) -> None:
    _, expected = TROUBLES[trouble]

    assert expected - observed.firing[trouble] == set()
    assert expected & observed.firing["played"] == set()
