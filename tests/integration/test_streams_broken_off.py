"""Server-Sent Events when the database goes: the answer ends, and nothing else is put into it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from contracts.lifecycle import Status
from runtime.configuration import Configuration
from runtime.service_configuration import Database
from tests.faults.processes import WAIT_SECONDS_MAX
from tests.integration.streams import KEYS, Installation, members
from tests.status_events import status_event

PROCESSING = status_event(native_status="PROCESSING", status=Status.PROCESSING)


@pytest.fixture
async def shop(database: Database, tmp_path: Path) -> AsyncIterator[Installation]:
    """Give a running installation."""
    configuration = Configuration.model_validate(members(tmp_path, database))
    async with Installation.running(configuration) as running:
        yield running


async def away(shop: Installation) -> None:
    shop.pool.terminate()


async def unlike(shop: Installation) -> None:
    await shop.pool.execute("ALTER TABLE streams.stream_events RENAME TO renamed")


@pytest.mark.parametrize(("goes", "ends"), [(away, True), (unlike, False)])
async def test_events_that_are_being_sent_end(
    shop: Installation, goes: Callable[[Installation], Awaitable[None]], *, ends: bool
) -> None:
    path = await shop.listened()
    await shop.publish(PROCESSING)
    head = f"x-api-key: {KEYS['shop']}\r\naccept: text/event-stream\r\nconnection: close\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.client.server.port)
    writer.write(f"GET {path}/events HTTP/1.1\r\nhost: x\r\n{head}\r\n".encode())

    async with asyncio.timeout(WAIT_SECONDS_MAX):
        answer = await reader.readuntil(b"PROCESSING")
        await goes(shop)
        shop.api.wake_all()
        answer += await reader.read()
    writer.close()

    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"\r\n0\r\n\r\n") is ends
