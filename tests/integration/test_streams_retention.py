"""What goes after its term, on a real PostgreSQL, and what stays."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from runtime.configuration import Configuration
from runtime.service_configuration import Database
from streams.retention import BATCH_ROWS
from tests.integration.streams import TIMELINE, Installation, members
from tests.status_events import element_event


@pytest.fixture
async def send(database: Database, tmp_path: Path) -> AsyncIterator[Installation]:
    """Give a running installation."""
    configuration = Configuration.model_validate(members(tmp_path, database))
    async with Installation.running(configuration) as running:
        yield running


async def age(send: Installation, table: str, column: str, days: int, condition: str) -> None:
    """Make rows older."""
    await send.pool.execute(
        f"UPDATE streams.{table} SET {column} = {column} - interval '{days} days' "  # noqa: S608 - of the test
        f"WHERE {condition}"
    )


async def stored(send: Installation) -> int:
    """Return how many events are stored."""
    count: int = await send.pool.fetchval("SELECT count(*) FROM streams.events")
    return count


async def test_events_nobody_acknowledged_expire_after_a_week(send: Installation) -> None:
    stream = await send.made(TIMELINE)
    await send.publish(
        *(element_event("AAR_GENERATION", "ACCEPTED", sequence=n + 1) for n in range(3))
    )
    await age(send, "stream_events", "added_at", 6, "true")
    await age(send, "stream_events", "added_at", 2, "number <= 2")

    await send.remove()

    assert await send.rows(stream) == [3]
    assert [int(one["eventId"]) for one in await send.read(stream)] == [3]


async def test_a_disabled_stream_goes_after_two_weeks(send: Installation) -> None:
    old, young = await send.made(TIMELINE), await send.made(TIMELINE)
    await send.publish(element_event("REQUEST_ACCEPTED", "ACCEPTED"))
    await send.pool.execute("UPDATE streams.streams SET disabled_at = now()")
    await age(send, "streams", "disabled_at", 15, f"id = '{UUID(old)}'")

    await send.remove()

    assert await send.pool.fetchval("SELECT array_agg(id) FROM streams.streams") == [UUID(young)]
    assert (await send.rows(old), await send.rows(young)) == ([], [1])


async def test_more_than_a_batch_goes_in_several(send: Installation) -> None:
    stream = await send.made(TIMELINE)
    await send.pool.execute(
        "INSERT INTO streams.stream_events SELECT $1, n, 1, n, true FROM generate_series(1, $2) n",
        UUID(stream),
        2 * BATCH_ROWS + 1,
    )
    await send.pool.execute("UPDATE streams.readings SET acknowledged = $1", 2 * BATCH_ROWS)

    await send.remove()

    assert await send.rows(stream) == [2 * BATCH_ROWS + 1]


async def test_events_go_with_those_of_kafka_and_current_statuses_stay(send: Installation) -> None:
    await send.publish(element_event("REQUEST_ACCEPTED", "ACCEPTED"))
    await send.publish(element_event("NOTIFICATION_VIEWED", "VIEWED", sequence=2), partition=1)
    await age(send, "events", "projected_at", 40, '"offset" = 0 AND source = 1')

    await send.remove()

    assert await stored(send) == 1
    assert await send.pool.fetchval("SELECT count(*) FROM streams.current_transactions") == 1


async def test_event_that_is_projected_late_is_kept_until_its_readers_had_their_time(
    send: Installation,
) -> None:
    """A dead letter is replayed after weeks, or the projector was away."""
    stream = await send.made(TIMELINE)
    late = element_event("REQUEST_ACCEPTED", "ACCEPTED")
    await send.publish(late.model_copy(update={"received_at": "2025-01-02T10:00:00.000000Z"}))
    await age(send, "events", "projected_at", 6, "true")
    await age(send, "stream_events", "added_at", 6, "true")

    await send.remove()

    assert [int(one["eventId"]) for one in await send.read(stream)] == [1]
