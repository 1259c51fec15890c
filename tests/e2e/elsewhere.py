"""Run what takes no part in the plays: a poller elsewhere, and the command that prunes files."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiokafka import TopicPartition

from contracts.topics import Topics
from ops.local.processes import Processes, programs_of
from ops.local.running_installation import create_topics, free_row
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.kafka import KafkaClients
from tests.e2e.esito import records_of
from tests.e2e.send_user import SECONDS_MAX, STREAMS

EVENTS: Final = 20
REMOTE: Final = """
kafka_bootstrap_servers: {servers}
topic_prefix: {prefix}
management_port: {port}
topics: {{replication_factor: 1, min_insync_replicas: 1, partitions: 2}}
endpoints:
  - name: send-remote
    provider: send
    path: /callbacks/send
    api_key: {{keys: [{{id: a, file: keys/send-delivery.key}}]}}
    remote_stream:
      url: {url}
      stream_id: {stream}
      api_key_file: keys/send-provincia.key
      retry_seconds_max: 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What the poller and its workers left behind: all of it, for none of it is a body."""

    logs: dict[str, bytes]
    metrics: dict[str, bytes]
    records: bytes


def remote_configuration(directory: Path, here: Configuration, stream: str) -> Configuration:
    """Return the configuration of an Esito that reads a stream of `here`."""
    file = directory / "remote.yaml"
    file.write_text(
        REMOTE.format(
            servers=here.kafka_bootstrap_servers,
            prefix=f"r{secrets.token_hex(4)}.",
            port=free_row(4),
            url=here.streams.public_url + STREAMS.removesuffix("/streams"),
            stream=stream,
        )
    )
    return load_configuration(file, environ={})


async def polled(
    directory: Path, here: Configuration, stream: str, *, variables: Mapping[str, str]
) -> Elsewhere:
    """Poll a stream of ours from elsewhere; return when status events have come of it."""
    remote = remote_configuration(directory, here, stream)
    await create_topics(remote)
    programs = [one for one in programs_of(remote) if one.name != "ingress"]
    ports = [remote.management_port + place for place in range(len(programs))]
    topics = Topics.of("send", prefix=remote.topic_prefix)
    async with Processes(
        directory / "remote.yaml",
        programs,
        management_ports=ports,
        logs=directory / "remote-logs",
        variables=variables,
    ) as processes:
        await status_events(remote, EVENTS)
        metrics = await _metrics(processes.management_ports)
    records = await records_of(remote, topics.by_role().values())
    told = (
        part
        for one in records
        for part in (one.key, one.value, *(value for _, value in one.headers))
    )
    return Elsewhere(
        logs={name: log.read_bytes() for name, log in processes.logs.items()},
        metrics=metrics,
        records=b"\n".join(sorted({part for part in told if part})),
    )


async def status_events(configuration: Configuration, count: int) -> list[dict[str, Any]]:
    """Return the status events of provider send, once there are `count`."""
    topic = Topics.of("send", prefix=configuration.topic_prefix).status
    consumer = KafkaClients(configuration, client_id="test").consumer(
        group=None, fetch_bytes_max=1_048_576
    )
    found: list[dict[str, Any]] = []
    await consumer.start()
    try:
        consumer.assign(
            [TopicPartition(topic, number) for number in range(configuration.topics.partitions)]
        )
        async with asyncio.timeout(SECONDS_MAX):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += [json.loads(record.value) for record in records]
    finally:
        await consumer.stop()
    return found


async def pruned(directory: Path) -> bytes:
    """Return all that `esito attachments prune` prints."""
    environment = {**os.environ, "ESITO_CONFIGURATION": str(directory / "esito.yaml")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops", "attachments", "prune", "--json"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed
    return printed


async def _metrics(ports: Mapping[str, int]) -> dict[str, bytes]:
    found = {}
    async with aiohttp.ClientSession() as session:
        for name, port in ports.items():
            async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
                found[name] = await response.read()
    return found
