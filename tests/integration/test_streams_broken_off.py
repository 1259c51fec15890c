"""Server-Sent Events when the database goes: the answer ends, and nothing else is put into it."""

import asyncio
import gzip
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


@pytest.mark.parametrize("root", ["/v1/streams", "/delivery-progresses/v2.8/streams"])
async def test_body_that_is_compressed_or_breaks_is_refused(
    shop: Installation, capsys: pytest.CaptureFixture[str], root: str
) -> None:
    """It is no fault of ours: a reader must not be able to write our log."""
    by = "shop" if root.startswith("/v1") else "comune-a"
    stream = f"{root}/00000000-0000-4000-8000-000000000000"
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.client.server.port)
    head = f"x-api-key: {KEYS[by]}\r\ntransfer-encoding: chunked\r\n\r\n"
    writer.write(f"POST {root} HTTP/1.1\r\nhost: x\r\n{head}zz\r\n".encode())
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        answer = await reader.readline()
    writer.close()

    for method, path in (("POST", root), ("PUT", stream)):
        zipped = {"Content-Encoding": "gzip"}
        response = await shop.ask(method, path, by=by, data=gzip.compress(b"{}"), headers=zipped)
        assert response.status == 415

    assert b" 400 " in answer
    assert "callback.failed" not in capsys.readouterr().out


async def test_failure_of_ours_that_is_asked_for_again_and_again_is_logged_once(
    shop: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    path = await shop.listened()
    await unlike(shop)

    answers = [await shop.ask("GET", f"{path}/events", by="shop") for _ in range(20)]

    lines = capsys.readouterr().out.splitlines()
    assert [answer.status for answer in answers] == [500] * 20
    assert len([line for line in lines if "callback.failed" in line]) == 1
