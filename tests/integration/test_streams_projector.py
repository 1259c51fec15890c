"""The projector on a real Kafka and a real PostgreSQL: killed, shared, outlived, deceived."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from runtime.failpoint import no_failpoint
from runtime.service_configuration import Database
from streams.store import Fenced, Reached, write_batch
from tests.integration.streams import KEYS
from tests.integration.streams_kafka import WAIT_SECONDS_MAX, Pipeline, assert_each_once_in_order
from tests.kafka import Kafka


@pytest.fixture
async def pipeline(
    database: Database, kafka: Kafka, topic_prefix: str, tmp_path: Path
) -> AsyncIterator[Pipeline]:
    """Give topics and tables of the test's own."""
    async with Pipeline.made(tmp_path, database, kafka, topic_prefix) as made:
        yield made


@pytest.mark.parametrize("point", ["rows_written:2", "rows_committed:2"])
async def test_a_projector_killed_around_the_commit_neither_loses_nor_doubles(
    pipeline: Pipeline, point: str
) -> None:
    await pipeline.publish(300)
    async with pipeline.process("killed", ESITO_FAILPOINT=point) as killed:
        assert await killed.ended() == -9
    before = len(await pipeline.numbered())

    async with pipeline.process("heir"):
        await pipeline.until_numbered(900)

    assert 0 < before < 900
    assert_each_once_in_order(await pipeline.numbered(), events=3)
    assert await pipeline.pool.fetchval("SELECT count(*) FROM streams.transactions") == 300


async def test_projectors_come_and_go_and_numbers_stay_without_gaps(pipeline: Pipeline) -> None:
    async with pipeline.process("first") as first:
        await pipeline.publish(200)
        await pipeline.until_numbered(1)
        async with pipeline.process("second") as second:
            await second.says("partition.taken")
            await pipeline.publish(200)
            await pipeline.until_numbered(700)
            first.kill()
            await pipeline.publish(200)
            async with pipeline.process("third"):
                await pipeline.until_numbered(1800)
                assert await second.stop() == 0
                await pipeline.publish(200)
                await pipeline.until_numbered(2400)

    found = await pipeline.numbered()
    assert len(found) == 2400
    assert_each_once_in_order(found, events=3)


async def test_a_projector_that_wakes_up_late_changes_nothing(pipeline: Pipeline) -> None:
    async with pipeline.process("frozen") as frozen:
        await pipeline.publish(400)
        await pipeline.until_numbered(1)
        frozen.freeze()
        async with pipeline.process("heir"):
            await pipeline.publish(100)
            await pipeline.until_numbered(1500)
            frozen.thaw()
            await pipeline.publish(100)
            await pipeline.until_numbered(1800)
            assert await frozen.stop() == 0

    found = await pipeline.numbered()
    assert len(found) == 1800
    assert_each_once_in_order(found, events=3)


async def test_a_batch_from_another_offset_than_the_stored_one_is_undone(
    pipeline: Pipeline,
) -> None:
    source = await pipeline.pool.fetchval(
        """INSERT INTO streams.sources (topic, partition, next_offset)
        VALUES ('t', 0, 7) RETURNING source"""
    )

    for expected in (6, 8):
        with pytest.raises(Fenced):
            await write_batch(pipeline.pool, [Reached(source, expected, 9)], [], no_failpoint)

    assert await pipeline.pool.fetchval("SELECT max(next_offset) FROM streams.sources") == 7


async def test_aborted_records_are_not_projected(pipeline: Pipeline) -> None:
    await pipeline.publish(50, aborted=True)
    await pipeline.publish(10)

    async with pipeline.process("streams"):
        await pipeline.until_numbered(30)

    assert len(await pipeline.numbered()) == 30


async def test_a_topic_made_anew_stops_the_process_with_what_to_do(pipeline: Pipeline) -> None:
    await pipeline.publish(10)
    async with pipeline.process("streams") as streams:
        await pipeline.until_numbered(30)
        assert await streams.stop() == 0
    await pipeline.pool.execute("UPDATE streams.sources SET next_offset = next_offset + 1000")

    async with pipeline.process("again") as again:
        assert await again.ended() == 2

        (line,) = [one for one in again.lines() if one["event"] == "process.failed"]
        assert "esito streams rebuild" in line["reason"]


async def test_the_process_serves_and_answers_who_waits_when_it_stops(
    pipeline: Pipeline,
) -> None:
    await pipeline.publish(10)
    async with (
        pipeline.process("streams") as streams,
        aiohttp.ClientSession(headers={"x-api-key": KEYS["shop"]}) as session,
    ):
        await pipeline.until_numbered(30)
        await streams.says("management.listening")
        await streams.says("process.listening")
        urls = {
            one["event"]: f"http://{one['address']}" for one in streams.lines() if "address" in one
        }
        events = f"{urls['process.listening']}/v1/streams/{pipeline.stream.id}/events"

        page = await _json(session, events)
        waiting = asyncio.create_task(_json(session, f"{events}?after=30&wait=30"))
        ready = await _json(session, f"{urls['management.listening']}/readyz")
        metrics = await _metrics_once_a_reader_waits(session, urls["management.listening"])
        assert await streams.stop() == 0

        assert [one["id"] for one in page["events"]] == [f"{n}" for n in range(1, 31)]
        assert await waiting == {"events": []}
        assert ready == {"database": True, "joined": True}
        assert 'esito_streams_events_total{outcome="projected"} 30.0' in metrics
        assert 'esito_streams_requests_total{operation="read",status="200"} 1.0' in metrics


async def _metrics_once_a_reader_waits(session: aiohttp.ClientSession, url: str) -> str:
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while True:
            async with session.get(f"{url}/metrics") as response:
                metrics = await response.text()
            if "esito_streams_waiting_readers 1.0" in metrics:
                return metrics


async def _json(session: aiohttp.ClientSession, url: str) -> Any:  # noqa: ANN401 - JSON holds any value
    async with session.get(url) as response:
        assert response.status == 200
        return await response.json()
