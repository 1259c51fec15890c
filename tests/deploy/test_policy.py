"""Our own rules hold for each overlay, and each rule notices what it is there for."""

from collections.abc import Callable, Iterator
from functools import cache
from inspect import isgeneratorfunction

import pytest

from tests.deploy import (
    rules_configuration,
    rules_network,
    rules_pods,
    rules_scaling,
    rules_ways_in,
    violations_inside,
    violations_outside,
)
from tests.deploy.objects import Rendered
from tests.deploy.rendering import OVERLAYS, rendered
from tests.deploy.violations import Violation, put

Rule = Callable[[Rendered], Iterator[str]]
VIOLATIONS = (*violations_inside.VIOLATIONS, *violations_outside.VIOLATIONS)


def _rules() -> dict[str, Rule]:
    return {
        name: value
        for module in (rules_pods, rules_configuration, rules_scaling, rules_network, rules_ways_in)
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        if isgeneratorfunction(value) and not name.startswith("_")
    }


RULES = _rules()


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("rule", RULES)
def test_overlay_keeps_the_rule(rule: str, overlay: str) -> None:
    assert faults(rule, overlay) == []


@pytest.mark.parametrize("violation", VIOLATIONS, ids=str)
def test_rule_notices_what_breaks_it(violation: Violation) -> None:
    broken = rendered(violation.overlay)

    violation.change(broken)

    # A fault that was there before would prove nothing.
    assert set(RULES[violation.rule](broken)) - set(faults(violation.rule, violation.overlay))


def test_every_rule_has_a_violation() -> None:
    assert {violation.rule for violation in VIOLATIONS} == set(RULES)


def test_gateway_of_another_maker_may_ask_in_the_common_way() -> None:
    whole = rendered("overlays/production")

    violations_outside.ask_as_others_do(whole)
    put("Gateway", "banks", "spec/gatewayClassName", "other")(whole)

    assert list(RULES["certificates_are_handed_over"](whole)) == []


@cache
def faults(rule: str, overlay: str) -> list[str]:
    return list(RULES[rule](rendered(overlay)))
