"""Bring a whole Esito up on this machine: an embedded Kafka, its topics, and every process.

What a directory holds decides where it listens: the configuration in it is read like any other, and
settings of one run come over it as environment variables.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from contracts.errors import Broken
from ops.cluster import connected
from ops.embedded.jars import OnProgress
from ops.embedded.kafka import EmbeddedKafka, EmbeddedKafkaError
from ops.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from ops.embedded.storage import free_ports, is_free
from ops.local.processes import Processes, programs_of
from ops.topics import create_missing, planned_topics
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration

T = TypeVar("T")
_DATABASE: Final = "ESITO_DATABASE__URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEsito:
    """A running installation; `variables` are its ESITO_ settings over those of the file."""

    configuration: Configuration
    processes: Processes
    variables: Mapping[str, str]

    @property
    def url(self) -> str:
        """Return where the ingress is."""
        return f"http://127.0.0.1:{self.configuration.ingress.port}"


@asynccontextmanager
async def local_esito(
    file: Path,
    *,
    lasting: bool,
    on_progress: OnProgress,
    cache_directory: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[LocalEsito]:
    """Give the installation of the configuration `file`, running; stop it in order.

    `file` is an absolute path. `variables` are ESITO_ settings over those of the file. A `lasting`
    installation keeps its records beside the file.

    Raises:
        Broken: the configuration, the broker or a process is at fault; the message says which.
    """
    configuration = load_configuration(file, environ=variables or {})
    kafka = EmbeddedKafka(
        cache_directory=cache_directory,
        data_directory=file.parent / "kafka" if lasting else None,
        ports=(_port_of(configuration.kafka_bootstrap_servers),),
        on_progress=on_progress,
    )
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(kafka.running())
        except EmbeddedKafkaError as error:
            raise Broken(str(error)) from None
        on_progress("Creating topics")
        await create_topics(configuration)
        own = dict(variables or {})
        if _needs_database(configuration):
            on_progress("Starting PostgreSQL")
            data = file.parent / "postgres" if lasting else None
            own[_DATABASE] = await stack.enter_async_context(_database(data))
            configuration = load_configuration(file, environ=own)
        processes = _processes(file, configuration, own)
        on_progress(f"Starting {', '.join(processes.logs)}")
        await stack.enter_async_context(processes)
        yield LocalEsito(configuration=configuration, processes=processes, variables=own)


@asynccontextmanager
async def _database(data: Path | None) -> AsyncIterator[str]:
    """Give the URL of an embedded PostgreSQL; without a directory it is gone afterwards."""
    server = EmbeddedPostgres(data_directory=data, durable=data is not None)
    try:
        await server.start()
    except EmbeddedPostgresError as error:
        raise Broken(str(error)) from None
    try:
        yield server.url
    finally:
        await server.stop()


def _needs_database(configuration: Configuration) -> bool:
    return any(one.name in {"intake", "streams"} for one in programs_of(configuration))


async def create_topics(configuration: Configuration) -> None:
    """Create the topics of the configuration that do not exist."""
    async with connected(configuration) as cluster:
        await create_missing(cluster.admin, planned_topics(configuration))


async def unless_one_dies(processes: Processes, work: Awaitable[T]) -> T:
    """Return what `work` returns, or fail as soon as a process has died.

    Raises:
        Broken: a process ended by itself; the message has the end of its log.
    """
    working = asyncio.ensure_future(work)
    dying = asyncio.create_task(processes.died())
    try:
        await asyncio.wait({working, dying}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise dying.result()
        return working.result()
    finally:
        for task in (working, dying):
            task.cancel()
        await asyncio.gather(working, dying, return_exceptions=True)


def run_until_signal(work: Callable[[asyncio.Event], Coroutine[Any, Any, T]]) -> T:
    """Return what `work` returns; SIGTERM and Ctrl-C set the event it is given, and no more."""

    async def supervised() -> T:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        return await work(stop)

    return asyncio.run(supervised())


async def unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what `work` returns; None if `stop` came first and `work` was cancelled."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return None


def free_row(length: int) -> int:
    """Return the first of `length` neighbouring ports of 127.0.0.1 that are all free."""
    while True:
        first = free_ports(1)[0]
        if all(map(is_free, range(first, first + length))):
            return first


def _processes(file: Path, configuration: Configuration, variables: Mapping[str, str]) -> Processes:
    programs = programs_of(configuration)
    first = configuration.management_port
    return Processes(
        file,
        programs,
        management_ports=range(first, first + len(programs)),
        logs=file.parent / "logs",
        variables=variables,
    )


def _port_of(bootstrap_servers: str) -> int:
    host, _, port = bootstrap_servers.rpartition(":")
    if host != "127.0.0.1" or not port.isdigit():
        raise Broken(
            f"kafka_bootstrap_servers is {bootstrap_servers}; the embedded Kafka listens on "
            "127.0.0.1:<port> alone"
        )
    return int(port)
