"""Find a real PostgreSQL for the tests: a named server, a container, or the embedded one.

1. `ESITO_TEST_POSTGRES` is the URL of a running server, whose user may create databases: that one,
   and none else if it does not answer.
2. A Docker engine answers: a container of the published image.
3. Otherwise: the embedded PostgreSQL.

None of the three is a failure that says what to install, never a skip.
"""

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer

from ops.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from ops.embedded.storage import free_ports
from runtime.service_configuration import Database
from tests.kafka import Report, engine_answers, run

IMAGE: Final = "postgres:18"
READY_SECONDS_MAX: Final = 60.0
# It runs already, or its start is not for the tests to wait for.
NAMED_SECONDS_MAX: Final = 10.0
POLL_SECONDS: Final = 0.1


class NoPostgresError(Exception):
    """No PostgreSQL for the tests; the message says what to install or start."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server, whoever started it; it outlives the event loops of the tests."""

    url: str
    description: str
    password_file: Path | None = None

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Give an empty database of its own, as a section of the configuration."""
        name = f"t{secrets.token_hex(6)}"
        run(self._administer(f"CREATE DATABASE {name}"))
        try:
            url = urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
            yield Database(url=url, password_file=self.password_file)
        finally:
            run(self._administer(f"DROP DATABASE {name} WITH (FORCE)"))

    async def _administer(self, command: str) -> None:
        connection = await asyncpg.connect(self.url, password=self._password())
        try:
            await connection.execute(command)
        finally:
            await connection.close()

    def _password(self) -> str | None:
        return self.password_file.read_text() if self.password_file else None


def settings_of(database: Database) -> dict[str, Any]:
    """Return the section as the configuration file writes it."""
    return database.model_dump(mode="json", exclude_defaults=True)


@contextmanager
def any_postgres(report: Report) -> Iterator[Postgres]:
    """Give the first PostgreSQL to be had, and tell `report` which one it is.

    Raises: NoPostgresError when there is none.
    """
    named = os.environ.get("ESITO_TEST_POSTGRES")
    if named:
        road = named_postgres(named)
    elif engine_answers():
        road = container_postgres()
    else:
        road = embedded_postgres()
    with road as postgres:
        report(f"PostgreSQL for the tests: {postgres.description}")
        yield postgres


@contextmanager
def named_postgres(url: str) -> Iterator[Postgres]:
    """Give the server that `ESITO_TEST_POSTGRES` names; its password may stand in the URL."""
    if not run(_is_ready(url, seconds_max=NAMED_SECONDS_MAX)):
        message = (
            "ESITO_TEST_POSTGRES names a PostgreSQL that does not answer. Start that server, or "
            "unset the variable to have one started for the tests."
        )
        raise NoPostgresError(message)
    parts = urlsplit(url)
    with tempfile.TemporaryDirectory(prefix="esito-tests-") as directory:
        file = None
        if parts.password:
            file = Path(directory) / "password"
            file.write_text(parts.password)
            user, _, place = parts.netloc.rpartition("@")
            parts = parts._replace(netloc=f"{user.partition(':')[0]}@{place}")
        yield Postgres(urlunsplit(parts), "the server of ESITO_TEST_POSTGRES", file)


@contextmanager
def container_postgres() -> Iterator[Postgres]:
    """Give a server of the published image in a container that goes with the tests."""
    container = DockerContainer(IMAGE)
    host = container.get_docker_client().host()
    (port,) = free_ports(1)
    container.with_bind_ports(5432, port)
    container.with_envs(
        POSTGRES_USER="esito", POSTGRES_DB="esito", POSTGRES_HOST_AUTH_METHOD="trust"
    )
    try:
        container.start()
    except DockerException as error:
        message = (
            f"a Docker engine answers but does not start {IMAGE}: {error}. Pull the image, or stop "
            "the engine to use the embedded PostgreSQL, or name a server in ESITO_TEST_POSTGRES."
        )
        raise NoPostgresError(message) from error
    try:
        url = f"postgresql://esito@{host}:{port}/esito"
        if not run(_is_ready(url, seconds_max=READY_SECONDS_MAX)):
            log = b"".join(container.get_logs())[-4096:].decode(errors="replace")
            message = f"the container of {IMAGE} did not get ready. The end of its log:\n{log}"
            raise NoPostgresError(message)
        yield Postgres(url, f"a container of {IMAGE}")
    finally:
        container.stop()


@contextmanager
def embedded_postgres() -> Iterator[Postgres]:
    """Give the embedded PostgreSQL, with a directory of its own."""
    server = EmbeddedPostgres(durable=False)
    try:
        run(server.start())
    except EmbeddedPostgresError as error:
        message = (
            "the tests need a real PostgreSQL and found none: ESITO_TEST_POSTGRES is not set, no "
            f"Docker engine answers, and the embedded one did not start: {error}"
        )
        raise NoPostgresError(message) from error
    try:
        yield Postgres(server.url, "the embedded PostgreSQL")
    finally:
        run(server.stop())


async def _is_ready(url: str, *, seconds_max: float) -> bool:
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        try:
            await (await asyncpg.connect(url, timeout=seconds_max)).close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(POLL_SECONDS)
        else:
            return True
    return False
