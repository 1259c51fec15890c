"""Uploads in aws-chunked that are more wrapping than file: bounded in bytes and in time."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.service_configuration import ObjectStore
from tests.integration.upload_site import Site, code_of, head, read_answer, upload_site

SIZE_MAX = 100_000
WRAPPED_MAX = 2 * SIZE_MAX + 65_536
FILE = secrets.token_bytes(SIZE_MAX)
ENCODED = "content-encoding: aws-chunked"
DECODED = f"x-amz-decoded-content-length: {SIZE_MAX}"


@pytest.fixture
def settings(tmp_path: Path) -> ObjectStore:
    return ObjectStore(url=(tmp_path / "store").as_uri())


@pytest.fixture
async def site(settings: ObjectStore) -> AsyncIterator[Site]:
    async with upload_site(settings, upload_bytes_max=SIZE_MAX) as running:
        yield running


def wrapped(content: bytes, *, extension: int = 0) -> bytes:
    """Return one chunk of aws-chunked with an extension of so many bytes."""
    return b"%x;%s\r\n%s\r\n" % (len(content), b"e" * extension, content)


async def test_length_of_the_wrapping_is_refused_before_it_comes(site: Site) -> None:
    slot = await site.slot(FILE)

    answer = await site.exchange(
        head(slot, ENCODED, DECODED, f"content-length: {WRAPPED_MAX + 1}", "expect: 100-continue")
    )

    assert code_of(answer) == "EntityTooLarge"


async def test_wrapping_of_no_length_is_refused_when_it_is_larger_than_any_file(site: Site) -> None:
    slot = await site.slot(FILE)
    body = wrapped(FILE[:1], extension=500) * (WRAPPED_MAX // 500 + 1)

    answer = await site.exchange(
        head(slot, ENCODED, DECODED, "transfer-encoding: chunked"),
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
    )

    assert code_of(answer) == "EntityTooLarge"
    assert await site.stored() == []


async def test_file_in_the_small_chunks_of_a_client_is_taken(site: Site) -> None:
    slot = await site.slot(FILE)
    pieces = (FILE[at : at + 1_024] for at in range(0, len(FILE), 1_024))
    body = b"".join(wrapped(one, extension=85) for one in pieces) + b"0\r\n\r\n"

    answer = await site.exchange(head(slot, ENCODED, DECODED, f"content-length: {len(body)}"), body)

    assert answer.startswith(b"HTTP/1.1 200")


async def test_speed_is_that_of_the_file_and_not_of_its_wrapping(settings: ObjectStore) -> None:
    async with upload_site(settings, upload_idle_seconds=0.3) as site:
        slot = await site.slot(FILE)
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head(slot, ENCODED, DECODED, "content-length: 100000000"))

        async def drip() -> None:
            while True:
                writer.write(wrapped(b"f", extension=500))
                await writer.drain()
                await asyncio.sleep(0.005)

        dripping = asyncio.ensure_future(drip())
        async with asyncio.timeout(10):
            answer = await read_answer(reader)
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        writer.close()

    assert code_of(answer) == "RequestTimeout"
