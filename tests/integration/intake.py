"""Run `python -m intake` over topics and a database of its own, on a real Kafka and PostgreSQL."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import aiohttp
import asyncpg
import yaml
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from multidict import CIMultiDict

from contracts.topics import Topics
from ops.topics import create_missing, planned_topics
from runtime.configuration_file import load_configuration
from runtime.database import connect, migrate
from runtime.service_configuration import Database
from tests.faults.processes import EsitoProcess, until
from tests.integration.ingress import fetched
from tests.integration.intake_settings import KEY, SECRETS, send_endpoint
from tests.postgres import settings_of

PARTITIONS: Final = 2
REQUESTS: Final = "/delivery/v2.6/requests"
STREAMS: Final = Path(__file__).parents[2] / "streams" / "migrations"


class Answer:
    """One answer: its status, its headers and its JSON."""

    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        """Keep all three."""
        self.status = status
        self.headers = headers
        self.text = text

    @property
    def members(self) -> dict[str, Any]:
        """Return the JSON object that it is."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def codes(self) -> list[str]:
        """Return the codes of its errors."""
        return [error["code"] for error in self.members["errors"]]


class Intake:
    """One installation of the intake: files, topics, a database, processes."""

    def __init__(
        self,
        directory: Path,
        bootstrap_servers: str,
        prefix: str,
        database: Database,
        **settings: object,
    ) -> None:
        """Write the configuration with settings of `intake` over the defaults; start nothing."""
        self.directory = directory
        self.bootstrap_servers = bootstrap_servers
        self.prefix = prefix
        self.database = database
        self.processes: list[EsitoProcess] = []
        self.ports: list[int] = []
        self.management_ports: list[int] = []
        self.settings: dict[str, Any] = {
            "kafka_bootstrap_servers": bootstrap_servers,
            "topic_prefix": prefix,
            "management_port": 0,
            "key_reload_seconds": 0.1,
            "log_format": "json",
            "topics": {"replication_factor": 1, "min_insync_replicas": 1, "partitions": PARTITIONS},
            "database": settings_of(database),
            "object_store": {"url": (directory / "files").as_uri()},
            "intake": {
                "port": 0,
                "public_url": "https://send.example.org",
                "grace_seconds": 6,
                **settings,
            },
            "endpoints": [send_endpoint()],
        }
        for name, secret in SECRETS.items():
            (directory / name).write_text(secret + "\n")

    async def prepare(self) -> None:
        """Create the topics and what the streams make in the database."""
        file = self.directory / "esito.yaml"
        file.write_text(yaml.safe_dump(self.settings))
        configuration = load_configuration(file, environ={})
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        try:
            await create_missing(admin, planned_topics(configuration))
        finally:
            await admin.close()
        pool = await connect(configuration, connections_max=1)
        await migrate(pool, "streams", STREAMS)
        await pool.close()

    async def start(self, *, failpoint: str = "", ready: bool = True) -> int:
        """Start a process; return its number."""
        number = len(self.processes)
        variables = {"ESITO_FAILPOINT": failpoint} if failpoint else {}
        process = EsitoProcess(
            f"intake {number}",
            ["intake", "--configuration", str(self.directory / "esito.yaml")],
            log=self.directory / f"intake-{number}.log",
            PYTHONUNBUFFERED="1",
            **variables,
        )
        self.processes.append(process)
        await process.says("management.listening")
        await process.says("process.listening")
        ports = {
            line["event"]: int(line["address"].rpartition(":")[2])
            for line in process.lines()
            if "address" in line
        }
        self.ports.append(ports["process.listening"])
        self.management_ports.append(ports["management.listening"])
        if ready:
            await until(lambda: self.readiness(number)[0] == 200, "the intake is ready")
        return number

    def readiness(self, number: int = 0) -> tuple[int, str]:
        """Return what /readyz of a process says."""
        return fetched(self.management_ports[number], "/readyz")

    def metrics(self, number: int = 0) -> str:
        """Return all metrics of a process, as Prometheus reads them."""
        return fetched(self.management_ports[number], "/metrics")[1]

    def metric(self, line: str, number: int = 0) -> float:
        """Return the value of one metric, named as it is written; 0 where there is none."""
        for one in self.metrics(number).splitlines():
            if one.rpartition(" ")[0] == line:
                return float(one.rpartition(" ")[2])
        return 0.0

    async def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = KEY,
        body: bytes | None = None,
        number: int = 0,
        **options: Any,  # noqa: ANN401 - headers, params, …
    ) -> Answer:
        """Return the answer to one call."""
        headers = CIMultiDict(options.pop("headers", {}))
        if key is not None:
            headers.add("x-api-key", key)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        data = None if body is None else io.BytesIO(body)
        url = f"http://127.0.0.1:{self.ports[number]}{path}"
        timeout = aiohttp.ClientTimeout(total=30)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url, headers=headers, data=data, **options) as answer,
        ):
            return Answer(answer.status, answer.headers, await answer.text())

    async def send(self, members: Mapping[str, Any], **options: Any) -> Answer:  # noqa: ANN401 - of `call`
        """Return the answer to a notification request."""
        return await self.call("POST", REQUESTS, body=json.dumps(members).encode(), **options)

    async def status(self, **options: Any) -> Answer:  # noqa: ANN401 - of `call`, and parameters
        """Return the answer to a question about a request; unknown options are parameters."""
        known = {name: options.pop(name) for name in ("key", "number") if name in options}
        return await self.call("GET", REQUESTS, params=options, **known)

    async def stored(self) -> list[ConsumerRecord]:
        """Return every record of the raw topic."""
        topic = Topics.of("send", prefix=self.prefix).raw
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
        return records

    async def transaction_ids(self) -> list[str]:
        """Return the transaction id of every raw record."""
        return [record.key.decode() for record in await self.stored()]

    async def query(self, statement: str, *arguments: object) -> list[Any]:
        """Return the rows of one statement."""
        password = self.database.password_file
        secret = password.read_text() if password else None
        connection = await asyncpg.connect(self.database.url, password=secret)
        try:
            found: list[Any] = await connection.fetch(statement, *arguments)
        finally:
            await connection.close()
        return found

    async def states(self) -> list[str]:
        """Return the states of all requests."""
        return [row[0] for row in await self.query("SELECT state FROM intake.requests")]

    async def tell(self, identifier: str, events: Iterable[Mapping[str, Any]]) -> None:
        """Project status events of a request, as the streams would."""
        for offset, given in enumerate(events):
            event = _event(identifier, offset + 1, given)
            text = json.dumps(event)
            at = datetime.fromisoformat(event["received_at"])
            await self.query(
                """INSERT INTO streams.events (source, "offset", endpoint, transaction_id, id,
                received_at, event) VALUES (abs(hashtext($1)), $2, 'send-it', $1, $3, $4, $5)""",
                *(identifier, offset, uuid4(), at, text),
            )
            await self.query(
                """INSERT INTO streams.transactions (endpoint, transaction_id, source, "offset",
                native_status, status, final, sequence, updated_at, event)
                VALUES ('send-it', $1, 1, $2, $3, 'pending', false, $4, $5, $6)
                ON CONFLICT (endpoint, transaction_id) DO UPDATE SET
                native_status = excluded.native_status, sequence = excluded.sequence,
                event = excluded.event""",
                *(identifier, offset, event["native_status"], offset + 1, at, text),
            )

    def kill(self) -> None:
        """Kill whatever still runs; show the ends of the logs if the test fails."""
        for process in self.processes:
            sys.stderr.write(process.tail() + "\n")
            process.kill()


@asynccontextmanager
async def running(intake: Intake, *, processes: int = 1) -> AsyncIterator[Intake]:
    """Start an installation, give it, kill it."""
    try:
        await intake.prepare()
        for _ in range(processes):
            await intake.start()
        yield intake
    finally:
        intake.kill()


def _event(identifier: str, sequence: int, given: Mapping[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {
        "transaction_id": identifier,
        "endpoint": "send-it",
        "sequence": sequence,
        "received_at": now,
        "occurred_at": now,
        "reason": None,
        "reasons": [],
        "references": {},
        **given,
    }


async def together(*answers: Any) -> list[Answer]:  # noqa: ANN401 - coroutines of answers
    """Return the answers to calls that are made at once."""
    return list(await asyncio.gather(*answers))
