"""The object store: the same promises from a directory and from a real S3 server."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from contracts.errors import Broken, Unavailable
from runtime.object_store import ObjectStore
from runtime.service_configuration import ObjectStore as Settings
from tests.s3 import S3

BLOCK = secrets.token_bytes(1_000_000)


@pytest.fixture(params=["directory", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "directory":
        return Settings(url=(tmp_path / "a place").as_uri())
    s3: S3 = request.getfixturevalue("s3")
    return s3.settings(secrets.token_hex(4))


@pytest.fixture
def store(settings: Settings) -> ObjectStore:
    return ObjectStore(settings)


async def put(store: ObjectStore, path: str, *blocks: bytes) -> None:
    async with store.staged(path) as staged:
        for block in blocks:
            await staged.write(block)
        await staged.publish()


async def content_of(store: ObjectStore, path: str) -> bytes | None:
    opened = await store.open(path, block_bytes=100_000)
    if opened is None:
        return None
    return b"".join([block async for block in opened.blocks])


@pytest.mark.parametrize("blocks", [(), (b"a", b"b"), (BLOCK,) * 12])
async def test_file_is_read_as_it_was_written(store: ObjectStore, blocks: tuple[bytes]) -> None:
    await put(store, "a/b/c.pdf", *blocks)

    found = await store.find("a/b/c.pdf")

    assert found is not None
    assert (found.path, found.bytes_total) == ("a/b/c.pdf", sum(map(len, blocks)))
    assert await content_of(store, "a/b/c.pdf") == b"".join(blocks)


async def test_what_is_not_there_is_none(store: ObjectStore) -> None:
    await store.check()

    assert await store.find("a/b") is None
    assert await content_of(store, "a/b") is None
    assert await store.directories("a") == []
    await store.delete(["a/b", "c"])


@pytest.mark.parametrize("blocks", [1, 12])
async def test_file_is_seen_only_when_published(store: ObjectStore, blocks: int) -> None:
    async with store.staged("a/b") as staged:
        for _ in range(blocks):
            await staged.write(BLOCK)
        before = await store.find("a/b")
        await staged.publish()

    assert before is None
    assert await store.find("a/b") is not None


async def test_files_are_listed_page_by_page(store: ObjectStore) -> None:
    for number in range(5):
        await put(store, f"a/x/{number}", b"%d" % number)
    await put(store, "ab/x/5", b"5")

    pages = [page async for page in store.pages("a", page_objects=2)]

    assert sorted(one.path for page in pages for one in page) == [f"a/x/{n}" for n in range(5)]
    assert max(len(page) for page in pages) <= 2
    assert await store.directories() == ["a", "ab"]
    assert await store.directories("a") == ["x"]


async def test_cancelled_writer_leaves_nothing(
    store: ObjectStore, settings: Settings, s3: S3
) -> None:
    """Whatever it was doing: its thread or its upload ends before the block does."""
    begun = asyncio.Event()

    async def write() -> None:
        async with store.staged("a/b") as staged:
            while True:
                await staged.write(BLOCK)
                if staged.bytes_total > 7 * len(BLOCK):
                    begun.set()

    writing = asyncio.ensure_future(write())
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert await store.find("a/b") is None
    assert s3.unfinished_uploads(settings.url.rpartition("/")[2]) == []
    assert staged_files(settings) == []


def staged_files(settings: Settings) -> list[str]:
    place = Path(settings.url.removeprefix("file://").replace("%20", " "))
    return [one.name for one in place.glob(".staging/*")]


@pytest.mark.parametrize(
    "use",
    [
        lambda store: put(store, "a", b"small"),
        lambda store: put(store, "a", *(BLOCK,) * 12),
        lambda store: store.find("a"),
        lambda store: store.open("a"),
        lambda store: store.delete(["a"]),
        lambda store: store.directories(),
    ],
)
async def test_server_that_is_away_is_unavailable(
    use: Callable[[ObjectStore], Awaitable[object]], s3: S3
) -> None:
    away = s3.settings("x").model_copy(
        update={"options": {**s3.settings("x").options, "endpoint": "http://127.0.0.1:1"}}
    )

    with pytest.raises(Unavailable, match="s3://"):
        await use(ObjectStore(away))


async def test_absent_bucket_is_broken_and_named(s3: S3) -> None:
    nowhere = s3.settings("x").model_copy(update={"url": "s3://nowhere/x"})

    with pytest.raises(Broken, match="s3://nowhere/x"):
        await put(ObjectStore(nowhere), "a", b"b")


async def test_directory_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable, match="object store at file://"):
        ObjectStore(Settings(url=(tmp_path / "file" / "store").as_uri()))


def test_unknown_option_is_broken() -> None:
    with pytest.raises(Broken, match=r"object_store\.options"):
        ObjectStore(Settings(url="s3://bucket/x", options={"no_such_option": "1"}))


def test_absent_secret_file_is_named(tmp_path: Path) -> None:
    files = {"secret_access_key": tmp_path / "absent"}

    with pytest.raises(Broken, match=r"object_store\.secret_files\.secret_access_key"):
        ObjectStore(Settings(url="s3://bucket/x", secret_files=files))
