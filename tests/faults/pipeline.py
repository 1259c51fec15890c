"""Run Esito's processes over topics of their own, so that a fault concerns nobody else's."""

import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.topics import Topics
from ops.embedded.storage import free_ports
from ops.topics import create_missing, planned_topics
from runtime.configuration_file import load_configuration
from tests.faults.checker import Verdict, judge
from tests.faults.client import Client, Endpoint, pivot_endpoint, signature, uaepass_endpoint
from tests.faults.processes import EsitoProcess, until
from tests.faults.table import Row, Table
from tests.faults.topics import TopicReader

PARTITIONS: Final = 3
SETTLE_SECONDS_MAX: Final = 180.0
_API_KEY: Final = "an-api-key-of-the-fault-suite-0123456789"
_SECRET: Final = "a-secret-of-the-fault-suite-0123456789"  # noqa: S105 - of these tests alone
_WRONG: Final = "a-wrong-secret-of-the-fault-suite-012345"
_CONFIGURATION: Final = """
topics: {{replication_factor: {replicas}, min_insync_replicas: {insync}, partitions: {partitions}}}
worker: {{breaker: {{retry_seconds: 0.5}}, revoke_seconds: 1}}
ingress: {{confirm_seconds: 2, retry_after_seconds: 1}}
key_reload_seconds: 0.2
endpoints:
  - name: pivot-id
    provider: pivot
    path: /callbacks/pivot
    settle_seconds: 1 # of elements, which come by no callback of Pivot
    api_key: {{keys: [{{id: a, file: api.key}}]}}
  - name: uaepass-gov
    provider: uaepass
    path: /callbacks/uaepass
    api_key: {{keys: [{{id: a, file: api.key}}]}}
    hmac:
      keys: [{{id: h, file: {secret}}}]
      hash: sha256
      parts: [timestamp, body]
      separator: "."
      encoding: hex
      timestamp_format: epoch_seconds
      tolerance_seconds: 300
      golden_vector_file: golden.json
"""


class Pipeline:
    """One installation under one topic prefix: its files, its topics, its processes."""

    def __init__(
        self,
        bootstrap_servers: str,
        prefix: str,
        directory: Path,
        table: Table,
        *,
        replicas: int = 1,
        session_seconds: float,
    ) -> None:
        """Write the configuration; no topic is created and nothing is started."""
        self._directory = directory
        self._table = table
        (self._port,) = free_ports(1)
        self._processes: list[EsitoProcess] = []
        self.bootstrap_servers = bootstrap_servers
        self.prefix = prefix
        self.session_seconds = session_seconds
        self.configuration_file = directory / "esito.yaml"
        self.verifiers_secret = directory / "verifier.key"
        self._write_files(replicas)

    async def create_topics(self) -> None:
        """Create the topics of both providers."""
        configuration = load_configuration(self.configuration_file, environ={})
        prefixed = configuration.model_copy(update={"topic_prefix": self.prefix})
        async with admin_client(self.bootstrap_servers) as admin:
            await create_missing(admin, planned_topics(prefixed))

    def ingress(self) -> EsitoProcess:
        """Start the ingress, on the same port each time."""
        return self._start("ingress", ["ingress"], "esito.yaml")

    def pod(self, role: str, *, port: int, management_port: int) -> EsitoProcess:
        """Start an ingress or a worker of Pivot with ports of its own, as a pod has an address."""
        ports = {
            "ESITO_INGRESS__PORT": str(port),
            "ESITO_MANAGEMENT_PORT": str(management_port),
        }
        arguments = ["ingress"] if role == "ingress" else ["workers", role, "--provider", "pivot"]
        return self._start(role, arguments, "esito.yaml", **ports)

    def worker(self, role: str, *, provider: str = "pivot", failpoint: str = "") -> EsitoProcess:
        """Start a verifier or a state machine."""
        variables = {"ESITO_FAILPOINT": failpoint} if failpoint else {}
        name = f"{role}@{failpoint}" if failpoint else role
        file = "verifier.yaml" if role == "verifier" else "esito.yaml"
        return self._start(name, ["workers", role, "--provider", provider], file, **variables)

    def odd_worker(self, role: str, *options: str, **variables: str) -> EsitoProcess:
        """Start a worker of tests/faults/odd_worker.py."""
        name = " ".join([role, *options])
        arguments = ["tests.faults.odd_worker", role, *options]
        return self._start(name, arguments, "esito.yaml", **variables)

    def client(self, marker: str, *, provider: str = "pivot") -> Client:
        """Return a client of the ingress; its transactions bear `marker`."""
        return Client(self._endpoint(provider), marker)

    async def judged(
        self, fault: str, client: Client, *, provider: str = "pivot", settled: bool = True
    ) -> Verdict:
        """Wait until every acknowledged callback has reached its end; put the verdict in the table.

        What does not settle in time, or is not expected to (`settled=False`), is judged as it is.
        """
        deadline = time.monotonic() + (SETTLE_SECONDS_MAX if settled else 0)
        async with self.reader(provider) as reader:
            found = judge(await reader.read(client.marker, client.acknowledged))
            while not found.settled and time.monotonic() < deadline:
                found = judge(await reader.read(client.marker, client.acknowledged))
        self._table.add(Row(fault, found))
        return found

    def reader(self, provider: str = "pivot") -> TopicReader:
        """Return a reader of the provider's topics; enter it to connect."""
        return TopicReader(self.bootstrap_servers, Topics.of(provider, prefix=self.prefix))

    async def consumed(
        self, role: str, *, provider: str = "pivot", unless: Callable[[], bool] = lambda: False
    ) -> bool:
        """Wait until the group of `role` has committed the end of its input, or `unless` holds."""
        topics = Topics.of(provider, prefix=self.prefix)
        topic = topics.raw if role == "verifier" else topics.verified
        group = f"{self.prefix}esito.{role}.{provider}"
        async with admin_client(self.bootstrap_servers) as admin:
            deadline = time.monotonic() + SETTLE_SECONDS_MAX
            while await self._behind(admin, group, topic):
                assert time.monotonic() < deadline, f"{group} does not reach the end of {topic}"
                if unless():
                    return False
        return True

    async def end(self, name: str) -> None:
        """Stop every process of this name."""
        for process in self._processes:
            if process.name == name and process.exit_code is None:
                await process.stop()

    def stop(self) -> None:
        """Kill whatever still runs."""
        for process in self._processes:
            process.kill()

    def logs(self) -> str:
        """Return the end of every process's log."""
        return "\n".join(process.tail() for process in self._processes)

    def _start(self, name: str, arguments: list[str], file: str, **variables: str) -> EsitoProcess:
        settings = {
            "ESITO_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "ESITO_TOPIC_PREFIX": self.prefix,
            "ESITO_INGRESS__PORT": str(self._port),
            "ESITO_MANAGEMENT_PORT": "0",
            "ESITO_LOG_FORMAT": "json",
            "ESITO_WORKER__SESSION_SECONDS": str(self.session_seconds),
            "PYTHONUNBUFFERED": "1",
        }
        process = EsitoProcess(
            name,
            [*arguments, "--configuration", str(self._directory / file)],
            log=self._directory / f"{len(self._processes)}-{name.partition(' ')[0]}.log",
            **{**settings, **variables},
        )
        self._processes.append(process)
        return process

    async def _behind(self, admin: AIOKafkaAdminClient, group: str, topic: str) -> bool:
        """Tell whether a record lies between a committed offset and the end of its partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers, isolation_level="read_committed"
        )
        try:
            await consumer.start()
            partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            found = await admin.list_consumer_group_offsets(group, partitions=partitions)
            consumer.assign(partitions)
            for partition in partitions:
                consumer.seek(partition, max(0, found[partition].offset))
            ends = await consumer.end_offsets(partitions)
            for partition in partitions:
                # The end may lie behind markers of Kafka transactions, which are no records.
                while await consumer.position(partition) < ends[partition]:
                    if await consumer.getmany(partition, timeout_ms=100):
                        return True
            return False
        finally:
            await consumer.stop()

    def _endpoint(self, provider: str) -> Endpoint:
        url = f"http://127.0.0.1:{self._port}/callbacks/{provider}"
        if provider == "pivot":
            return pivot_endpoint(url, api_key=_API_KEY)
        return uaepass_endpoint(url, api_key=_API_KEY, secret=_SECRET)

    def _write_files(self, replicas: int) -> None:
        insync = replicas // 2 + 1
        for file, secret in (("esito.yaml", "hmac.key"), ("verifier.yaml", "verifier.key")):
            text = _CONFIGURATION.format(
                replicas=replicas, insync=insync, partitions=PARTITIONS, secret=secret
            )
            (self._directory / file).write_text(text)
        (self._directory / "api.key").write_text(_API_KEY)
        (self._directory / "hmac.key").write_text(_SECRET)
        (self._directory / "golden.json").write_text(json.dumps(_golden_vector()))
        self.deploy_key(right=True)

    def deploy_key(self, *, right: bool) -> None:
        """Give the verifier the secret that the provider signs with, or another one."""
        self.verifiers_secret.write_text(_SECRET if right else _WRONG)


@asynccontextmanager
async def admin_client(bootstrap_servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Give a connected admin client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def shortest_session_seconds(bootstrap_servers: str) -> float:
    """Return how soon this cluster may miss a dead member, with room for a busy machine."""
    async with admin_client(bootstrap_servers) as admin:
        cluster = await admin.describe_cluster()
        broker = str(cluster["brokers"][0]["node_id"])
        resource = ConfigResource(ConfigResourceType.BROKER, broker)
        settings: Iterable[tuple[str, str]] = [
            (entry[0], entry[1])
            for response in await admin.describe_configs([resource])
            for *_, entries in response.resources
            for entry in entries
        ]
    return max(2.0, int(dict(settings)["group.min.session.timeout.ms"]) / 1000)


async def working(*workers: EsitoProcess) -> None:
    """Wait until `workers` have taken all partitions between them; fail if one has ended."""
    names = ", ".join(one.name for one in workers)

    def taken() -> bool:
        assert all(one.exit_code is None for one in workers), f"one of {names} has ended"
        return sum(one.count("partition.taken") for one in workers) >= PARTITIONS

    await until(taken, f"{names} have taken {PARTITIONS} partitions")


def _golden_vector() -> dict[str, str]:
    body, timestamp = b'{"spTransactionID":"golden"}', "1790000000"
    return {
        "method": "POST",
        "path": "/callbacks/uaepass",
        "target_uri": "http://127.0.0.1:8080/callbacks/uaepass",
        "timestamp": timestamp,
        "signature": signature(_SECRET, timestamp, body),
        "secret": _SECRET,
        "body_base64": b64encode(body).decode(),
    }
