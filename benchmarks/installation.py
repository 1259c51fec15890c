"""Set up what the benchmarks measure: a configuration with fresh secrets, topics, processes."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.endpoints import Settings
from ops.topics import create_missing, planned_topics
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.kafka import KafkaClients

PARTITIONS = 4
READY_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Installation:
    """One configuration on one cluster."""

    directory: Path
    file: Path
    api_key: str
    configuration: Configuration
    clients: KafkaClients
    environ: dict[str, str]


async def install(
    directory: Path,
    bootstrap_servers: str,
    endpoints: Sequence[Settings],
    *,
    port: int,
    prefix: str,
) -> Installation:
    """Write a configuration with these endpoints beside their keys, and create its topics."""
    file = directory / f"{prefix}yaml"
    settings = {
        "ingress": {"port": port},
        "topics": {"partitions": PARTITIONS, "replication_factor": 1, "min_insync_replicas": 1},
        "endpoints": list(endpoints),
    }
    file.write_text(json.dumps(settings))  # JSON is YAML, and never writes an alias
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ESITO_")},
        "ESITO_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "ESITO_MANAGEMENT_PORT": "0",
        "ESITO_TOPIC_PREFIX": prefix,
    }
    # The settings model reads the process's own environment.
    os.environ.update({name: one for name, one in environ.items() if name.startswith("ESITO_")})
    configuration = load_configuration(file, environ=environ)
    clients = KafkaClients(configuration, client_id="esito-benchmark")
    admin = clients.admin()
    await admin.start()
    try:
        await create_missing(admin, planned_topics(configuration))
    finally:
        await admin.close()
    api_key = (directory / "keys" / "pivot.key").read_text().strip()
    return Installation(directory, file, api_key, configuration, clients, environ)


@asynccontextmanager
async def process(installation: Installation, *arguments: str) -> AsyncIterator[psutil.Process]:
    """Run `python <arguments>` until the block ends; its log goes to a file of the installation."""
    log = installation.directory / f"{'-'.join(arguments).replace('/', '_')[:60]}.log"
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=installation.environ, stdout=output, stderr=output
        )
    try:
        yield psutil.Process(child.pid)
    finally:
        if child.returncode is None:
            child.terminate()
        await asyncio.wait_for(child.wait(), READY_SECONDS_MAX)


def cpu_seconds(measured: psutil.Process) -> float:
    """Return the CPU time a process has used so far."""
    times = measured.cpu_times()
    return float(times.user + times.system)
