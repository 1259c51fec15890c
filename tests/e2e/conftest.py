"""Give the end-to-end tests one performance of everything, and print what they found at the end."""

import asyncio
from pathlib import Path

import pytest

from ops.embedded.postgres import EmbeddedPostgres
from tests.e2e.found import Found
from tests.e2e.performance import Performance, perform
from tests.kafka import Kafka

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
def performance(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Performance:
    """Run all processes, play all providers with every fault, stop, and read everything.

    On the PostgreSQL of `esito up`, whatever other there is: its log is read as well.
    """
    return asyncio.run(_performed(kafka, tmp_path_factory.mktemp("played")))


async def _performed(kafka: Kafka, directory: Path) -> Performance:
    async with EmbeddedPostgres(durable=False).running() as postgres:
        return await perform(kafka, postgres, directory)
