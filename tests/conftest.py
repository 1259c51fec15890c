"""Give every test the real Kafka and PostgreSQL of the session, and what is its own there."""

import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from ops.embedded.kafka import EmbeddedKafka
from runtime.service_configuration import Database
from tests.kafka import Kafka, Report, any_kafka, embedded_cluster, run
from tests.postgres import Postgres, any_postgres
from tests.property.profiles import register_profiles
from tests.s3 import S3, any_s3

register_profiles()

# A shell without job control starts background jobs deaf to Ctrl-C, and they pass that on; tests
# that send SIGINT to a process of their own would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Report:
    """Return a way to say something to the person at the terminal, past the capture of output.

    To standard error: what a test process of several prints to standard output goes nowhere.
    """
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def line(text: str) -> None:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            sys.stderr.write(f"\n{text}\n")
            sys.stderr.flush()

    return line


@pytest.fixture(scope="session")
def kafka(report: Report) -> Iterator[Kafka]:
    """Give the Kafka that all tests share; a test keeps to topics of its own `topic_prefix`."""
    with any_kafka(report) as found:
        yield found


@pytest.fixture(scope="session")
def shared_three_node_kafka(report: Report) -> Iterator[EmbeddedKafka]:
    """Give the cluster that `three_node_kafka` lends to one test after another."""
    with embedded_cluster(report, nodes=3) as cluster:
        yield cluster


@pytest.fixture
def three_node_kafka(shared_three_node_kafka: EmbeddedKafka) -> EmbeddedKafka:
    """Give three nodes, whole at the start of the test, of which it may kill, pause and restart."""
    run(shared_three_node_kafka.heal())
    return shared_three_node_kafka


@pytest.fixture(scope="session")
def postgres(report: Report) -> Iterator[Postgres]:
    """Give the PostgreSQL that all tests share; a test keeps to a `database` of its own."""
    with any_postgres(report) as found:
        yield found


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """Give an empty database of the test's own, as a section of the configuration."""
    with postgres.database() as section:
        yield section


@pytest.fixture(scope="session")
def s3(report: Report) -> Iterator[S3]:
    """Give the S3 server that all tests share; a test keeps to a prefix of its own."""
    with any_s3(report) as found:
        yield found


@pytest.fixture
def topic_prefix() -> str:
    """Return a prefix for topics, groups and transactional ids that no other test has."""
    return f"t{secrets.token_hex(4)}."
