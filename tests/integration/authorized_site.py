"""Run a whole Esito, each process and each command as the user of Kafka that it is to be."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import requests
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from typer.testing import CliRunner, Result

from contracts.codes import RejectionCode
from contracts.dead_letter import DeadLetter
from contracts.topics import Topics
from ops.__main__ import app
from ops.local.installation import Addresses, write_installation
from ops.local.processes import Processes, Program, programs_of
from ops.local.running_installation import free_row
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.service_configuration import Database
from simulator.send.pdf import pdf
from tests.authorized_kafka import AuthorizedKafka
from tests.e2e.send_user import User
from tests.faults.processes import WAIT_SECONDS_MAX, EsitoProcess
from tests.integration.remote_stream import API_KEY, STREAM_ID

LIFE = ("SEND_DIGITAL_DOMICILE", "DIGITAL_DELIVERY_CREATION_REQUEST", "NOTIFICATION_VIEWED")
_PORTS = 12


@dataclass(frozen=True, slots=True)
class Site:
    """An installation of the providers pivot and send, under a prefix of its own."""

    file: Path
    kafka: AuthorizedKafka
    database: Database
    configuration: Configuration

    @classmethod
    def written(
        cls, directory: Path, kafka: AuthorizedKafka, prefix: str, database: Database, remote: str
    ) -> Self:
        """Write it; `remote` is where a poller reads."""
        port = free_row(_PORTS)
        addresses = Addresses(
            kafka=kafka.users,
            ingress_port=port,
            intake_port=port + 1,
            streams_port=port + 2,
            management_port=port + 3,
            topic_prefix=prefix,
        )
        file = write_installation(directory, addresses)
        (directory / "keys" / "remote.key").write_text(API_KEY)
        settings = yaml.safe_load(file.read_text())
        _edit(settings, remote)
        file.write_text(yaml.safe_dump(settings, sort_keys=False))
        return cls(file, kafka, database, load_configuration(file, environ={}))

    def variables(self, user: str) -> dict[str, str]:
        """Return the settings of a process that is `user` in Kafka."""
        password = self.database.password_file
        return {
            **self.kafka.settings(user),
            "ESITO_DATABASE__URL": self.database.url,
            **({"ESITO_DATABASE__PASSWORD_FILE": str(password)} if password else {}),
        }

    async def esito(self, user: str, *words: str, typed: str | None = None) -> Result:
        """Run a command as `user`, in a thread: it has a loop of its own."""
        env = {**self.variables(user), "ESITO_CONFIGURATION": str(self.file)}
        return await asyncio.to_thread(CliRunner().invoke, app, list(words), env=env, input=typed)

    @asynccontextmanager
    async def running(self, *names: str) -> AsyncIterator[dict[str, Path]]:
        """Run some processes, all where none is named, until all are ready; give their logs."""
        async with AsyncExitStack() as stack:
            started = [
                Processes(
                    self.file,
                    [program],
                    management_ports=[port],
                    logs=self.file.parent / "logs",
                    variables=self.variables(f"esito-{program.name}"),
                )
                for program, port in self._programs(names)
            ]
            await asyncio.gather(*(stack.enter_async_context(one) for one in started))
            yield {name: path for one in started for name, path in one.logs.items()}

    @asynccontextmanager
    async def waiting(self, *names: str) -> AsyncIterator[dict[str, EsitoProcess]]:
        """Start processes that need not get ready, and kill them afterwards."""
        started = {
            program.name: EsitoProcess(
                program.name,
                program.arguments,
                log=self.file.parent / f"{program.name}.log",
                ESITO_CONFIGURATION=str(self.file),
                ESITO_MANAGEMENT_PORT=str(port),
                **self.variables(f"esito-{program.name}"),
            )
            for program, port in self._programs(names)
        }
        try:
            yield started
        finally:
            for process in started.values():
                process.kill()

    def ready(self, name: str) -> bool:
        """Tell whether a process says that it is ready."""
        ((_, port),) = self._programs([name])
        try:
            return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=WAIT_SECONDS_MAX).ok
        except requests.ConnectionError:
            return False

    def metric(self, name: str, metric: str) -> float:
        """Return the value of a process's metric without labels."""
        ((_, port),) = self._programs([name])
        told = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=WAIT_SECONDS_MAX).text
        return next(
            float(value)
            for series, _, value in (line.rpartition(" ") for line in told.splitlines())
            if series == metric
        )

    def _programs(self, names: Collection[str]) -> list[tuple[Program, int]]:
        """Return the programs so called with their management ports; all where none is named."""
        programs = enumerate(programs_of(self.configuration), self.configuration.management_port)
        return [(one, port) for port, one in programs if one.name in names or not names]

    async def told(self, *bodies: bytes) -> list[int]:
        """Send callbacks of Pivot; return the answers."""
        user = User(self.file.parent, self.configuration)
        url = f"http://127.0.0.1:{self.configuration.ingress.port}/callbacks/pivot"
        headers = {"content-type": "application/json", **user.key("pivot")}
        return [(await user.call("POST", url, headers, body)).status for body in bodies]

    async def sent(self) -> str:
        """Have a public body send a notification, and follow it; return its last status."""
        user = User(self.file.parent, self.configuration)
        stream = await user.made_stream("STATUS")
        request_id = await user.requested(await user.uploaded(pdf("A notice")))
        iun = (await user.status(request_id))["iun"]
        for second, category in enumerate(LIFE):
            assert await user.told(request_id, iun, category, second) == 200
        return str((await user.followed(stream, "VIEWED"))[-1]["newStatus"])

    async def events(self, transaction: str, count: int) -> list[dict[str, Any]]:
        """Wait until Pivot's transaction has so many status events; tap them as the operator."""
        show = ("transaction", "show", "pivot-local", transaction, "--json")
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while True:
                shown = (await self.esito("esito-operator", *show)).stdout
                if shown.count('"kind": "status"') >= count:
                    break
        words = ("tap", "--provider", "pivot", "--from-beginning", "--json", "--limit", str(count))
        found = (await self.esito("esito-operator", *words)).stdout
        return [json.loads(line)["data"] for line in found.splitlines()]

    async def letters(self, count: int) -> list[dict[str, Any]]:
        """Wait until there are so many dead letters of Pivot; return them as the operator does."""
        words = ("dead-letters", "ls", "--provider", "pivot", "--json")
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while True:
                listed = await self.esito("esito-operator", *words)
                assert listed.exit_code == 0, listed.output
                found = [json.loads(line) for line in listed.stdout.splitlines()]
                if len(found) >= count:
                    return found

    async def forged(self) -> None:
        """Put a record into the verified topic that no verifier wrote, as the administrator."""
        topic = Topics.of("pivot", prefix=self.configuration.topic_prefix).verified
        async with AIOKafkaProducer(bootstrap_servers=self.kafka.administrator) as producer:
            await producer.send_and_wait(topic, b"no update", key=b"pivot-local:none")

    async def misjudged(self, body: bytes) -> None:
        """Put a dead letter beside what was verified of a callback, as the administrator."""
        topics = Topics.of("pivot", prefix=self.configuration.topic_prefix)
        servers = self.kafka.administrator
        async with (
            AIOKafkaProducer(bootstrap_servers=servers) as producer,
            AIOKafkaConsumer(
                topics.raw, bootstrap_servers=servers, auto_offset_reset="earliest"
            ) as consumer,
            asyncio.timeout(WAIT_SECONDS_MAX),
        ):
            while (record := await consumer.getone()).value != body:
                pass
            letter = DeadLetter(
                code=RejectionCode.KEY_UNKNOWN,
                detail="",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                exception="Rejected",
            )
            headers = letter.headers(record.headers)
            await producer.send_and_wait(topics.rejected, record.value, headers=headers)


def _edit(settings: dict[str, Any], remote: str) -> None:
    """Leave provider pivot and send, and let a second endpoint of send read elsewhere."""
    settings["topics"]["partitions"] = 2
    settings["streams"].pop("consumers")
    settings["endpoints"] = [
        one for one in settings["endpoints"] if one["provider"] in {"pivot", "send"}
    ]
    settings["endpoints"].append(
        {
            "name": "send-remote",
            "provider": "send",
            "path": "/callbacks/send-remote",
            "api_key": {"keys": [{"id": "a", "file": "keys/send-delivery.key"}]},
            "remote_stream": {
                "url": remote,
                "stream_id": STREAM_ID,
                "api_key_file": "keys/remote.key",
                "retry_seconds_max": 1,
            },
        }
    )
