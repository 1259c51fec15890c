"""Two calls about one stream at once: neither is lost in silence, nothing goes backwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientResponse

from runtime.configuration import Configuration
from runtime.service_configuration import Database
from streams.send_api import ROOT
from tests.integration.streams import TIMELINE, Installation, members
from tests.status_events import element_event

GROUPED = {**TIMELINE, "groups": ["tributi"]}


@pytest.fixture
async def send(database: Database, tmp_path: Path) -> AsyncIterator[Installation]:
    """Give a running installation."""
    configuration = Configuration.model_validate(members(tmp_path, database))
    async with Installation.running(configuration) as running:
        yield running


async def at_once(
    send: Installation, table: str, stream: str, calls: Sequence[Awaitable[ClientResponse]]
) -> list[ClientResponse]:
    """Return the answers to calls that have all read before the first one writes."""
    column = "id" if table == "streams" else "stream_id"
    async with send.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            f"SELECT FROM streams.{table} WHERE {column} = $1 FOR UPDATE", UUID(stream)
        )
        begun = [asyncio.ensure_future(one) for one in calls]
        waiting = 0
        while waiting < len(calls):
            waiting = await send.pool.fetchval(
                """SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'"""
            )
    return list(await asyncio.gather(*begun))


@pytest.mark.parametrize(
    "what", [{"groups": ["tributi", "anagrafe"]}, {"filterValues": ["VIEWED"]}]
)
async def test_of_two_changes_at_once_one_is_made_and_the_other_told_so(
    send: Installation, what: dict[str, Any]
) -> None:
    stream = await send.made(GROUPED)
    bodies = [{**GROUPED, **what}, {**GROUPED, "title": "another", "groups": ["tributi", "altro"]}]
    url = f"{ROOT}/{stream}"

    answers = await at_once(
        send,
        "streams",
        stream,
        [send.ask("PUT", url, by="comune-a", json=one) for one in bodies],
    )

    refused, made = sorted(answers, key=lambda one: -one.status)
    assert (made.status, refused.status) == (200, 409)
    assert (await refused.json())["errors"][0]["code"] == "PN_WEBHOOK_STREAM_CHANGED"
    assert await (await send.ask("GET", url, by="comune-a")).json() == await made.json()


async def test_change_of_a_consumer_s_stream_is_told_where_another_was_made(
    send: Installation,
) -> None:
    path = await send.listened({"title": "first"})
    stream = path.rpartition("/")[2]

    answers = await at_once(
        send,
        "streams",
        stream,
        [send.ask("PUT", path, by="shop", json={"title": name}) for name in ("a", "b")],
    )

    assert sorted(one.status for one in answers) == [200, 409]


@pytest.mark.parametrize("backwards", [False, True])
async def test_what_was_acknowledged_by_the_further_of_two_readers_stays_so(
    send: Installation, *, backwards: bool
) -> None:
    stream = await send.made(TIMELINE)
    told = [element_event("AAR_GENERATION", "ACCEPTED", sequence=number) for number in range(1, 5)]
    await send.publish(*told)
    page = await send.read(stream)
    ids = [page[0]["eventId"], page[2]["eventId"]]
    url = f"{ROOT}/{stream}/events"

    answers = await at_once(
        send,
        "readings",
        stream,
        [
            send.ask("GET", url, by="comune-a", params={"lastEventId": one})
            for one in (reversed(ids) if backwards else ids)
        ],
    )

    assert [one.status for one in answers] == [200, 200]
    assert await send.read(stream) == page[3:]
    assert await send.read(stream, after=ids[0]) == page[3:]
