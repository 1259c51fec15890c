"""Uploads that are not what their slot says, from clients that are not honest, to a directory."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.key_ring import Key
from runtime.service_configuration import ObjectStore
from tests.integration.upload_site import (
    Site,
    Slot,
    code_of,
    digest,
    head,
    read_answer,
    upload_site,
)

PDF = b"%PDF-1.7\n" + secrets.token_bytes(50_000)
SIZE_MAX = 100_000


@pytest.fixture
def settings(tmp_path: Path) -> ObjectStore:
    return ObjectStore(url=(tmp_path / "store").as_uri())


@pytest.fixture
async def site(settings: ObjectStore) -> AsyncIterator[Site]:
    async with upload_site(settings, upload_bytes_max=SIZE_MAX) as running:
        yield running


@pytest.fixture
async def impatient_site(settings: ObjectStore) -> AsyncIterator[Site]:
    async with upload_site(settings, upload_idle_seconds=0.3) as running:
        yield running


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x-amz-meta-secret": "[guess]"}, 403, "SignatureDoesNotMatch"),
        ({"x-amz-meta-secret": ""}, 403, "SignatureDoesNotMatch"),
        ({"content-type": "application/json"}, 403, "SignatureDoesNotMatch"),
        ({"content-encoding": "gzip"}, 400, "InvalidRequest"),
        ({"x-amz-checksum-sha256": digest(b"other")}, 400, "BadDigest"),
        ({"x-amz-checksum-sha256": "no base64!"}, 400, "InvalidRequest"),
        ({"content-encoding": "aws-chunked"}, 400, "IncompleteBody"),
    ],
)
async def test_wrong_head_is_refused(
    site: Site, headers: dict[str, str], status: int, code: str
) -> None:
    slot = await site.slot(PDF)

    found, _, text = await site.put(slot, headers=headers)

    assert (found, code_of(text)) == (status, code)
    assert await site.stored() == []


@pytest.mark.parametrize(
    "segment",
    [
        "",
        ".",
        "..",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "AQAB",
        "A" * 600,
        "\u00e9".encode().hex(),
        "AQ==",
    ],
)
async def test_what_is_no_slot_is_denied(site: Site, segment: str) -> None:
    slot = replace(await site.slot(PDF), path=f"/attachments/{segment}")

    answer = await site.exchange(head(slot, f"content-length: {len(PDF)}"), PDF)

    assert answer.startswith(b"HTTP/1.1 403")
    assert code_of(answer) == "AccessDenied"
    assert await site.stored() == []


@pytest.mark.parametrize("at", [0, 10, 80, -1])
async def test_slot_with_one_changed_character_is_denied(site: Site, at: int) -> None:
    slot = await site.slot(PDF)
    token = list(slot.path.removeprefix("/attachments/"))
    token[at] = "A" if token[at] != "A" else "B"

    status, _, text = await site.put(replace(slot, path=f"/attachments/{''.join(token)}"))

    assert (status, code_of(text)) == (403, "AccessDenied")


async def test_slot_expires(site: Site) -> None:
    slot = await site.slot(PDF)

    site.clock.advance(minutes=59)
    in_time, _, _ = await site.put(slot)
    site.clock.advance(minutes=1)
    status, _, text = await site.put(slot)

    assert in_time == 200
    assert (status, code_of(text)) == (403, "AccessDenied")
    assert "expired" in text


async def test_slot_of_an_old_key_is_taken_while_the_key_is_valid(settings: ObjectStore) -> None:
    old, new = Key("old", secrets.token_bytes(32)), Key("new", secrets.token_bytes(32))
    async with upload_site(settings, [old]) as site:
        slot = await site.slot(PDF)

    async with upload_site(settings, [new, old]) as site:
        both, _, _ = await site.put(slot)
    async with upload_site(settings, [new]) as site:
        gone, _, _ = await site.put(slot)

    assert (both, gone) == (200, 403)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ((f"content-length: {SIZE_MAX + 1}",), 400, "EntityTooLarge"),
        ((), 411, "MissingContentLength"),
        (("transfer-encoding: gzip, chunked",), 400, "InvalidRequest"),
        (
            (
                "content-length: 9",
                "content-encoding: aws-chunked",
                f"x-amz-decoded-content-length: {SIZE_MAX + 1}",
            ),
            400,
            "EntityTooLarge",
        ),
        (
            (
                "content-length: 9",
                "content-encoding: aws-chunked",
                "x-amz-decoded-content-length: -1",
            ),
            400,
            "InvalidRequest",
        ),
    ],
)
async def test_length_is_refused_before_the_body_comes(
    site: Site, fields: tuple[str, ...], status: int, code: str
) -> None:
    slot = await site.slot(PDF)

    answer = await site.exchange(head(slot, *fields, "expect: 100-continue"))

    assert answer.startswith(f"HTTP/1.1 {status}".encode())
    assert code_of(answer) == code


async def test_client_that_asks_first_is_told_to_go_on(site: Site) -> None:
    slot = await site.slot(PDF)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(head(slot, f"content-length: {len(PDF)}", "expect: 100-continue"))

    interim = await reader.readuntil(b"\r\n\r\n")
    writer.write(PDF)
    answer = await read_answer(reader)
    writer.close()

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200")


async def test_body_that_says_no_length_is_bounded(site: Site) -> None:
    slot = await site.slot(bytes(SIZE_MAX + 1))
    chunk = b"%x\r\n%s\r\n" % (10_000, bytes(10_000))

    answer = await site.exchange(
        head(slot, "transfer-encoding: chunked"), chunk * 11 + b"0\r\n\r\n"
    )

    assert code_of(answer) == "EntityTooLarge"
    assert await site.stored() == []


async def test_silent_body_is_cut_off(impatient_site: Site) -> None:
    slot = await impatient_site.slot(PDF)

    reader, writer = await asyncio.open_connection("127.0.0.1", impatient_site.port)
    writer.write(head(slot, f"content-length: {len(PDF)}") + PDF[:100])
    answer = await read_answer(reader)
    writer.close()

    assert code_of(answer) == "RequestTimeout"
    assert await impatient_site.stored() == []


async def test_body_that_drips_is_cut_off(impatient_site: Site) -> None:
    """Never idle for long, and never done: a slow loris."""
    slot = await impatient_site.slot(PDF)
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient_site.port)
    writer.write(head(slot, f"content-length: {len(PDF)}"))

    async def drip() -> None:
        while True:
            writer.write(b"%")
            await writer.drain()
            await asyncio.sleep(0.05)

    dripping = asyncio.ensure_future(drip())
    answer = await read_answer(reader)
    dripping.cancel()
    await asyncio.gather(dripping, return_exceptions=True)
    writer.close()

    assert code_of(answer) == "RequestTimeout"


async def test_short_body_is_incomplete(site: Site) -> None:
    slot = await site.slot(PDF)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(head(slot, f"content-length: {len(PDF)}") + PDF[:-1])
    writer.write_eof()

    await read_answer(reader)
    writer.close()

    assert await site.stored() == []
    assert outcomes(site)["Stored"] == 0


async def test_huge_head_is_no_request(site: Site) -> None:
    slot = await site.slot(PDF)

    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    fields = [f"x-{number}: {'a' * 9_000}" for number in range(60)]
    writer.write(head(slot, *fields)[:-4])
    answer = await read_answer(reader)
    writer.close()

    assert b"200" not in answer[:20]
    assert await site.stored() == []


async def test_one_upload_too_many_is_told_to_come_later(settings: ObjectStore) -> None:
    async with upload_site(settings, uploads_max=1) as site:
        slot = await site.slot(PDF)
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head(slot, f"content-length: {len(PDF)}") + PDF[:100])
        await writer.drain()
        await site.until_under_way(1)

        status, headers, text = await site.put(slot)
        writer.transport.abort()

    assert (status, code_of(text)) == (503, "SlowDown")
    assert headers["Retry-After"] == "5"


async def test_outcomes_are_counted(site: Site) -> None:
    slot: Slot = await site.slot(PDF)

    await site.put(slot)
    await site.put(slot, b"other")

    assert outcomes(site) == {"Stored": 1, "BadDigest": 1}


def outcomes(site: Site) -> dict[str, float]:
    found = {"Stored": 0.0}
    for family in site.metrics.registry.collect():
        if family.name == "esito_intake_uploads":
            for one in family.samples:
                if one.name.endswith("_total") and one.value:
                    found[one.labels["outcome"]] = one.value
    return found
