"""A request's files are known to the janitor from the transaction that stores the request."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from contracts.send.request_rules import check_request
from intake.named_files import keys_named
from intake.reservations import Reservation, keys_of, reserve
from runtime.database import Pool
from runtime.service_configuration import Database
from tests.integration.test_intake_janitor import prepared
from tests.send.requests import (
    COMUNE,
    RECEIVED,
    RULES,
    attachment,
    metadata,
    pago_pa,
    recipient,
    request,
)


def named(file: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a file of a request under another name."""
    return {**file, "ref": {"key": key, "versionToken": "v"}}


F24 = {
    "f24": {
        "title": "F24",
        "applyCost": False,
        "metadataAttachment": named(metadata(), f"PN_F24_META-{'1' * 32}.json"),
    }
}
GIVEN = request(
    documents=[
        attachment("1" * 32),
        named(attachment(), f"safestorage://PN_NOTIFICATION_ATTACHMENTS-{'2' * 32}.pdf"),
        # No slot has such a name, so no file has: a sender may write there whatever it likes.
        attachment("Lorenza.Verdi"),
    ],
    recipients=[
        recipient(
            payments=[pago_pa(attachment=attachment("3" * 32)), F24],
        )
    ],
)


def reservation() -> Reservation:
    parsed = check_request(GIVEN, RULES, COMUNE)
    return Reservation(
        id="a",
        endpoint="send",
        body=COMUNE.id,
        group=None,
        callback_id="c",
        received_at=RECEIVED,
        target_uri="/",
        principal="p",
        traceparent="",
        content=json.dumps(GIVEN).encode(),
        keys=keys_of("send", COMUNE.id, parsed),
        files=keys_named(parsed, COMUNE),
    )


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    made = await prepared(database)
    yield made
    await made.close()


async def test_every_file_of_a_request_is_noted_with_it_and_no_name_that_is_none_of_ours(
    pool: Pool,
) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await reserve(connection, [reservation()])
        await reserve(connection, [reservation()])  # the same again is joined, and notes nothing

    rows = await pool.fetch("SELECT endpoint, body, key, request_id FROM intake.named_files")

    assert sorted(tuple(row) for row in rows) == [
        ("send", "comune", f"PN_F24_META-{'1' * 32}.json", "a"),
        ("send", "comune", f"PN_NOTIFICATION_ATTACHMENTS-{'1' * 32}.pdf", "a"),
        ("send", "comune", f"PN_NOTIFICATION_ATTACHMENTS-{'2' * 32}.pdf", "a"),
        ("send", "comune", f"PN_NOTIFICATION_ATTACHMENTS-{'3' * 32}.pdf", "a"),
    ]


async def test_a_request_that_is_not_stored_notes_nothing(pool: Pool) -> None:
    with suppress(InterruptedError):
        async with pool.acquire() as connection, connection.transaction():
            await reserve(connection, [reservation()])
            raise InterruptedError

    assert await pool.fetchval("SELECT count(*) FROM intake.named_files") == 0
