"""Give the tests an ingress, shared or of their own, and `esito` with topics of its own."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops.__main__ import app
from runtime.service_configuration import Database
from tests.integration.ingress import Ingress
from tests.integration.intake import Intake
from tests.integration.key_server import Installation
from tests.integration.records import Esito, Shelf, write_configuration
from tests.kafka import Kafka, run
from tests.postgres import Postgres


@pytest.fixture(scope="module")
def shared_ingress(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingress]:
    """Give one running ingress with short times to all tests of a module."""
    directory = tmp_path_factory.mktemp("ingress")
    ingress = Ingress(
        directory,
        kafka.bootstrap_servers,
        f"{directory.name}.{id(directory):x}.",
        body_seconds=1,
        idle_seconds=2,
        grace_seconds=6,
    )
    try:
        run(ingress.start())
        yield ingress
    finally:
        if ingress.process is not None:
            ingress.process.kill()


@pytest.fixture
def make_ingress(kafka: Kafka, tmp_path: Path, topic_prefix: str) -> Callable[..., Ingress]:
    """Return how to describe an ingress of one's own; `ingress.running(...)` starts it."""

    def make(**settings: object) -> Ingress:
        return Ingress(tmp_path, kafka.bootstrap_servers, topic_prefix, **settings)

    return make


@pytest.fixture(scope="module")
def shared_intake(
    kafka: Kafka, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Intake]:
    """Give one running intake to all tests of a module; each keeps to ids of its own."""
    directory = tmp_path_factory.mktemp("intake")
    prefix = f"{directory.name}.{id(directory):x}."
    with postgres.database() as database:
        intake = Intake(directory, kafka.bootstrap_servers, prefix, database)
        try:
            run(intake.prepare())
            run(intake.start())
            yield intake
        finally:
            intake.kill()


@pytest.fixture
def make_intake(
    kafka: Kafka, database: Database, tmp_path: Path, topic_prefix: str
) -> Callable[..., Intake]:
    """Return how to describe an intake of one's own; `intake.running(...)` starts it."""

    def make(**settings: object) -> Intake:
        return Intake(tmp_path, kafka.bootstrap_servers, topic_prefix, database, **settings)

    return make


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    """Give a key server that listens, and issuers whose keys it serves."""
    made = Installation(tmp_path)
    await made.server.open(made.tls)
    try:
        yield made
    finally:
        await made.server.close()


@pytest.fixture
def configuration_file(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Path:
    """Return the configuration of an installation of its own."""
    return write_configuration(tmp_path, servers=kafka.bootstrap_servers, prefix=topic_prefix)


@pytest.fixture
def esito(configuration_file: Path) -> Esito:
    """Return a way to run the command with that configuration."""

    def command(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(
            app, list(words), env={"ESITO_CONFIGURATION": str(configuration_file)}, input=typed
        )

    return command


@pytest.fixture
def shelf(configuration_file: Path, kafka: Kafka, esito: Esito) -> Shelf:
    """Return the installation's topics, created."""
    assert esito("topics", "apply").exit_code == 0
    return Shelf.of(configuration_file, kafka)
