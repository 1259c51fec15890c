"""`esito streams rebuild` on a real Kafka and PostgreSQL: under load, twice, from nothing."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete

from ops.cluster import connected
from runtime.service_configuration import Database
from tests.integration.streams_kafka import (
    PARTITIONS,
    READER,
    Pipeline,
    assert_each_once_in_order,
)
from tests.kafka import Kafka


@pytest.fixture
async def pipeline(
    database: Database, kafka: Kafka, topic_prefix: str, tmp_path: Path
) -> AsyncIterator[Pipeline]:
    """Give topics and tables of the test's own."""
    async with Pipeline.made(tmp_path, database, kafka, topic_prefix) as made:
        yield made


async def rebuilt(pipeline: Pipeline) -> tuple[int | None, str]:
    """Run the command; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops", "streams", "rebuild", "--configuration", pipeline.file),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def read_all(pipeline: Pipeline, seen: dict[int, str], count: int) -> None:
    """Read and acknowledge as a consumer does, until `count` events were seen; note each."""
    last = 0
    while len(seen) < count:
        stream = await pipeline.registry.find(READER, pipeline.stream.id)
        assert stream is not None
        # Everything twice: what is read again must be what was read before.
        before = await pipeline.registry.page(READER, stream, acknowledge=None, count=200)
        page = await pipeline.registry.page(READER, stream, acknowledge=last, count=100)
        for entry in (*before, *page):
            assert entry.number > last - 100
            assert seen.setdefault(entry.number, entry.event) == entry.event
        last = page[-1].number if page else last


async def test_readers_notice_nothing_of_a_rebuild_under_load(pipeline: Pipeline) -> None:
    seen: dict[int, str] = {}
    async with pipeline.process("streams"):
        await pipeline.publish(500)
        await pipeline.until_numbered(1500)
        await pipeline.pool.execute("UPDATE streams.transactions SET native_status = 'WRONG'")
        reading = asyncio.create_task(read_all(pipeline, seen, 4500))
        publishing = asyncio.create_task(_publish_slowly(pipeline, times=20, transactions=50))

        results = [await rebuilt(pipeline), await rebuilt(pipeline)]
        await asyncio.gather(publishing, reading)

    assert [code for code, _ in results] == [0, 0], results
    assert sorted(seen) == list(range(1, 4501))
    wrong = await pipeline.pool.fetchval(
        "SELECT count(*) FROM streams.transactions WHERE native_status <> 'S3'"
    )
    events = await pipeline.pool.fetchval("SELECT count(*) FROM streams.events")
    view = await pipeline.pool.fetchval("SELECT count(*) FROM streams.current_transactions")
    assert (wrong, events, view) == (0, 4500, 1500)


async def test_an_empty_database_is_built_by_the_command_alone(pipeline: Pipeline) -> None:
    await pipeline.publish(100)

    result = await rebuilt(pipeline)

    assert result == (0, "rebuilt from 0 records; 300 more were projected since\n")
    assert_each_once_in_order(await pipeline.numbered(), events=3)


async def test_what_kafka_has_deleted_is_kept(pipeline: Pipeline) -> None:
    await pipeline.publish(100)
    await rebuilt(pipeline)
    async with connected(pipeline.configuration) as cluster:
        await cluster.admin.delete_records(
            {
                TopicPartition(pipeline.topic, number): RecordsToDelete(before_offset=40)
                for number in range(PARTITIONS)
            }
        )

    await pipeline.pool.execute("UPDATE streams.events SET projected_at = 'yesterday'")

    code, _ = await rebuilt(pipeline)

    assert code == 0
    assert await pipeline.pool.fetchval("SELECT count(*) FROM streams.events") == 300
    assert_each_once_in_order(await pipeline.numbered(), events=3)
    copied = "SELECT count(*) FROM streams.events WHERE projected_at < now() - interval '1 hour'"
    assert await pipeline.pool.fetchval(copied) > 0


async def test_a_topic_made_anew_is_projected_from_its_beginning(pipeline: Pipeline) -> None:
    await pipeline.publish(10)
    await rebuilt(pipeline)
    # As if these had been other records, of the topic before.
    await pipeline.pool.execute("UPDATE streams.sources SET next_offset = next_offset + 1000")
    await pipeline.pool.execute("UPDATE streams.events SET id = gen_random_uuid()")

    code, _ = await rebuilt(pipeline)
    async with pipeline.process("streams"):
        await pipeline.publish(10)
        await pipeline.until_numbered(90)

    assert code == 0
    assert await pipeline.pool.fetchval("SELECT count(*) FROM streams.events") == 90


async def test_one_rebuild_at_a_time(pipeline: Pipeline) -> None:
    await pipeline.publish(1)
    async with pipeline.pool.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", 0x65736974_7265)

        code, output = await rebuilt(pipeline)

        await connection.execute("SELECT pg_advisory_unlock_all()")
    assert code == 2
    assert "another esito streams rebuild" in output


async def _publish_slowly(pipeline: Pipeline, *, times: int, transactions: int) -> None:
    for _ in range(times):
        await pipeline.publish(transactions)
