"""Give the fault tests their pipelines, and print their table at the end of the run."""

import secrets
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest

from tests.faults.pipeline import Pipeline, shortest_session_seconds
from tests.faults.table import Table
from tests.kafka import Kafka, run
from tests.send.verifier import SendVerifier

_TABLE = pytest.StashKey[Table]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--outage-seconds",
        type=float,
        default=4.0,
        help="how long Kafka is silent in tests/faults/test_lost_brokers.py",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE] = Table()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    lines = list(config.stash[_TABLE].lines())
    if lines:
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def fault_table(pytestconfig: pytest.Config) -> Table:
    """Return the table that is printed at the end of the run."""
    return pytestconfig.stash[_TABLE]


@pytest.fixture(scope="module")
def pipeline(
    kafka: Kafka, fault_table: Table, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    """Give one installation on the shared Kafka to all tests of a module."""
    pipeline = Pipeline(
        kafka.bootstrap_servers,
        f"f{secrets.token_hex(4)}.",
        tmp_path_factory.mktemp("pipeline"),
        fault_table,
        session_seconds=run(shortest_session_seconds(kafka.bootstrap_servers)),
    )
    run(pipeline.create_topics())
    yield pipeline
    pipeline.stop()


@pytest.fixture
def outage_seconds(pytestconfig: pytest.Config) -> float:
    """Return how long all of Kafka falls silent."""
    seconds: float = pytestconfig.getoption("--outage-seconds", default=4.0)
    return seconds


@pytest.fixture
def marker() -> str:
    """Return what the ids of one test's transactions start with."""
    return f"x{secrets.token_hex(4)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of every process's log beside a failed test."""
    report = yield
    if report.failed and "pipeline" in item.funcargs:
        pipeline = item.funcargs["pipeline"]
        assert isinstance(pipeline, Pipeline)
        report.sections.append(("processes", pipeline.logs()))
    return report


@pytest.fixture
async def site(kafka: Kafka, tmp_path: Path, topic_prefix: str) -> AsyncIterator[SendVerifier]:
    """Give verifiers of SEND whose processes are killed in the end."""
    made = SendVerifier(tmp_path, kafka.bootstrap_servers, topic_prefix, session_seconds=6)
    await made.prepare()
    yield made
    made.stop()
