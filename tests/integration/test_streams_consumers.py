"""Our own API, /v1, on a real PostgreSQL: streams, waiting, Server-Sent Events, transactions."""

import asyncio
import json
from collections.abc import AsyncIterator
from math import inf
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import StreamReader

from contracts.lifecycle import Status
from runtime.configuration import Configuration
from runtime.service_configuration import Database
from tests.faults.processes import WAIT_SECONDS_MAX
from tests.integration.streams import KEYS, NEVER_SECONDS, Installation, members
from tests.status_events import element_event, members_of, status_event, value_of

PROCESSING = status_event(native_status="PROCESSING", status=Status.PROCESSING)
PAID = status_event(sequence=2)
EVENT_STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
async def shop(database: Database, tmp_path: Path) -> AsyncIterator[Installation]:
    """Give a running installation."""
    settings = members(tmp_path, database, wait_seconds_max=NEVER_SECONDS)
    async with Installation.running(Configuration.model_validate(settings)) as running:
        yield running


async def test_events_come_as_they_were_published(shop: Installation) -> None:
    path = await shop.listened()

    await shop.publish(PROCESSING, PAID)
    text = await (await shop.ask("GET", f"{path}/events", by="shop")).text()

    expected = [
        f'{{"id":"{number}","event":{value_of(event).decode()}}}'
        for number, event in enumerate((PROCESSING, PAID), 1)
    ]
    assert text == f'{{"events":[{",".join(expected)}]}}'


async def test_after_acknowledges(shop: Installation) -> None:
    path = await shop.listened()
    await shop.publish(PROCESSING, PAID)

    assert [one["id"] for one in await shop.events(path, after=1)] == ["2"]
    assert [one["id"] for one in await shop.events(path)] == ["2"]


async def test_a_stream_gets_what_it_was_made_for(shop: Installation) -> None:
    changes = await shop.listened()
    everything = await shop.listened({"events": "all"})
    completed = await shop.listened({"statuses": ["completed"]})
    again = status_event(native_status="PAID", sequence=3, references={"again": "1"})

    await shop.publish(PROCESSING, PAID, again)

    assert [len(await shop.events(one)) for one in (changes, everything, completed)] == [2, 3, 1]


async def test_a_stream_is_told_changed_and_deleted(shop: Installation) -> None:
    path = await shop.listened({"title": "mine"})

    body = {"title": "ours", "events": "all"}
    changed = await (await shop.ask("PUT", path, by="shop", json=body)).json()
    listed = await (await shop.ask("GET", "/v1/streams", by="shop")).json()
    deleted = await shop.ask("DELETE", path, by="shop")
    gone = await shop.ask("GET", path, by="shop")

    assert (changed["title"], changed["endpoints"]) == ("ours", ["pivot-id"])
    assert listed == {"streams": [changed]}
    assert (deleted.status, gone.status) == (204, 404)


async def test_a_reader_that_waits_is_woken_by_the_commit(shop: Installation) -> None:
    path = await shop.listened()
    waiting = asyncio.create_task(shop.events(path, wait=NEVER_SECONDS))
    await shop.until_readers_wait(1)

    await shop.publish(PAID)
    (one,) = await waiting

    assert one["event"]["native_status"] == "PAID"


async def test_a_reader_that_waits_in_vain_gets_an_empty_page(shop: Installation) -> None:
    path = await shop.listened()

    assert await shop.events(path, wait=1) == []


@pytest.mark.parametrize("more", [{"params": {"wait": "1"}}, {"headers": EVENT_STREAM}])
async def test_a_reader_has_a_share_of_those_that_wait_and_leaves_the_others_theirs(
    database: Database, tmp_path: Path, more: dict[str, dict[str, str]]
) -> None:
    settings = members(tmp_path, database, reader_waits_max=1)
    async with Installation.running(Configuration.model_validate(settings)) as shop:
        path, others = await shop.listened(), await shop.listened(by="other")
        waiting = asyncio.create_task(shop.events(path, wait=30))
        await shop.until_readers_wait(1)

        refused = await shop.ask("GET", f"{path}/events", by="shop", **more)
        other = await shop.ask("GET", f"{others}/events", by="other", **more)
        at_once = await shop.events(path)
        await shop.publish(PAID)

        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert (other.status, at_once) == (200, [])
        assert len(await waiting) == 1
        other.close()
        assert len(await shop.events(path, wait=1)) == 1


async def test_a_stop_answers_who_waits(shop: Installation) -> None:
    path = await shop.listened()
    waiting = asyncio.create_task(shop.events(path, wait=NEVER_SECONDS))
    await shop.until_readers_wait(1)

    shop.stop.set()
    shop.api.wake_all()

    assert await waiting == []


async def test_server_sent_events_go_on_after_the_last_one_seen(shop: Installation) -> None:
    path = await shop.listened()
    await shop.publish(PROCESSING)

    async with await shop.ask("GET", f"{path}/events", by="shop", headers=EVENT_STREAM) as stream:
        first = await _next(stream.content)
        await shop.publish(PAID)
        second = await _next(stream.content)
    seen = {**EVENT_STREAM, "Last-Event-ID": "1"}
    async with await shop.ask("GET", f"{path}/events", by="shop", headers=seen) as stream:
        again = await _next(stream.content)

    assert first == ("1", members_of(PROCESSING))
    assert second == again == ("2", members_of(PAID))
    # The reconnection has acknowledged the first, and nothing else.
    assert [one["id"] for one in await shop.events(path)] == ["2"]


async def test_a_transaction_is_told_by_its_last_event(shop: Installation) -> None:
    await shop.publish(PROCESSING)
    await shop.publish(PAID)

    current = await shop.ask("GET", "/v1/transactions/pivot-id/tx1", by="shop")
    history = await shop.ask("GET", "/v1/transactions/pivot-id/tx1/history", by="shop")

    assert await current.read() == value_of(PAID)
    assert (await history.json())["events"] == [members_of(PROCESSING), members_of(PAID)]


async def test_a_request_id_is_quoted_in_the_path(shop: Installation) -> None:
    event = element_event("REQUEST_ACCEPTED", "ACCEPTED", request_id="ab/+" * 9)
    await shop.publish(event)

    path = f"/v1/transactions/send/{quote('ab/+' * 9, safe='')}"
    response = await shop.client.get(path, headers={"x-api-key": KEYS["other"]})

    assert response.status == 200
    assert (await response.json())["transaction_id"] == "ab/+" * 9


@pytest.mark.parametrize("end", ["", "/history"])
async def test_foreign_transactions_are_like_those_that_never_were(
    shop: Installation, end: str
) -> None:
    await shop.publish(PAID)

    foreign = await shop.ask("GET", f"/v1/transactions/pivot-id/tx1{end}", by="other")
    absent = await shop.ask("GET", f"/v1/transactions/pivot-id/tx2{end}", by="other")
    nowhere = await shop.ask("GET", f"/v1/transactions/nowhere/tx1{end}", by="other")

    assert {one.status for one in (foreign, absent, nowhere)} == {404}
    assert await foreign.read() == await absent.read() == await nowhere.read()


async def test_foreign_streams_are_like_those_that_never_were(shop: Installation) -> None:
    path = await shop.listened()
    nobodys = "/v1/streams/00000000-0000-4000-8000-000000000000"

    for end in ("", "/events"):
        foreign = await shop.ask("GET", path + end, by="other")
        absent = await shop.ask("GET", nobodys + end, by="other")

        assert foreign.status == absent.status == 404
        assert await foreign.read() == await absent.read()


async def test_a_foreign_endpoint_cannot_be_asked_for(shop: Installation) -> None:
    for endpoint in ("send", "nowhere"):
        body = {"endpoints": ["pivot-id", endpoint]}

        response = await shop.ask("POST", "/v1/streams", by="shop", json=body)

        assert response.status == 400
        assert (await response.json())["errors"] == [
            {"element": "endpoints", "detail": "name only what you may read"}
        ]


async def test_a_lost_right_shows_nothing_more(database: Database, tmp_path: Path) -> None:
    settings = members(tmp_path, database)
    settings["streams"]["consumers"][0]["endpoints"] = ["pivot-id", "send"]
    async with Installation.running(Configuration.model_validate(settings)) as both:
        path = await both.listened({"events": "all"})
        await both.publish(element_event("REQUEST_ACCEPTED", "ACCEPTED"), PAID)

    settings["streams"]["consumers"][0]["endpoints"] = ["pivot-id"]
    async with Installation.running(Configuration.model_validate(settings)) as one:
        found = await one.events(path)

    assert [event["event"]["endpoint"] for event in found] == ["pivot-id"]


async def test_a_changed_key_is_taken_and_the_old_one_refused(
    database: Database, tmp_path: Path
) -> None:
    settings = {**members(tmp_path, database), "key_reload_seconds": 0.05}
    async with Installation.running(Configuration.model_validate(settings)) as shop:
        new = "another-key-of-shop-0123456789abcdef"

        (tmp_path / "shop.key").write_text(new)
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while (await shop.ask("GET", "/v1/streams", by="shop")).status == 200:
                pass
        taken = await shop.client.get("/v1/streams", headers={"x-api-key": new})

        assert taken.status == 200


async def _next(content: StreamReader) -> tuple[str, object]:
    """Return id and data of the next event of a stream of Server-Sent Events."""
    found: dict[str, str] = {}
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while line := (await content.readline()).decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            found[name] = value
    return (found["id"], json.loads(found["data"])) if found.get("id") else await _next(content)


async def test_keys_of_bodies_and_consumers_are_metrics(shop: Installation) -> None:
    value = shop.metrics.registry.get_sample_value
    ends, refused = "esito_keys_expiry_timestamp_seconds", "esito_keys_refused"
    bodies = {"send/comune-a": "comune-a-grouped", "send/comune-b": "comune-b"}

    found = [
        value(ends, {"endpoint": owner, "credential": credential, "key_id": key})
        for credential, keys in (("body", bodies), ("consumer", {"shop": "shop"}))
        for owner, key in keys.items()
    ]

    assert found == [inf, inf, inf]
    assert [value(refused, {"endpoint": owner}) for owner in (*bodies, "shop")] == [0, 0, 0]
