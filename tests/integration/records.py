"""Write records as Esito's processes write them, from the contracts alone."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typer.testing import Result

from contracts.anomaly import Anomaly
from contracts.cloud_event import event_id
from contracts.codes import AnomalyCode, RejectionCode
from contracts.dead_letter import DeadLetter
from contracts.lifecycle import Status
from contracts.raw import RawCallback, Source
from contracts.status import Evidence, StatusEvent
from contracts.topics import Topics
from contracts.update import Origin, Proof, Scheme, Statement, VerifiedUpdate
from ops.topic_reader import Place
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.kafka import KafkaClients
from tests.kafka import Kafka, run
from workers.state_machine.snapshot import Snapshot

Esito = Callable[..., Result]  # words of the command line, and what is typed

ENDPOINT: Final = "pivot-id"
RECEIVED_AT: Final = "2026-11-21T10:00:00.000001Z"
PROOF: Final = Proof(scheme=Scheme.API_KEY, algorithm="none-over-body", key_id="a", signer=ENDPOINT)
_SECRET: Final = "0123456789abcdef0123456789abcdef"  # noqa: S105 - of these tests alone
_CONFIGURATION: Final = """
kafka_bootstrap_servers: {servers}
topic_prefix: {prefix}
management_port: 0
ingress: {{port: 0}}
topics: {{replication_factor: 1, min_insync_replicas: 1, partitions: 2}}
endpoints:
  - name: pivot-id
    provider: pivot
    path: /callbacks/pivot
    api_key: {{keys: [{{id: a, file: api.key}}]}}
"""


def write_configuration(directory: Path, *, servers: str, prefix: str) -> Path:
    """Return the file of a configuration with one Pivot endpoint, its secret beside it."""
    secret = directory / "api.key"
    secret.write_text(_SECRET)
    secret.chmod(0o600)
    file = directory / "esito.yaml"
    file.write_text(_CONFIGURATION.format(servers=servers, prefix=prefix))
    return file


def change(file: Path, old: str, new: str) -> None:
    """Replace what must stand in a configuration."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@dataclass(frozen=True, slots=True)
class Shelf:
    """One installation's topics, to write to."""

    configuration: Configuration

    @classmethod
    def of(cls, file: Path, kafka: Kafka) -> "Shelf":
        """Return the shelf of the configuration in `file`."""
        return cls(
            load_configuration(
                file, environ={"ESITO_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers}
            )
        )

    @property
    def topics(self) -> Topics:
        """Return the names of Pivot's topics."""
        return Topics.of("pivot", prefix=self.configuration.topic_prefix)

    def write(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: str | None = None,
        headers: list[tuple[str, bytes]] | None = None,
        written_at: int | None = None,
    ) -> Place:
        """Write one record, now or at so many milliseconds since 1970; return where it lies."""
        return run(self._write(topic, value, key, headers or [], written_at))

    async def _write(
        self,
        topic: str,
        value: bytes | None,
        key: str | None,
        headers: list[tuple[str, bytes]],
        written_at: int | None,
    ) -> Place:
        clients = KafkaClients(self.configuration, client_id="test")
        producer = clients.idempotent_producer(batch_bytes_max=1_048_576, linger_milliseconds=0)
        async with producer:
            written = await producer.send_and_wait(
                topic,
                value,
                key=key.encode() if key else None,
                headers=headers,
                timestamp_ms=written_at,
            )
            return written.topic, written.partition, written.offset

    def callback(self, body: bytes) -> Place:
        """Write a raw record."""
        return self.write(self.topics.raw, body, headers=raw_callback(body).headers())

    def rejected(self, body: bytes, origin: Place, code: RejectionCode) -> Place:
        """Write the dead letter of a raw record."""
        letter = DeadLetter(
            code=code,
            detail="data.id: [bold]missing",
            topic=origin[0],
            partition=origin[1],
            offset=origin[2],
            exception="Rejected",
        )
        headers = letter.headers(raw_callback(body).headers())
        return self.write(self.topics.rejected, body, headers=headers)

    def unreadable_update(self) -> Place:
        """Write the dead letter of a record of the verified topic, and that record."""
        key, value = f"{ENDPOINT}:tx", b"odd"
        origin = self.write(self.topics.verified, value, key=key)
        letter = DeadLetter(
            code=RejectionCode.UPDATE_MALFORMED,
            detail="",
            topic=origin[0],
            partition=origin[1],
            offset=origin[2],
            exception="Rejected",
        )
        return self.write(self.topics.rejected, value, key=key, headers=letter.headers([]))

    def applied(self, transaction_id: str, native: str, status: Status, body: bytes) -> Place:
        """Write callback, verified update, status event and changelog of one applied callback."""
        place = self.callback(body)
        said = update(transaction_id, native, place, body)
        key = said.key
        self.write(self.topics.verified, said.model_dump_json().encode(), key=key)
        event = status_event(said, status)
        value = event.model_dump_json().encode()
        self.write(self.topics.status, value, key=key, headers=event.headers())
        snapshot = Snapshot(status=native, sequence=1).encode()
        self.write(self.topics.state, snapshot, key=key)
        return place

    def anomaly(self, transaction_id: str, code: AnomalyCode) -> Place:
        """Write an anomaly without evidence."""
        found = Anomaly(
            id=event_id(ENDPOINT, transaction_id, code),
            code=code,
            provider="pivot",
            endpoint=ENDPOINT,
            transaction_id=transaction_id,
            standing=None,
            status=None,
            said=None,
            detail="no final callback before the deadline",
            noticed_at=RECEIVED_AT,
            evidence=None,
        )
        value = found.model_dump_json().encode()
        return self.write(self.topics.anomalies, value, key=found.key, headers=found.headers())


def raw_callback(body: bytes) -> RawCallback:
    """Return a callback as the ingress stores it; its id is the body's digest."""
    return RawCallback(
        body=body,
        callback_id=hashlib.sha256(body).hexdigest()[:32],
        endpoint=ENDPOINT,
        source=Source.CALLBACK,
        received_at=RECEIVED_AT,
        method="POST",
        target_uri="https://esito.example/callbacks/pivot",
        principal="api_key:a",
        content_type="application/json",
        http={"x-note": b"\x1b[31mred"},
    )


def update(transaction_id: str, native: str, place: Place, body: bytes) -> VerifiedUpdate:
    """Return the verified update of a callback that lies at `place`."""
    return VerifiedUpdate(
        provider="pivot",
        endpoint=ENDPOINT,
        source=Source.CALLBACK,
        received_at=RECEIVED_AT,
        what=Statement(transaction_id=transaction_id, native_status=native, fact=native),
        proof=PROOF,
        origin=Origin(
            topic=place[0],
            partition=place[1],
            offset=place[2],
            sha256=hashlib.sha256(body).hexdigest(),
            callback_id=raw_callback(body).callback_id,
        ),
    )


def status_event(said: VerifiedUpdate, status: Status) -> StatusEvent:
    """Return the first status event of a transaction."""
    assert isinstance(said.what, Statement)
    return StatusEvent(
        id=event_id(ENDPOINT, said.what.transaction_id, said.what.fact),
        provider="pivot",
        endpoint=ENDPOINT,
        transaction_id=said.what.transaction_id,
        status=status,
        native_status=said.what.native_status,
        previous_status=None,
        final=True,
        reason=None,
        amount=None,
        references={},
        occurred_at=None,
        received_at=said.received_at,
        sequence=1,
        evidence=Evidence(raw=said.origin, proof=said.proof),
    )


def record_id(place: Place) -> str:
    """Return how the command line names the record at `place`."""
    return "-".join(map(str, place))
