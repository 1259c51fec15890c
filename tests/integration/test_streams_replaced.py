"""A stream that takes another's place while events arrive: none falls between the two."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from runtime.configuration import Configuration
from runtime.service_configuration import Database
from tests.faults.processes import POLL_SECONDS, WAIT_SECONDS_MAX
from tests.integration.streams import TIMELINE, Installation, members
from tests.status_events import element_event

ACCEPTED = element_event("REQUEST_ACCEPTED", "ACCEPTED", sequence=1)
SENT = element_event("SEND_DIGITAL_DOMICILE", "DELIVERING", sequence=2)


@pytest.fixture
async def send(database: Database, tmp_path: Path) -> AsyncIterator[Installation]:
    """Give a running installation."""
    configuration = Configuration.model_validate(members(tmp_path, database))
    async with Installation.running(configuration) as running:
        yield running


async def waiting(send: Installation, count: int) -> None:
    """Return once `count` database transactions wait for a lock."""
    query = """SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()"""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while await send.pool.fetchval(query) < count:  # noqa: ASYNC110 - of other connections
            await asyncio.sleep(POLL_SECONDS)


async def test_an_event_projected_during_the_replacement_is_in_one_of_the_two(
    send: Installation,
) -> None:
    old = await send.made(TIMELINE)
    await send.publish(ACCEPTED)

    async with send.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM streams.streams WHERE id = $1 FOR UPDATE", UUID(old))
        replacing = asyncio.create_task(send.made({**TIMELINE, "replacedStreamId": old}))
        await waiting(send, 1)
        publishing = asyncio.create_task(send.publish(SENT))
        await waiting(send, 2)
    new = await replacing
    await publishing

    assert await send.rows(old) + await send.rows(new) in ([1, 2], [1, 1002])
