"""Our own rules hold for each overlay, and each rule notices what it is there for."""

from collections.abc import Callable, Iterator
from inspect import isgeneratorfunction

import pytest

from tests.deploy import rules_configuration, rules_network, rules_pods
from tests.deploy.objects import Rendered
from tests.deploy.rendering import OVERLAYS, rendered
from tests.deploy.violations import VIOLATIONS, Violation

Rule = Callable[[Rendered], Iterator[str]]


def _rules() -> dict[str, Rule]:
    return {
        name: value
        for module in (rules_pods, rules_configuration, rules_network)
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        if isgeneratorfunction(value) and not name.startswith("_")
    }


RULES = _rules()


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("rule", RULES)
def test_overlay_keeps_the_rule(rule: str, overlay: str) -> None:
    assert list(RULES[rule](rendered(overlay))) == []


@pytest.mark.parametrize("violation", VIOLATIONS, ids=str)
def test_rule_notices_what_breaks_it(violation: Violation) -> None:
    broken = rendered(violation.overlay)

    violation.change(broken)

    assert list(RULES[violation.rule](broken)) != []


def test_every_rule_has_a_violation() -> None:
    assert {violation.rule for violation in VIOLATIONS} == set(RULES)
