"""Play every provider with every fault once, and ask many things about what it left behind."""

from ops.local.processes import programs_of
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


def test_every_process_on_sigterm_exits_zero(performance: Performance) -> None:
    started = [program.name for program in programs_of(performance.configuration)]

    assert performance.exit_codes == dict.fromkeys(started, 0)
