"""SEND's stream API on a real PostgreSQL: what the sheet of the provider says, operation by
operation."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.update import Reason
from runtime.configuration import Configuration
from runtime.service_configuration import Database
from streams.send_api import ROOT
from tests.integration.streams import STATUS, TIMELINE, Installation, members
from tests.status_events import IUN, element_event

ACCEPTED = element_event("REQUEST_ACCEPTED", "ACCEPTED", sequence=1)
SENT = element_event("SEND_DIGITAL_DOMICILE", "DELIVERING", sequence=2)
FEEDBACK = element_event("SEND_DIGITAL_FEEDBACK", "DELIVERING", sequence=3)
VIEWED = element_event("NOTIFICATION_VIEWED", "VIEWED", sequence=4)
STORY = (ACCEPTED, SENT, FEEDBACK, VIEWED)


@pytest.fixture
async def send(database: Database, tmp_path: Path) -> AsyncIterator[Installation]:
    """Give a running installation."""
    configuration = Configuration.model_validate(members(tmp_path, database))
    async with Installation.running(configuration) as running:
        yield running


def categories(page: list[dict[str, object]]) -> list[object]:
    """Return the categories of a page's elements."""
    return [one["element"]["category"] for one in page]  # type: ignore[index]  # JSON


def numbers(page: list[dict[str, object]]) -> list[int]:
    """Return the numbers in a page's event ids."""
    return [int(str(one["eventId"])) for one in page]


async def test_a_new_stream_is_told_as_it_is_kept(send: Installation) -> None:
    body = {**TIMELINE, "filterValues": ["DEFAULT"], "waitForAccepted": True}

    made = await (await send.ask("POST", ROOT, by="comune-a", json=body)).json()
    got = await (await send.ask("GET", f"{ROOT}/{made['streamId']}", by="comune-a")).json()
    listed = await (await send.ask("GET", ROOT, by="comune-a")).json()

    assert got == made
    assert made == {**body, **{name: made[name] for name in ("streamId", "activationDate")}} | {
        "version": "v28"
    }
    assert listed == [{"streamId": made["streamId"], "title": "all of it"}]


async def test_a_timeline_stream_gets_each_element_in_order(send: Installation) -> None:
    stream = await send.made(TIMELINE)

    await send.publish(*STORY)
    page = await send.read(stream)

    assert [one["eventId"] for one in page] == [f"{number:038}" for number in (1, 2, 3, 4)]
    assert [one.get("newStatus") for one in page] == ["ACCEPTED", "DELIVERING", None, "VIEWED"]
    assert {one["iun"] for one in page} == {IUN}
    assert page[1]["notificationRequestId"] == SENT.transaction_id
    assert page[1]["element"] == {
        "elementId": "SEND_DIGITAL_DOMICILE.2",
        "timestamp": SENT.occurred_at,
        "eventTimestamp": SENT.occurred_at,
        "ingestionTimestamp": SENT.received_at,
        "category": "SEND_DIGITAL_DOMICILE",
    }


async def test_a_refused_request_comes_without_iun_and_with_its_reasons(
    send: Installation,
) -> None:
    reasons = (
        Reason(code="NOT_VALID_ADDRESS", text="rows", where="recipients[2]"),
        Reason(code="FILE_NOTFOUND"),
    )
    stream = await send.made(STATUS)

    await send.publish(element_event("REQUEST_REFUSED", "REFUSED", reasons=reasons))
    (one,) = await send.read(stream)

    assert "iun" not in one
    assert one["newStatus"] == "REFUSED"
    assert one["element"]["details"]["refusalReasons"] == [
        {"errorCode": "NOT_VALID_ADDRESS", "detail": "rows", "recIndex": 2},
        {"errorCode": "FILE_NOTFOUND", "detail": ""},
    ]


async def test_a_status_stream_gets_only_changes(send: Installation) -> None:
    stream = await send.made(STATUS)

    await send.publish(*STORY)

    assert categories(await send.read(stream)) == [
        "REQUEST_ACCEPTED",
        "SEND_DIGITAL_DOMICILE",
        "NOTIFICATION_VIEWED",
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["SEND_DIGITAL_FEEDBACK"], ["SEND_DIGITAL_FEEDBACK"]),
        (["DEFAULT"], ["REQUEST_ACCEPTED", "NOTIFICATION_VIEWED"]),
        (
            ["DEFAULT", "AAR_GENERATION"],
            ["REQUEST_ACCEPTED", "AAR_GENERATION", "NOTIFICATION_VIEWED"],
        ),
    ],
)
async def test_filters_choose_categories(
    send: Installation, filters: list[str], expected: list[str]
) -> None:
    stream = await send.made({**TIMELINE, "filterValues": filters})
    categories_told = ["REQUEST_ACCEPTED", "AAR_GENERATION", "NOTIFICATION_VIEWED"]
    if "SEND_DIGITAL_FEEDBACK" in filters:
        categories_told.append("SEND_DIGITAL_FEEDBACK")

    for number, category in enumerate(categories_told, 1):
        await send.publish(element_event(category, "ACCEPTED", sequence=number))

    assert categories(await send.read(stream)) == expected


async def test_a_waiting_status_stream_begins_with_the_verdict(send: Installation) -> None:
    stream = await send.made({**STATUS, "waitForAccepted": True})

    await send.publish(element_event("AAR_GENERATION", "IN_VALIDATION"), *STORY)

    assert (await send.read(stream))[0]["newStatus"] == "ACCEPTED"


async def test_events_before_the_stream_are_not_in_it(send: Installation) -> None:
    await send.publish(ACCEPTED)
    stream = await send.made(TIMELINE)

    await send.publish(SENT)

    assert categories(await send.read(stream)) == ["SEND_DIGITAL_DOMICILE"]


async def test_an_event_published_twice_is_in_the_stream_once(send: Installation) -> None:
    stream = await send.made(TIMELINE)

    await send.publish(ACCEPTED, SENT, SENT)
    new = await send.publish(SENT, VIEWED)

    assert new == 1
    assert numbers(await send.read(stream)) == [1, 2, 3]


async def test_last_event_id_acknowledges_for_ever_and_purges(send: Installation) -> None:
    stream = await send.made(TIMELINE)
    await send.publish(*STORY)

    page = await send.read(stream, after=f"{2:038}")
    again = await send.read(stream)
    await send.remove()

    assert numbers(page) == [3, 4]
    assert numbers(again) == [3, 4]
    assert await send.rows(stream) == [3, 4]


async def test_an_id_to_come_acknowledges_nothing_that_comes(send: Installation) -> None:
    stream = await send.made(TIMELINE)
    await send.publish(ACCEPTED)

    assert await send.read(stream, after="0" + "9" * 37) == []
    await send.publish(SENT)

    assert numbers(await send.read(stream)) == [2]


async def test_a_page_has_fifty_events_and_says_when_to_come_again(send: Installation) -> None:
    stream = await send.made(TIMELINE)
    events = [
        element_event("SEND_ANALOG_PROGRESS", "DELIVERING", sequence=n + 1) for n in range(60)
    ]
    await send.publish(*events)
    path = f"{ROOT}/{stream}/events"

    first = await send.ask("GET", path, by="comune-a")
    second = await send.ask("GET", path, by="comune-a", params={"lastEventId": f"{50:038}"})
    third = await send.ask("GET", path, by="comune-a", params={"lastEventId": f"{60:038}"})

    sizes = [len(await one.json()) for one in (first, second, third)]
    assert sizes == [50, 10, 0]
    # Milliseconds.
    assert [one.headers["retry-after"] for one in (first, second, third)] == ["0", "0", "60000"]


async def test_who_comes_too_early_is_refused_where_that_is_configured(
    database: Database, tmp_path: Path
) -> None:
    settings = members(tmp_path, database, early_readers="refused")
    async with Installation.running(Configuration.model_validate(settings)) as send:
        stream = await send.made(TIMELINE)
        await send.read(stream)

        response = await send.ask("GET", f"{ROOT}/{stream}/events", by="comune-a")

        assert response.status == 429
        assert 30_000 <= int(response.headers["retry-after"]) <= 60_000
        assert (await response.json())["errors"] == [{"code": "PN_STREAM_RETRY_AFTER_ERROR"}]


async def test_the_eleventh_stream_is_one_too_many_until_one_is_disabled(
    send: Installation,
) -> None:
    streams = [await send.made(TIMELINE) for _ in range(10)]

    refused = await send.ask("POST", ROOT, by="comune-a", json=TIMELINE)
    await send.ask("POST", f"{ROOT}/{streams[0]}/action/disable", by="comune-a")
    made = await send.made(TIMELINE)

    assert refused.status == 409
    assert (await refused.json())["errors"][0]["code"] == "PN_WEBHOOK_MAXSTREAMSCOUNTREACHED"
    assert made


async def test_streams_made_at_once_are_counted_one_by_one(send: Installation) -> None:
    asked = (send.ask("POST", ROOT, by="comune-a", json=TIMELINE) for _ in range(14))

    answers = await asyncio.gather(*asked)

    assert sorted(one.status for one in answers) == [200] * 10 + [409] * 4


async def test_a_disabled_stream_is_readable_and_gets_no_more(send: Installation) -> None:
    stream = await send.made(TIMELINE)
    await send.publish(ACCEPTED)

    disabled = await (
        await send.ask("POST", f"{ROOT}/{stream}/action/disable", by="comune-a")
    ).json()
    await send.publish(SENT)

    assert "disabledDate" in disabled
    assert numbers(await send.read(stream)) == [1]


async def test_a_replacing_stream_goes_on_a_thousand_later(send: Installation) -> None:
    old = await send.made(TIMELINE)
    await send.publish(ACCEPTED, SENT)

    new = await send.made({**TIMELINE, "replacedStreamId": old})
    await send.publish(FEEDBACK)

    assert numbers(await send.read(new)) == [1003]
    assert numbers(await send.read(old)) == [1, 2]


async def test_a_stream_in_place_of_none_is_not_made(send: Installation) -> None:
    body = {**TIMELINE, "replacedStreamId": "00000000-0000-4000-8000-000000000000"}

    response = await send.ask("POST", ROOT, by="comune-a", json=body)

    assert response.status == 404
    assert (await response.json())["errors"][0]["code"] == "PN_WEBHOOK_NOT_FOUND"


async def test_a_deleted_stream_is_gone_with_its_events(send: Installation) -> None:
    stream = await send.made(TIMELINE)
    await send.publish(*STORY)

    deleted = await send.ask("DELETE", f"{ROOT}/{stream}", by="comune-a")
    after = await send.ask("GET", f"{ROOT}/{stream}", by="comune-a")
    await send.remove()

    assert (deleted.status, after.status) == (204, 404)
    assert await send.rows(stream) == []


async def test_a_stream_of_another_version_is_forbidden(send: Installation) -> None:
    stream = await send.made(TIMELINE)
    await send.pool.execute("UPDATE streams.streams SET version = 'v27'")

    response = await send.ask("GET", f"{ROOT}/{stream}/events", by="comune-a")

    assert response.status == 403
    assert (await response.json())["errors"] == [
        {"code": "PN_WEBHOOK_FORBIDDEN", "detail": "api version mismatch"}
    ]
