"""Run real verifiers of SEND over requests in Kafka and files in a store, apart from others."""

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.instants import instant
from contracts.raw import RawCallback, Source
from contracts.topics import Topics
from contracts.update import Expectation, VerifiedUpdate
from ops.embedded.storage import free_ports
from ops.topics import create_missing, planned_topics
from runtime.configuration_file import load_configuration
from tests.faults.checker import Verdict
from tests.faults.pipeline import admin_client
from tests.faults.processes import EsitoProcess
from tests.pdfs import pdf_root
from tests.send.requests import element, request
from tests.stored_files import BODY, ENDPOINT, SECRET, Store, Upload

PARTITIONS: Final = 2
_KEY: Final = "a-key-of-these-tests-alone-0123456789abcdef"


@dataclass
class Verdicts:
    """What verifiers have said, by the place of the request; and when Kafka had it."""

    updates: dict[tuple[int, int], list[VerifiedUpdate]] = field(default_factory=dict)
    times: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, value: bytes, timestamp: int) -> None:
        """Add one record of the verified topic."""
        update = VerifiedUpdate.model_validate_json(value)
        place = update.origin.partition, update.origin.offset
        self.updates.setdefault(place, []).append(update)
        self.times[place] = timestamp

    def reasons(self, place: tuple[int, int]) -> list[str]:
        """Return the codes for which the request at a place was refused; none: it was accepted."""
        return [
            reason.code
            for update in self.updates[place]
            if isinstance(update.what, Expectation) and update.what.then
            for reason in update.what.then.reasons
        ]

    def iuns(self) -> list[str]:
        """Return every IUN that was given."""
        return [
            update.what.assigned["iun"]
            for updates in self.updates.values()
            for update in updates
            if isinstance(update.what, Expectation)
        ]

    def judged(self) -> Verdict:
        """Return how the requests fared, in the words of the history checker."""
        # An announcement with its IUN and the verdict.
        doubled = [str(place) for place, updates in self.updates.items() if len(updates) != 1]
        others = "lost undecided unproven doubled_ids doubled_effects gaps disorder diverged"
        nothing: dict[str, tuple[str, ...]] = dict.fromkeys(others.split(), ())
        return Verdict(
            acknowledged=len(self.updates),
            stored=len(self.updates),
            dead_letters=0,
            status_events=sum(len(updates) for updates in self.updates.values()),
            doubled_records=tuple(doubled),
            **nothing,
        )


class SendVerifier:
    """One installation: files, a store, topics, processes."""

    def __init__(
        self, directory: Path, bootstrap_servers: str, prefix: str, *, session_seconds: float = 60
    ) -> None:
        """Write the configuration; no topic is created and nothing is started."""
        self.directory = directory
        self.store = Store(directory / "store")
        self.topics = Topics.of("send", prefix=prefix)
        self.bootstrap_servers = bootstrap_servers
        self.processes: list[EsitoProcess] = []
        (self.management_port,) = free_ports(1)
        self._file = directory / "esito.yaml"
        self._settings: dict[str, Any] = {
            "kafka_bootstrap_servers": bootstrap_servers,
            "topic_prefix": prefix,
            "management_port": self.management_port,
            "log_format": "json",
            "topics": {"replication_factor": 1, "min_insync_replicas": 1, "partitions": PARTITIONS},
            "worker": {"session_seconds": session_seconds},
            "object_store": {"url": self.store.directory.as_uri()},
            "endpoints": [_endpoint()],
        }
        (directory / "root.pem").write_bytes(pdf_root().pem)
        (directory / "slots.key").write_bytes(SECRET)
        for name in ("body.key", "iun.key", "delivery.key"):
            (directory / name).write_text(f"{_KEY}-{name}")

    async def prepare(self) -> None:
        """Create the topics."""
        self._file.write_text(yaml.safe_dump(self._settings))
        configuration = load_configuration(self._file, environ={})
        async with admin_client(self.bootstrap_servers) as admin:
            await create_missing(admin, planned_topics(configuration))

    def start(self, **variables: str) -> EsitoProcess:
        """Start a verifier."""
        number = len(self.processes)
        process = EsitoProcess(
            f"verifier {number}",
            ["workers", "verifier", "--provider", "send", "--configuration", str(self._file)],
            log=self.directory / f"verifier-{number}.log",
            PYTHONUNBUFFERED="1",
            TMPDIR=str(self.directory),
            **variables,
        )
        self.processes.append(process)
        return process

    def start_state_machine(self, settle_seconds: float) -> tuple[EsitoProcess, int]:
        """Start a state machine; return it with its management port."""
        file, (port,) = self.directory / "state.yaml", free_ports(1)
        endpoint = {**_endpoint(), "settle_seconds": settle_seconds, "early_seconds": 60}
        settings = {**self._settings, "management_port": port, "endpoints": [endpoint]}
        file.write_text(yaml.safe_dump(settings))
        process = EsitoProcess(
            "state machine",
            ["workers", "state-machine", "--provider", "send", "--configuration", str(file)],
            log=self.directory / "state-machine.log",
            PYTHONUNBUFFERED="1",
        )
        self.processes.append(process)
        return process, port

    async def produce(self, partition: int, uploads: Iterable[Upload], *, first: int = 0) -> None:
        """Write a request for each upload, as the intake does; number them from `first`."""
        found = enumerate(uploads, first)
        await self.write(partition, [_raw(one, f"{partition}-{number}") for number, one in found])

    async def write(self, partition: int, records: Iterable[RawCallback]) -> None:
        """Write raw records into one partition."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap_servers) as producer:
            for raw in records:
                value, headers = raw.body, raw.headers()
                await producer.send(self.topics.raw, value, partition=partition, headers=headers)

    async def verdicts(self, requests: int) -> Verdicts:
        """Wait until so many requests have their verdict; return all that is there then."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers, isolation_level="read_committed"
        )
        await consumer.start()
        partitions = [TopicPartition(self.topics.verified, one) for one in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found = Verdicts()
        try:
            more = True
            while more or len(found.updates) < requests:
                batches = await consumer.getmany(timeout_ms=500)
                more = bool(batches)
                for record in (one for batch in batches.values() for one in batch):
                    found.add(record.value, record.timestamp)
        finally:
            await consumer.stop()
        return found

    def stop(self) -> None:
        """Kill whatever still runs."""
        for process in self.processes:
            process.kill()


def left_behind(directory: Path) -> list[str]:
    """Return what stands in the directory for temporary files, which is the installation's too."""
    known = {".log", ".key", ".pem", ".yaml"}
    return [one.name for one in directory.iterdir() if one.is_file() and one.suffix not in known]


def request_id(name: str) -> str:
    """Return the id of the request of that name: its partition and its number there."""
    return b64encode(name.ljust(27).encode()).decode()


def told(name: str, category: str, second: int) -> RawCallback:
    """Return what the delivery system tells of a notification: what happened in which second."""
    members = element(category, notificationRequestId=request_id(name))
    members["element"]["timestamp"] = f"2026-11-05T10:00:{second:02}Z"
    return RawCallback(
        body=json.dumps(members).encode(),
        callback_id=f"callback-{name}-{second}",
        endpoint=ENDPOINT,
        source=Source.CALLBACK,
        received_at=instant(datetime.now(UTC)),
        method="POST",
        target_uri="https://send.example.org/callbacks/send",
        principal="api_key:d",
        content_type="application/json",
    )


def _raw(upload: Upload, name: str) -> RawCallback:
    members = request(paProtocolNumber=name, documents=[upload.attachment()])
    return RawCallback(
        body=json.dumps(members).encode(),
        callback_id=f"callback-{name}",
        endpoint=ENDPOINT,
        source=Source.REQUEST,
        received_at=instant(datetime.now(UTC)),
        method="POST",
        target_uri="https://send.example.org/delivery/v2.6/requests",
        principal=f"api_key:{BODY}.2026",
        content_type="application/json",
        transaction_id=request_id(name),
    )


def _endpoint() -> dict[str, Any]:
    return {
        "name": ENDPOINT,
        "provider": "send",
        "path": "/callbacks/send",
        "api_key": {"keys": [{"id": "d", "file": "delivery.key"}]},
        "notifications": {
            "bodies": [
                {"id": BODY, "tax_id": "77777777777", "keys": [{"id": "2026", "file": "body.key"}]}
            ],
            "attachments": {"slot_keys": [{"id": "slots", "file": "slots.key"}]},
            "iun_keys": {"keys": [{"id": "iun", "file": "iun.key"}]},
            "pdf": {"trust_files": ["root.pem"]},
        },
    }
