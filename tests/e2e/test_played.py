"""Play every provider with every fault once, and ask many things about what it left behind."""

import pytest

from simulator.plan import Fault
from simulator.planning import PLAYERS
from tests.e2e.performance import Performance


def test_played_with_every_fault_comes_out_as_planned(performance: Performance) -> None:
    differences = [one.comparison and one.comparison.differences for one in performance.played]

    assert differences == [()] * len(PLAYERS)


def test_played_loses_doubles_skips_and_swaps_nothing(performance: Performance) -> None:
    comparisons = [one.comparison for one in performance.played]

    counts = [(one.lost, one.doubled, one.gaps, one.disorder) for one in comparisons if one]
    assert counts == [(0, 0, 0, 0)] * len(PLAYERS)


def test_played_shows_every_fault_there_is(performance: Performance) -> None:
    shown = {story.fault for plan in performance.plans for story in plan.stories}

    assert shown == {None, *Fault}


@pytest.mark.parametrize(
    "process",
    [
        *("ingress", "intake", "streams"),
        *(f"{worker}-{name}" for name in PLAYERS for worker in ("verifier", "state-machine")),
    ],
)
def test_process_on_sigterm_exits_zero(performance: Performance, process: str) -> None:
    assert performance.exit_codes[process] == 0
    assert len(performance.exit_codes) == 3 + 2 * len(PLAYERS)
