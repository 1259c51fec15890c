"""SEND's stream API: who may do what, and what is answered to what is wrong."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.configuration import Configuration
from runtime.service_configuration import Database
from streams.send_api import ROOT
from tests.integration.streams import KEYS, TIMELINE, Installation, members
from tests.status_events import element_event

GROUPED = {**TIMELINE, "groups": ["tributi"]}
OPERATIONS = [
    ("GET", ""),
    ("PUT", ""),
    ("DELETE", ""),
    ("POST", "/action/disable"),
    ("GET", "/events"),
]


@pytest.fixture
async def send(database: Database, tmp_path: Path) -> AsyncIterator[Installation]:
    """Give a running installation."""
    configuration = Configuration.model_validate(members(tmp_path, database))
    async with Installation.running(configuration) as running:
        yield running


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_another_body_finds_the_stream_as_little_as_one_that_never_was(
    send: Installation, method: str, path: str
) -> None:
    stream = await send.made(TIMELINE)
    nobodys = "00000000-0000-4000-8000-000000000000"

    foreign = await send.ask(method, f"{ROOT}/{stream}{path}", by="comune-b", json=TIMELINE)
    absent = await send.ask(method, f"{ROOT}/{nobodys}{path}", by="comune-b", json=TIMELINE)

    answers = [await one.json() for one in (foreign, absent)]
    for answer in answers:
        del answer["timestamp"]
    assert foreign.status == absent.status == 404
    assert answers[0] == answers[1]


async def test_a_body_gets_its_own_notifications_alone(send: Installation) -> None:
    first, second = await send.made(TIMELINE), await send.made(TIMELINE, by="comune-b")

    await send.publish(
        element_event("REQUEST_ACCEPTED", "ACCEPTED"),
        element_event("REQUEST_ACCEPTED", "ACCEPTED", request_id="B" * 36, sender="comune-b"),
    )

    assert len(await send.read(first)) == 1
    (theirs,) = await send.read(second, by="comune-b")
    assert theirs["notificationRequestId"] == "B" * 36
    assert await (await send.ask("GET", ROOT, by="comune-b")).json() == [
        {"streamId": second, "title": "all of it"}
    ]


async def test_a_stream_of_a_group_gets_that_group_alone(send: Installation) -> None:
    stream = await send.made(GROUPED, by="comune-a-grouped")

    await send.publish(
        element_event("REQUEST_ACCEPTED", "ACCEPTED", group="tributi"),
        element_event("REQUEST_ACCEPTED", "ACCEPTED", request_id="B" * 36, group="anagrafe"),
        element_event("REQUEST_ACCEPTED", "ACCEPTED", request_id="C" * 36),
    )

    (one,) = await send.read(stream, by="comune-a-grouped")
    assert one["notificationRequestId"] not in {"B" * 36, "C" * 36}


@pytest.mark.parametrize("body", [TIMELINE, {**TIMELINE, "groups": ["tributi", "anagrafe"]}])
async def test_a_key_with_groups_touches_only_streams_of_them(
    send: Installation, body: dict[str, object]
) -> None:
    stream = await send.made(body)

    made = await send.ask("POST", ROOT, by="comune-a-grouped", json=body)
    read = await send.ask("GET", f"{ROOT}/{stream}/events", by="comune-a-grouped")
    listed = await send.ask("GET", ROOT, by="comune-a-grouped")

    assert (made.status, read.status) == (403, 403)
    assert (await read.json())["errors"][0]["code"] == "PN_WEBHOOK_FORBIDDEN"
    assert await listed.json() == []


async def test_groups_may_only_be_added(send: Installation) -> None:
    stream = await send.made(GROUPED)
    more = {**GROUPED, "groups": ["anagrafe", "tributi"], "title": "two groups"}

    added = await send.ask("PUT", f"{ROOT}/{stream}", by="comune-a", json=more)
    fewer = await send.ask("PUT", f"{ROOT}/{stream}", by="comune-a", json=GROUPED)
    none = await send.ask("PUT", f"{ROOT}/{stream}", by="comune-a", json=TIMELINE)

    assert (added.status, fewer.status, none.status) == (200, 400, 400)
    assert (await added.json())["title"] == "two groups"


async def test_whether_to_wait_cannot_be_changed(send: Installation) -> None:
    stream = await send.made(TIMELINE)
    body = {**TIMELINE, "waitForAccepted": True}

    response = await send.ask("PUT", f"{ROOT}/{stream}", by="comune-a", json=body)

    assert response.status == 400
    assert (await response.json())["errors"][0]["element"] == "waitForAccepted"


@pytest.mark.parametrize("key", [None, "", "unknown-0123456789abcdef0123456789", KEYS["shop"]])
async def test_without_a_bodys_key_there_is_one_answer(send: Installation, key: str | None) -> None:
    headers = {} if key is None else {"x-api-key": key}

    response = await send.client.get(ROOT, headers=headers)

    assert response.status == 401
    assert response.content_type == "application/problem+json"
    assert (await response.json())["errors"] == [{"code": "PN_GENERIC_UNAUTHORIZED"}]


async def test_every_broken_rule_is_told_at_once_and_no_value(send: Installation) -> None:
    body = {"title": "secret\nsecret", "eventType": "SECRET", "filterValues": ["secret"]}

    response = await send.ask("POST", ROOT, by="comune-a", json=body)

    problem = await response.json()
    assert response.status == problem["status"] == 400
    elements = {one["element"] for one in problem["errors"]}
    assert elements == {"title", "eventType", "groups", "filterValues.0"}
    assert "secret" not in (await response.text()).lower()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"title":"a","title":"b"}', b"\xff"])
async def test_what_is_no_object_is_refused(send: Installation, body: bytes) -> None:
    response = await send.ask("POST", ROOT, by="comune-a", data=body)

    assert response.status == 400
    assert (await response.json())["errors"][0]["element"] == "body"


@pytest.mark.parametrize("after", ["1", "9" * 38, "0" * 37, "0" * 37 + "x", "0" * 37 + "٣"])
async def test_an_event_id_that_is_none_is_refused(send: Installation, after: str) -> None:
    stream = await send.made(TIMELINE)

    response = await send.ask(
        "GET", f"{ROOT}/{stream}/events", by="comune-a", params={"lastEventId": after}
    )

    assert response.status == 400


async def test_a_body_that_is_too_large_is_not_read(send: Installation) -> None:
    body = {**TIMELINE, "title": "x" * 200_000}

    response = await send.ask("POST", ROOT, by="comune-a", json=body)

    assert response.status == 413


async def test_two_keys_in_one_request_are_none(send: Installation) -> None:
    keys = [("x-api-key", KEYS["comune-a"]), ("x-api-key", KEYS["comune-b"])]

    answer = await send.client.get(ROOT, headers=keys)

    assert answer.status == 401
