"""Uploads as a public body sends them, to a directory and to a real S3 server."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.object_store import ObjectStore as Store
from runtime.service_configuration import ObjectStore
from runtime.slots import open_version
from tests.integration.upload_site import BODY, ENDPOINT, Site, code_of, digest, head, upload_site
from tests.s3 import S3

CHECKSUM = "x-amz-checksum-sha256"
PDF = b"%PDF-1.7\n" + secrets.token_bytes(300_000)
# More than two parts of a multipart upload.
LARGE = b"%PDF-1.7\n" + secrets.token_bytes(1_000_000) * 13


@pytest.fixture(params=["directory", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "directory":
        return ObjectStore(url=(tmp_path / "store").as_uri())
    s3: S3 = request.getfixturevalue("s3")
    return s3.settings(secrets.token_hex(4))


@pytest.fixture
async def site(settings: ObjectStore) -> AsyncIterator[Site]:
    async with upload_site(settings) as running:
        yield running


async def content_of(store: Store, path: str) -> bytes:
    opened = await store.open(path)
    assert opened is not None
    return b"".join([block async for block in opened.blocks])


@pytest.mark.parametrize("content", [PDF, LARGE, b""], ids=["small", "large", "empty"])
async def test_upload_is_stored_and_its_version_says_what_it_is(site: Site, content: bytes) -> None:
    slot = await site.slot(content)

    status, headers, _ = await site.put(slot, headers={CHECKSUM: digest(content)})

    version = open_version(
        headers["x-amz-version-id"],
        site.ring,
        endpoint=ENDPOINT,
        body=BODY,
        key=slot.key,
        at=site.clock(),
    )
    assert status == 200
    assert version is not None
    assert (version.sha256, version.bytes_total) == (digest(content), len(content))
    assert version.path.startswith(f"{ENDPOINT}/{BODY}/")
    assert await site.stored() == [version.path]
    assert await content_of(site.store, version.path) == content


@pytest.mark.parametrize("size", [10, 300_000, 13_000_000])
async def test_another_file_leaves_nothing(site: Site, size: int, settings: ObjectStore) -> None:
    slot = await site.slot(PDF)

    status, _, text = await site.put(slot, secrets.token_bytes(size))

    assert (status, code_of(text)) == (400, "BadDigest")
    assert await site.stored() == []
    assert left_behind(settings) == []


async def test_aborted_upload_leaves_nothing(site: Site, settings: ObjectStore, s3: S3) -> None:
    slot = await site.slot(LARGE)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(head(slot, f"content-length: {len(LARGE)}") + LARGE[:8_000_000])
    await writer.drain()
    await site.until_under_way(1)

    writer.transport.abort()
    await site.until_under_way(0)

    assert await reader.read(1) == b""
    assert await site.stored() == []
    assert left_behind(settings) == []
    assert s3.unfinished_uploads(settings.url.rpartition("/")[2]) == []


async def test_the_same_file_again_replaces_itself(site: Site) -> None:
    slot = await site.slot(PDF)
    _, first, _ = await site.put(slot)
    site.clock.advance(minutes=5)

    status, second, _ = await site.put(slot)

    assert status == 200
    assert first["x-amz-version-id"] != second["x-amz-version-id"]
    assert len(await site.stored()) == 1
    for headers in (first, second):
        token = headers["x-amz-version-id"]
        names = {"endpoint": ENDPOINT, "body": BODY, "key": slot.key}
        version = open_version(token, site.ring, at=site.clock(), **names)
        assert version is not None
        assert await content_of(site.store, version.path) == PDF


async def test_another_file_does_not_replace_the_stored_one(site: Site) -> None:
    slot = await site.slot(PDF)
    await site.put(slot)

    status, _, _ = await site.put(slot, b"another")

    (path,) = await site.stored()
    assert status == 400
    assert await content_of(site.store, path) == PDF


async def test_two_uploads_at_once_to_one_slot_are_both_whole(site: Site) -> None:
    slot = await site.slot(LARGE)

    answers = await asyncio.gather(*(site.put(slot) for _ in range(3)))

    (path,) = await site.stored()
    assert [status for status, _, _ in answers] == [200, 200, 200]
    assert await content_of(site.store, path) == LARGE


async def test_files_of_two_bodies_lie_apart(site: Site) -> None:
    mine, theirs = await site.slot(PDF), await site.slot(PDF, body="comune-y")
    await site.put(mine)
    await site.put(theirs)

    bodies = await site.store.directories(ENDPOINT)

    assert bodies == [BODY, "comune-y"]


def left_behind(settings: ObjectStore) -> list[str]:
    """Return what a directory keeps of uploads that are over."""
    if not settings.url.startswith("file:"):
        return []
    staging = Path(settings.url.removeprefix("file://")) / ".staging"
    return [one.name for one in staging.glob("*")]


async def test_a_body_that_takes_all_its_uploads_leaves_the_others_theirs(tmp_path: Path) -> None:
    settings = ObjectStore(url=(tmp_path / "store").as_uri())
    async with upload_site(settings, uploads_max=3, body_uploads_max=1) as site:
        slot, other = await site.slot(PDF), await site.slot(PDF, body="comune-y")
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head(slot, f"content-length: {len(PDF)}") + PDF[:100])
        await writer.drain()
        await site.until_under_way(1)

        refused, _, text = await site.put(slot)
        stored, _, _ = await site.put(other)
        writer.transport.abort()
        await site.until_under_way(0)
        again, _, _ = await site.put(slot)

    assert (refused, code_of(text)) == (503, "SlowDown")
    assert (stored, again) == (200, 200)
