"""Run a whole Esito on the Kafka of the tests, with the configuration that a test wants."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiokafka import ConsumerRecord, TopicPartition

from ops.cluster import connected
from ops.local.installation import Addresses, write_installation
from ops.local.processes import Processes, programs_of
from ops.local.running_installation import create_topics, free_row
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.kafka import KafkaClients
from runtime.service_configuration import Database
from simulator.reader import OnStatus, Reader
from tests.kafka import Kafka

Edit = Callable[[dict[str, Any]], None]
"""Change the configuration, as read from its YAML, before anything reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Esito:
    """A running installation, and a reader of everything that comes out of it."""

    configuration: Configuration
    directory: Path
    processes: Processes
    reader: Reader

    def log(self, name: str) -> str:
        """Return what a process has logged so far."""
        return self.processes.logs[name].read_text()

    async def metrics(self) -> dict[str, bytes]:
        """Return what each process answers at /metrics."""
        found = {}
        async with aiohttp.ClientSession() as session:
            for name, port in self.processes.management_ports.items():
                async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
                    found[name] = await response.read()
        return found


@asynccontextmanager
async def running_esito(
    kafka: Kafka, directory: Path, *, edit: Edit = lambda _: None
) -> AsyncIterator[Esito]:
    """Give an installation of its own, with topics of its own."""
    configuration = await installed(kafka, directory, edit)
    async with running(configuration, directory) as esito:
        yield esito


@asynccontextmanager
async def running(
    configuration: Configuration,
    directory: Path,
    *,
    variables: Mapping[str, str] | None = None,
    on_status: OnStatus = lambda _: None,
) -> AsyncIterator[Esito]:
    """Run all processes of an installation; `variables` are set in their environment."""
    programs = programs_of(configuration)
    first = configuration.management_port
    providers = sorted({endpoint.provider for endpoint in configuration.endpoints})
    async with (
        Processes(
            directory / "esito.yaml",
            programs,
            management_ports=range(first, first + len(programs)),
            logs=directory / "logs",
            variables=variables,
        ) as processes,
        connected(configuration) as cluster,
        Reader(
            providers,
            clients=cluster.clients,
            topic_prefix=configuration.topic_prefix,
            on_status=on_status,
        ) as reader,
    ):
        yield Esito(
            configuration=configuration, directory=directory, processes=processes, reader=reader
        )


async def installed(kafka: Kafka, directory: Path, edit: Edit) -> Configuration:
    """Write an installation, edit its configuration, and create its topics."""
    port = free_row(20)
    addresses = Addresses(
        kafka=kafka.bootstrap_servers,
        ingress_port=port,
        jwks_port=port + 1,
        intake_port=port + 2,
        streams_port=port + 3,
        management_port=port + 4,
        topic_prefix=f"e{secrets.token_hex(4)}.",
    )
    file = write_installation(directory, addresses)
    settings = yaml.safe_load(file.read_text())
    edit(settings)
    file.write_text(yaml.safe_dump(settings, sort_keys=False))
    configuration = load_configuration(file, environ={})
    await create_topics(configuration)
    return configuration


def only_of(settings: dict[str, Any], *providers: str) -> None:
    """Leave out the endpoints of other providers, and so their processes."""
    settings["endpoints"] = [one for one in settings["endpoints"] if one["provider"] in providers]
    settings.pop("streams", None)


def with_database(settings: dict[str, Any], database: Database) -> None:
    """Let intake and streams use `database`."""
    settings["database"] = {"url": database.url}
    if database.password_file is not None:
        settings["database"]["password_file"] = str(database.password_file)


async def records_of(
    configuration: Configuration, topics: Iterable[str]
) -> list[ConsumerRecord[bytes, bytes]]:
    """Return every committed record of the topics."""
    consumer = KafkaClients(configuration, client_id="test").consumer(
        group=None, fetch_bytes_max=4_194_304
    )
    await consumer.start()
    found: list[ConsumerRecord[bytes, bytes]] = []
    try:
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in range(configuration.topics.partitions)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        for partition, end in (await consumer.end_offsets(partitions)).items():
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
    finally:
        await consumer.stop()
    return found
