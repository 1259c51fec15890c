"""The janitor, on real stores and a real PostgreSQL, at moments that the tests choose."""

import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import Unavailable
from intake.janitor import Janitor, Pruned
from intake.named_files import NamedFile, note_files
from intake.store import MIGRATIONS
from runtime.configuration import Configuration
from runtime.database import Pool, connect, migrate
from runtime.endpoint_keys import KeyFile
from runtime.notification_configuration import Attachments
from runtime.object_store import ObjectStore as Store
from runtime.service_configuration import Database, ObjectStore
from runtime.slots import object_path
from tests.s3 import S3

NOW = datetime.now(UTC)
STREAMS = Path(__file__).parents[2] / "streams" / "migrations"
SECTION = Attachments(slot_keys=(KeyFile(id="a", file=Path("unused")),))
# Beyond unused_days and the grace, with room for the days that files lie under.
LATER = NOW + timedelta(days=9)


@dataclass(slots=True)
class House:
    """A store and a database, and ways to put things into both."""

    store: Store
    pool: Pool
    janitor: Janitor

    async def file(self, body: str = "comune-x", *, endpoint: str = "send") -> tuple[str, str]:
        """Store a file; return its body and key."""
        key = f"PN_NOTIFICATION_ATTACHMENTS-{secrets.token_hex(16)}.pdf"
        async with self.store.staged(object_path(endpoint, body, NOW, key)) as staged:
            await staged.write(b"%PDF-")
            await staged.publish()
        return body, key

    async def request(
        self,
        file: tuple[str, str],
        native_status: str | None,
        *,
        at: datetime = NOW,
        updated_at: datetime = NOW,
    ) -> None:
        """Note a request that names a file; None: it has no status yet."""
        body, key = file
        identifier = secrets.token_hex(18)
        async with self.pool.acquire() as connection:
            await note_files(connection, [NamedFile("send", body, key, identifier, at)])
            if native_status is not None:
                await connection.execute(
                    """INSERT INTO streams.transactions (endpoint, transaction_id, source, "offset",
                    native_status, status, final, sequence, updated_at, event)
                    VALUES ('send', $1, 1, 1, $2, 'accepted', false, 1, $3, '{}')""",
                    identifier,
                    native_status,
                    updated_at,
                )

    async def keys(self) -> set[str]:
        pages = [page async for page in self.store.pages("send")]
        return {one.path.rpartition("/")[2] for page in pages for one in page}

    async def prune(self, at: datetime = LATER, *, dry_run: bool = False) -> Pruned:
        (line,) = await self.janitor.prune(at=at, dry_run=dry_run)
        return line

    async def rows(self) -> int:
        return int(await self.pool.fetchval("SELECT count(*) FROM intake.named_files"))


@pytest.fixture(params=["directory", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "directory":
        return ObjectStore(url=(tmp_path / "store").as_uri())
    s3: S3 = request.getfixturevalue("s3")
    return s3.settings(secrets.token_hex(4))


@pytest.fixture
async def house(settings: ObjectStore, database: Database) -> AsyncIterator[House]:
    pool = await prepared(database)
    store = Store(settings)
    try:
        yield House(store, pool, Janitor(store, pool.acquire, {"send": SECTION}))
    finally:
        pool.terminate()


async def prepared(database: Database) -> Pool:
    """Return a database as the intake and the streams make it, since before any file."""
    endpoint = {"name": "pivot-id", "provider": "pivot", "path": "/callbacks/pivot"}
    pool = await connect(
        Configuration.model_validate({"database": database, "endpoints": [endpoint]})
    )
    await migrate(pool, "streams", STREAMS)
    await migrate(pool, "intake", MIGRATIONS)
    await pool.execute("UPDATE intake.migrations SET applied_at = $1", NOW - timedelta(days=1))
    return pool


async def test_files_that_nobody_needs_are_removed_and_no_other(house: House) -> None:
    unused, refused = await house.file(), await house.file()
    await house.request(refused, "REFUSED")
    waiting, validated, accepted, both = [await house.file() for _ in range(4)]
    await house.request(waiting, None)
    await house.request(validated, "IN_VALIDATION")
    await house.request(accepted, "ACCEPTED")
    await house.request(both, "REFUSED")
    await house.request(both, "VIEWED")
    other_body = await house.file("comune-y")
    await house.request(other_body, "DELIVERED")

    line = await house.prune()

    assert await house.keys() == {
        key for _, key in (waiting, validated, accepted, both, other_body)
    }
    assert line == Pruned("send", looked_at=7, removed=2, removed_bytes=10, waiting=2, retained=3)
    assert unused[1] not in await house.keys()


async def test_a_request_of_another_body_keeps_nobodys_file(house: House) -> None:
    _, key = await house.file("comune-x")
    await house.request(("comune-y", key), "ACCEPTED")

    await house.prune()

    assert await house.keys() == set()


async def test_a_dry_run_counts_the_same_and_removes_nothing(house: House) -> None:
    unused = await house.file()

    dry = await house.prune(dry_run=True)
    kept = await house.keys()
    line = await house.prune()

    assert kept == {unused[1]}
    assert (dry.removed, line.removed) == (1, 1)


async def test_files_are_retained_from_the_last_status_on(house: House) -> None:
    """`retained_days` after the acceptance at the earliest: the last status is never before it."""
    file = await house.file()
    viewed_at = NOW + timedelta(days=30)
    await house.request(file, "VIEWED", updated_at=viewed_at)

    before = await house.prune(viewed_at + timedelta(days=119))
    rows = await house.rows()
    after = await house.prune(viewed_at + timedelta(days=121))

    assert (before.retained, rows) == (1, 1)
    assert after.removed == 1
    assert await house.keys() == set()


async def test_rows_go_after_their_files(house: House) -> None:
    refused, accepted = await house.file(), await house.file()
    await house.request(refused, "REFUSED")
    await house.request(accepted, "ACCEPTED")

    await house.prune(NOW + timedelta(days=10))
    left = await house.rows()
    await house.prune(NOW + timedelta(days=123))

    assert left == 1
    assert await house.rows() == 0


async def test_a_request_of_the_last_second_keeps_its_file_however_late_it_is_judged(
    house: House,
) -> None:
    """At day seven the file is nobody's, yet within the grace; the request's row comes first."""
    file = await house.file()
    last_second = NOW + timedelta(days=7, seconds=-1)

    at_day_seven = await house.prune(NOW + timedelta(days=7, hours=23))
    await house.request(file, None, at=last_second)
    a_month_later = await house.prune(NOW + timedelta(days=40))

    assert at_day_seven.looked_at == 0
    assert a_month_later.waiting == 1
    assert await house.keys() == {file[1]}


async def test_a_database_made_anew_takes_no_file_with_it(house: House) -> None:
    file = await house.file()
    await house.pool.execute("UPDATE intake.migrations SET applied_at = $1", LATER)

    line = await house.prune()

    assert (line.unremembered, line.removed) == (1, 0)
    assert await house.keys() == {file[1]}


async def test_other_endpoints_and_foreign_files_are_left_alone(house: House) -> None:
    await house.file(endpoint="other")
    for path in ("send/comune-x/notes/README", "send/comune-x/20260101x/README"):
        async with house.store.staged(path) as staged:
            await staged.write(b"not ours")
            await staged.publish()

    line = await house.prune()

    assert line.looked_at == 0
    assert await house.store.directories() == ["other", "send"]


async def test_a_database_without_the_streams_is_told_and_takes_no_file(
    tmp_path: Path, database: Database
) -> None:
    endpoint = {"name": "pivot-id", "provider": "pivot", "path": "/callbacks/pivot"}
    pool = await connect(
        Configuration.model_validate({"database": database, "endpoints": [endpoint]})
    )
    store = Store(ObjectStore(url=(tmp_path / "store").as_uri()))
    house = House(store, pool, Janitor(store, pool.acquire, {"send": SECTION}))
    file = await house.file()

    with pytest.raises(Unavailable, match="start both once"):
        await house.prune()

    pool.terminate()
    assert await house.keys() == {file[1]}


async def test_half_written_files_go_after_a_day(tmp_path: Path, database: Database) -> None:
    pool = await prepared(database)
    store = Store(ObjectStore(url=(tmp_path / "store").as_uri()))
    with suppress(InterruptedError):
        async with store.staged("send/comune-x/20260101/half") as staged:
            await staged.write(b"%PDF-")
            staged.discard = _nothing  # type: ignore[method-assign] # as a killed process does
            raise InterruptedError

    janitor = Janitor(store, pool.acquire, {"send": SECTION})
    (early,) = await janitor.prune(at=datetime.now(UTC) + timedelta(hours=23))
    (late,) = await janitor.prune(at=datetime.now(UTC) + timedelta(hours=25))

    pool.terminate()
    assert (early.half_written, late.half_written) == (0, 1)


async def _nothing() -> None:
    pass
