"""Measure the streams, projecting and reading: `python -m benchmarks.streams`."""

import asyncio
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import aiohttp
import psutil
import yaml

from benchmarks.installation import PARTITIONS, Installation, cpu_seconds, process
from contracts.cloud_event import event_id
from contracts.lifecycle import Status
from contracts.status import Evidence, StatusEvent
from contracts.topics import Topics
from contracts.update import Origin, Proof, Scheme
from ops.embedded.kafka import EmbeddedKafka
from ops.embedded.postgres import EmbeddedPostgres
from ops.topics import create_missing, planned_topics, until_visible
from runtime.configuration_file import load_configuration
from runtime.database import Pool, connect, migrate
from runtime.kafka import KafkaClients
from runtime.process import event_loop_factory
from streams.__main__ import MIGRATIONS

_HEAD = """## Streams

One projector works a full topic off into four streams, measured from a tenth to the end; the
database writes to the disk, as one does. Target: 5,000 events for a CPU second.

| events | events/s | CPU s/1000 | cores used | events for a CPU second | resident MB |
|---|---|---|---|---|---|"""
_READS_HEAD = """
{reads:,} pages of 50, over HTTP, one after the other, each acknowledging the one before. Target:
p99 20 ms at a million.

| events stored | p50 ms | p99 ms | max ms |
|---|---|---|---|"""
EVENTS = 60_000
STORED = (100_000, 1_000_000)
READS = 1_000
PORT = 18_082
_DONE_SECONDS_MAX = 180
_FILL_BATCH = 500
_PAGE = 50
_RECEIVED_AT = "2026-11-21T10:00:00.000000Z"
_EVIDENCE = Evidence(
    raw=Origin(
        topic="callbacks.pivot.raw.v1",
        partition=3,
        offset=123_456,
        sha256="0" * 64,
        callback_id="0",
    ),
    proof=Proof(scheme=Scheme.API_KEY, algorithm="none-over-body", key_id="a", signer="pivot"),
)


async def measure_projector(installation: Installation, pool: Pool) -> str:
    """Return the table row of one projector that works a full topic off, into four streams."""
    topic = Topics.of("pivot", prefix=installation.configuration.topic_prefix).status
    await _fill_topic(installation, topic)
    await _make_streams(pool, 4)
    async with process(
        installation, "-m", "streams", "--configuration", str(installation.file)
    ) as one:
        began, used, first = await _reached(pool, one, share=0.1)
        ended, spent, last = await _reached(pool, one, share=1.0)
        resident = one.memory_info().rss
    events, seconds, cpu = last - first, ended - began, spent - used
    return (
        f"| {events:,} | {events / seconds:,.0f} | {cpu / events * 1000:.3f} "
        f"| {cpu / seconds:.2f} | {events / cpu:,.0f} | {resident / 1e6:.0f} |"
    )


async def measure_reads(installation: Installation, pool: Pool) -> AsyncIterator[str]:
    """Yield a table row for each number of stored events: pages of 50, each acknowledged."""
    stored = 0
    arguments = ("-m", "streams", "--configuration", str(installation.file))
    async with (
        process(installation, *arguments),
        aiohttp.ClientSession(headers={"x-api-key": installation.api_key}) as session,
    ):
        stream = await _new_stream(session)
        for wanted in STORED:
            await _fill_table(pool, stream, stored, wanted)
            stored = wanted
            took = sorted(await _read(session, stream))
            yield (
                f"| {stored:,} | {statistics.median(took) * 1000:.2f} "
                f"| {took[len(took) * 99 // 100] * 1000:.2f} | {took[-1] * 1000:.2f} |"
            )


async def _fill_topic(installation: Installation, topic: str) -> None:
    producer = installation.clients.idempotent_producer(
        batch_bytes_max=1_048_576, linger_milliseconds=0
    )
    await producer.start()
    try:
        records = _events()
        for number in range(EVENTS // _FILL_BATCH):
            batch = producer.create_batch()
            for _ in range(_FILL_BATCH):
                event = next(records)
                batch.append(
                    timestamp=None,
                    key=event.key.encode(),
                    value=event.model_dump_json().encode(),
                    headers=event.headers(),
                )
            await (await producer.send_batch(batch, topic, partition=number % PARTITIONS))
    finally:
        await producer.stop()


def _events() -> Iterator[StatusEvent]:
    """Yield the events of transactions that are PROCESSING, then PAID."""
    for number in range(EVENTS // 2):
        transaction = f"bca0b57a-391e-4f6f-bfef-{number:012d}"
        for sequence, native, status in (
            (1, "PROCESSING", Status.PROCESSING),
            (2, "PAID", Status.COMPLETED),
        ):
            yield StatusEvent(
                id=event_id("pivot", transaction, native),
                provider="pivot",
                endpoint="pivot",
                transaction_id=transaction,
                status=status,
                native_status=native,
                previous_status=None,
                final=sequence == 2,  # noqa: PLR2004 - the second of two
                reason=None,
                amount=None,
                references={"charge": "charge-1"},
                occurred_at=_RECEIVED_AT,
                received_at=_RECEIVED_AT,
                sequence=sequence,
                evidence=_EVIDENCE,
            )


async def _make_streams(pool: Pool, count: int) -> None:
    for _ in range(count):
        await pool.execute(
            """INSERT INTO streams.streams (id, owner, version, title, event_type, endpoints)
            VALUES (gen_random_uuid(), 'consumer:other', 'v1', '', 'TIMELINE', '{pivot}')"""
        )


async def _reached(
    pool: Pool, measured: psutil.Process, *, share: float
) -> tuple[float, float, int]:
    """Wait until so much is projected; return time, CPU seconds and events."""
    async with asyncio.timeout(_DONE_SECONDS_MAX):
        while True:
            done: int = await pool.fetchval(
                "SELECT coalesce(sum(next_offset), 0)::bigint FROM streams.sources"
            )
            if done >= EVENTS * share:
                return time.perf_counter(), cpu_seconds(measured), done
            await asyncio.sleep(0.02)


async def _new_stream(session: aiohttp.ClientSession) -> UUID:
    async with asyncio.timeout(_DONE_SECONDS_MAX):
        while True:
            try:
                url = f"http://127.0.0.1:{PORT}/v1/streams"
                async with session.post(url, json={"events": "all"}) as response:
                    return UUID((await response.json())["id"])
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.1)


async def _fill_table(pool: Pool, stream: UUID, begin: int, end: int) -> None:
    """Store events under a partition of their own, as the projector would have."""
    sample = next(_events()).model_dump_json()
    for first in range(begin, end, 100_000):
        numbers = (first, min(end, first + 100_000) - 1)
        await pool.execute(
            """INSERT INTO streams.events
            SELECT 1000, n, 'pivot', 'tx' || n / 3, gen_random_uuid(), now(), $3::text::json
            FROM generate_series($1::bigint, $2::bigint) n""",
            *numbers,
            sample,
            timeout=_DONE_SECONDS_MAX,
        )
        await pool.execute(
            """INSERT INTO streams.stream_events
            SELECT $3::uuid, n + 1, 1000, n, true
            FROM generate_series($1::bigint, $2::bigint) n""",
            *numbers,
            stream,
            timeout=_DONE_SECONDS_MAX,
        )
    await pool.execute("UPDATE streams.streams SET last_number = $2 WHERE id = $1", stream, end)
    await pool.execute("VACUUM ANALYZE streams.events, streams.stream_events", timeout=600)


async def _read(session: aiohttp.ClientSession, stream: UUID) -> list[float]:
    """Read page after page from wherever the stream stands; return the seconds each took."""
    took, after = [], ""
    for _ in range(READS):
        began = time.perf_counter()
        url = f"http://127.0.0.1:{PORT}/v1/streams/{stream}/events?limit={_PAGE}&after={after}"
        async with session.get(url) as response:
            page = (await response.json())["events"]
        took.append(time.perf_counter() - began)
        if len(page) != _PAGE:
            raise RuntimeError("the page is not full")
        after = page[-1]["id"]
    return took


@asynccontextmanager
async def _installed(directory: Path, servers: str, database: str) -> AsyncIterator[Installation]:
    api_key = secrets.token_hex(24)
    (directory / "shop.key").write_text(api_key)
    settings = {
        "kafka_bootstrap_servers": servers,
        "management_port": 0,
        "database": {"url": database},
        "topics": {"partitions": PARTITIONS, "replication_factor": 1, "min_insync_replicas": 1},
        "streams": {
            "port": PORT,
            "consumers": [
                {
                    "id": "shop",
                    "endpoints": ["pivot"],
                    "keys": [{"id": "a", "file": str(directory / "shop.key")}],
                }
            ],
        },
        "endpoints": [{"name": "pivot", "provider": "pivot", "path": "/callbacks/pivot"}],
    }
    file = directory / "esito.yaml"
    file.write_text(yaml.safe_dump(settings))
    configuration = load_configuration(file, environ={})
    clients = KafkaClients(configuration, client_id="esito-benchmark")
    admin = clients.admin()
    await admin.start()
    try:
        await until_visible(admin, await create_missing(admin, planned_topics(configuration)))
    finally:
        await admin.close()
    environ = {name: one for name, one in os.environ.items() if not name.startswith("ESITO_")}
    yield Installation(directory, file, api_key, configuration, clients, environ)


async def main() -> None:
    """Measure, and print a section of Markdown."""
    with tempfile.TemporaryDirectory(prefix="esito-benchmark-") as name:
        async with (
            EmbeddedKafka().running() as kafka,
            EmbeddedPostgres(Path(name) / "postgres").running() as postgres,
            _installed(Path(name), kafka.bootstrap_servers, postgres.url) as installation,
        ):
            pool = await connect(installation.configuration)
            try:
                await migrate(pool, "streams", MIGRATIONS)
                print(_HEAD)
                print(await measure_projector(installation, pool))
                print(_READS_HEAD.format(reads=READS))
                async for row in measure_reads(installation, pool):
                    print(row)
            finally:
                pool.terminate()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a text file
    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        runner.run(main())
