"""Print what was flipped, and with what outcome, at the end of the run."""

import pytest

from tests.conformance.tally import Tally, by_endpoint, lines

_TALLIES = pytest.StashKey[list[Tally]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TALLIES] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if tallies := by_endpoint(config.stash[_TALLIES]):
        terminalreporter.section("flipped bits and changed headers of accepted vectors")
        for line in lines(tallies):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def flip_tallies(pytestconfig: pytest.Config) -> list[Tally]:
    """Return where the tallies go that are printed at the end of the run."""
    return pytestconfig.stash[_TALLIES]
