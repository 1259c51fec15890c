"""Run `python -m ingress` over topics of its own, on a real Kafka."""

import http.client
import json
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

import yaml
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import Topics
from ops.topics import create_missing, planned_topics
from runtime.configuration_file import load_configuration
from tests.faults.processes import EsitoProcess, until
from tests.integration import callers

PUBLIC_URL: Final = "https://callbacks.example.org"
PARTITIONS: Final = 2


class Ingress:
    """One installation of the ingress: files, topics, a process."""

    def __init__(
        self, directory: Path, bootstrap_servers: str, prefix: str, **ingress: object
    ) -> None:
        """Write the configuration with `ingress` settings over the defaults; start nothing."""
        self.directory = directory
        self.bootstrap_servers = bootstrap_servers
        self._prefix = prefix
        self.port = self.management_port = 0
        self.process: EsitoProcess | None = None
        self.settings: dict[str, Any] = {
            "kafka_bootstrap_servers": bootstrap_servers,
            "topic_prefix": prefix,
            "management_port": 0,
            "key_reload_seconds": 0.1,
            "log_format": "json",
            "topics": {"replication_factor": 1, "min_insync_replicas": 1, "partitions": PARTITIONS},
            "ingress": {"port": 0, "public_url": PUBLIC_URL, **ingress},
            "endpoints": [pivot_endpoint(), uaepass_endpoint()],
        }
        write_keys(directory)

    async def start(self, *, topics: bool = True) -> None:
        """Start the process, and create its topics unless told otherwise."""
        self.launch()
        await self.listens()
        if topics:
            await self.create_topics()
            await self.becomes_ready()

    def launch(self) -> None:
        """Start the process and wait for nothing."""
        file = self.directory / "esito.yaml"
        file.write_text(yaml.safe_dump(self.settings))
        self.process = EsitoProcess(
            "ingress",
            ["ingress", "--configuration", str(file)],
            log=self.directory / "ingress.log",
            PYTHONUNBUFFERED="1",
        )

    async def listens(self) -> None:
        """Wait until it has said at which ports it listens."""
        assert self.process is not None
        await self.process.says("management.listening")
        await self.process.says("process.listening")
        ports = {
            line["event"]: int(line["address"].rpartition(":")[2])
            for line in self.process.lines()
            if "address" in line
        }
        self.port = ports["process.listening"]
        self.management_port = ports["management.listening"]

    async def create_topics(self) -> None:
        """Create the topics of the configuration."""
        configuration = load_configuration(self.directory / "esito.yaml", environ={})
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        try:
            await create_missing(admin, planned_topics(configuration))
        finally:
            await admin.close()

    async def becomes_ready(self) -> None:
        """Wait until /readyz says 200."""
        process = self.process
        assert process is not None
        await until(
            lambda: process.exit_code is not None or self.managed("/readyz")[0] == 200,
            "the ingress is ready",
        )
        assert process.exit_code is None

    async def stop(self) -> int:
        """End it by SIGTERM; return the exit code."""
        assert self.process is not None
        return await self.process.stop()

    def managed(self, path: str, *, index: int = 0) -> tuple[int, str]:
        """Return status and text of the management port; 0 when nobody listens."""
        return fetched(self.management_port + index, path)

    def metric(self, name: str, *, index: int = 0, **labels: str) -> float:
        """Return the value of one metric; 0 when there is none with these labels."""
        given = ",".join(f'{label}="{labels[label]}"' for label in sorted(labels))
        wanted = f"{name}{{{given}}}" if given else name
        for line in self.managed("/metrics", index=index)[1].splitlines():
            if line.rpartition(" ")[0] == wanted:
                return float(line.rpartition(" ")[2])
        return 0.0

    def refused(self, code: str, *, endpoint: str = "pivot-id") -> float:
        """Return how many requests were refused with this code."""
        return self.metric("esito_ingress_callbacks_total", endpoint=endpoint, outcome=code)

    async def stored(self, provider: str = "pivot") -> list[ConsumerRecord]:
        """Return every record of the provider's raw topic, ordered by time of receipt."""
        topic = Topics.of(provider, prefix=self._prefix).raw
        async with AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers, isolation_level="read_committed"
        ) as consumer:
            parts = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            consumer.assign(parts)
            await consumer.seek_to_beginning(*parts)
            ends = await consumer.end_offsets(parts)
            records: list[ConsumerRecord] = []
            while sum(ends.values()) > len(records):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += batch
        return sorted(records, key=lambda record: dict(record.headers)["esito-callback-id"])

    async def bodies(self, provider: str = "pivot") -> list[bytes]:
        """Return the bodies in the provider's raw topic."""
        return [record.value for record in await self.stored(provider)]

    def log_text(self) -> str:
        """Return everything it has logged."""
        return (self.directory / "ingress.log").read_text()


@asynccontextmanager
async def running(ingress: Ingress, *, topics: bool = True) -> AsyncIterator[Ingress]:
    """Start `ingress`, give it, kill it."""
    try:
        await ingress.start(topics=topics)
        yield ingress
    finally:
        if ingress.process is not None:
            # Shown by pytest when the test fails.
            sys.stderr.write(f"{ingress.managed('/readyz')}\n{ingress.process.tail()}\n")
            ingress.process.kill()


def pivot_endpoint(**changes: object) -> dict[str, Any]:
    """Return an endpoint for Pivot with two keys and a credential for expectations."""
    return {
        "name": "pivot-id",
        "provider": "pivot",
        "path": callers.PIVOT,
        "api_key": {"keys": [{"id": "a", "file": "a.key"}, {"id": "b", "file": "b.key"}]},
        "expectations": {"keys": [{"id": "own", "file": "own.key"}]},
        **changes,
    }


def uaepass_endpoint(**changes: object) -> dict[str, Any]:
    """Return an endpoint for UAE PASS."""
    return {
        "name": "uaepass-gov",
        "provider": "uaepass",
        "path": callers.CONSENT,
        "api_key": {"keys": [{"id": "a", "file": "a.key"}]},
        "hmac": {
            "keys": [{"id": "h", "file": "hmac.key"}],
            "hash": "sha256",
            "parts": ["timestamp", "body"],
            "separator": ".",
            "encoding": "hex",
            "timestamp_format": "epoch_seconds",
            "tolerance_seconds": 300,
            "golden_vector_file": "golden.json",
        },
        **changes,
    }


def write_keys(directory: Path) -> None:
    """Write the files that the endpoints name."""
    keys = {
        "a.key": callers.API_KEY,
        "b.key": callers.SECOND_API_KEY,
        "own.key": callers.EXPECTATION_KEY,
        "hmac.key": callers.SECRET,
    }
    for name, secret in keys.items():
        (directory / name).write_bytes(secret + b"\n")
    # printf '1790000000.{}' | openssl dgst -sha256 -hmac a-golden-secret-01
    vector = {
        "method": "POST",
        "path": callers.CONSENT,
        "target_uri": PUBLIC_URL + callers.CONSENT,
        "timestamp": "1790000000",
        "signature": "ca66faaabf6abb9278ed9d8951fe38e71faf034e9fb6b2f69fc414b94a2b3282",
        "secret": "a-golden-secret-01",
        "body_base64": b64encode(b"{}").decode(),
    }
    (directory / "golden.json").write_text(json.dumps(vector))


def fetched(port: int, path: str) -> tuple[int, str]:
    """Return status and text of a GET; 0 when nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=callers.ANSWER_SECONDS_MAX)
    with closing(connection):
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
