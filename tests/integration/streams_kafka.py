"""Run the streams as processes on a real Kafka and a real PostgreSQL, and look at what they did."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from contracts.status import StatusEvent
from contracts.topics import Topics
from ops.cluster import connected
from ops.topics import create_missing, planned_topics, until_visible
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.database import Pool, connect, migrate
from runtime.kafka import KafkaClients
from runtime.service_configuration import Database
from streams.__main__ import MIGRATIONS
from streams.readers import Reader
from streams.registry import Kept, Registry, Settings
from tests.faults.processes import EsitoProcess
from tests.integration.streams import members
from tests.kafka import Kafka
from tests.status_events import status_event, value_of

WAIT_SECONDS_MAX: Final = 60.0
PARTITIONS: Final = 4
READER: Final = Reader("consumer:shop", frozenset({"pivot-id"}))
SETTINGS: Final = Settings(version="v1", title="", event_type="TIMELINE", endpoints=("pivot-id",))


@dataclass(slots=True)
class Pipeline:
    """One installation: its topics, its database, one stream of everything."""

    directory: Path
    file: Path
    configuration: Configuration
    pool: Pool
    registry: Registry
    stream: Kept
    published: int = 0

    @classmethod
    @asynccontextmanager
    async def made(
        cls, directory: Path, database: Database, kafka: Kafka, prefix: str
    ) -> AsyncIterator["Pipeline"]:
        """Make topics, tables and the stream."""
        settings = {
            **members(directory, database, batch_events_max=100),
            "kafka_bootstrap_servers": kafka.bootstrap_servers,
            "topic_prefix": prefix,
            "worker": {"session_seconds": 3},
            "log_level": "info",
            "log_format": "json",
        }
        file = directory / "esito.yaml"
        file.write_text(yaml.safe_dump(settings))
        configuration = load_configuration(file, environ={})
        async with connected(configuration) as cluster:
            created = await create_missing(cluster.admin, planned_topics(configuration))
            await until_visible(cluster.admin, created)
        pool = await connect(configuration)
        try:
            await migrate(pool, "streams", MIGRATIONS)
            registry = Registry(pool, streams_max=10, page_events=1_000)
            stream = await registry.create(READER, SETTINGS)
            yield cls(directory, file, configuration, pool, registry, stream)
        finally:
            await pool.close()

    @property
    def topic(self) -> str:
        """Return the status topic that the tests write to."""
        return Topics.of("pivot", prefix=self.configuration.topic_prefix).status

    @asynccontextmanager
    async def process(self, name: str, **variables: str) -> AsyncIterator[EsitoProcess]:
        """Give a running `python -m streams`; kill it after the block."""
        process = EsitoProcess(
            name,
            ("streams", "--configuration", str(self.file)),
            log=self.directory / f"{name}.log",
            **variables,
        )
        try:
            yield process
        except BaseException as error:
            error.add_note(process.tail())
            raise
        finally:
            process.thaw() if process.exit_code is None else None
            process.kill()

    async def publish(self, transactions: int, *, events: int = 3, aborted: bool = False) -> None:
        """Write the events of so many new transactions, as a state machine does."""
        clients = KafkaClients(self.configuration, client_id="test")
        producer = clients.transactional_producer(
            f"{self.topic}.test", batch_bytes_max=1_048_576, timeout_seconds=10
        )
        async with producer:
            await producer.begin_transaction()
            for event in self._events(transactions, events):
                partition = int(event.transaction_id) % PARTITIONS
                await producer.send(
                    self.topic, value_of(event), key=event.key.encode(), partition=partition
                )
            if aborted:
                await producer.abort_transaction()
                self.published -= transactions
            else:
                await producer.commit_transaction()

    def _events(self, transactions: int, events: int) -> Sequence[StatusEvent]:
        first, self.published = self.published, self.published + transactions
        return [
            status_event(f"{number}", f"S{sequence}", sequence=sequence)
            for sequence in range(1, events + 1)
            for number in range(first, first + transactions)
        ]

    async def until_numbered(self, count: int) -> None:
        """Wait until the stream has so many events."""
        await self.until(
            "SELECT last_number >= $1 FROM streams.streams WHERE id = $2", count, self.stream.id
        )

    async def until(self, question: str, *values: object) -> None:
        """Wait until the database answers true."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not await self.pool.fetchval(question, *values):
            assert time.monotonic() < deadline, f"waited in vain until {question} {values}"
            await asyncio.sleep(0.05)

    async def numbered(self) -> list[tuple[int, str, int]]:
        """Return number, transaction and sequence of all that the stream holds."""
        rows = await self.pool.fetch(
            """SELECT s.number, e.event FROM streams.stream_events s
            JOIN streams.events e USING (source, "offset")
            WHERE stream_id = $1 ORDER BY number""",
            self.stream.id,
        )
        events: list[tuple[int, dict[str, Any]]] = [(row[0], json.loads(row[1])) for row in rows]
        return [(number, one["transaction_id"], one["sequence"]) for number, one in events]


def assert_each_once_in_order(found: Sequence[tuple[int, str, int]], *, events: int) -> None:
    """Check that numbers have no gaps and each transaction's events come once and in order."""
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    by_transaction: dict[str, list[int]] = {}
    for _, transaction, sequence in found:
        by_transaction.setdefault(transaction, []).append(sequence)
    wrong = {
        transaction: sequences
        for transaction, sequences in by_transaction.items()
        if sequences != list(range(1, events + 1))
    }
    assert wrong == {}


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        await asyncio.sleep(0.05)
