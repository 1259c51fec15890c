"""Give the end-to-end tests one performance of everything, and print what they found at the end."""

import asyncio

import pytest

from tests.e2e.found import Found
from tests.e2e.performance import Performance, perform
from tests.kafka import Kafka
from tests.postgres import Postgres

_FOUND = pytest.StashKey[Found]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FOUND] = Found()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for title, lines in config.stash[_FOUND].sections.items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def found(pytestconfig: pytest.Config) -> Found:
    """Return what is printed at the end of the run."""
    return pytestconfig.stash[_FOUND]


@pytest.fixture(scope="session")
def performance(
    kafka: Kafka, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Performance:
    """Run all processes, play all providers with every fault, stop, and read everything."""
    with postgres.database() as database:
        return asyncio.run(perform(kafka, database, tmp_path_factory.mktemp("played")))
