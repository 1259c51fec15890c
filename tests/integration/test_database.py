"""Connecting and migrating, on a real PostgreSQL."""

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import pytest

from contracts.errors import Broken, Unavailable
from runtime.configuration import Configuration
from runtime.database import Pool, connect, migrate
from runtime.service_configuration import Database

FIRST: Final = "CREATE TABLE shop.things (id integer PRIMARY KEY);"
SECOND: Final = "ALTER TABLE shop.things ADD COLUMN name text;"


def configuration(database: Database) -> Configuration:
    endpoint = {"name": "pivot-id", "provider": "pivot", "path": "/callbacks/pivot"}
    return Configuration.model_validate({"database": database, "endpoints": [endpoint]})


def migrations(directory: Path, *texts: str) -> Path:
    for number, text in enumerate(texts, 1):
        (directory / f"{number:04}_step.sql").write_text(text)
    return directory


async def test_migrations_run_once_by_whoever_comes_first(
    database: Database, tmp_path: Path
) -> None:
    directory = migrations(tmp_path, FIRST, SECOND)
    pools: list[Pool] = [await connect(configuration(database)) for _ in range(4)]

    await asyncio.gather(*(migrate(pool, "shop", directory) for pool in pools))

    count = await pools[0].fetchval("SELECT count(*) FROM shop.migrations")
    for pool in pools:
        await pool.close()
    assert count == 2


async def test_a_new_migration_is_added_to_what_is_there(
    database: Database, tmp_path: Path
) -> None:
    pool = await connect(configuration(database))
    await migrate(pool, "shop", migrations(tmp_path, FIRST))
    await pool.execute("INSERT INTO shop.things VALUES (1)")

    await migrate(pool, "shop", migrations(tmp_path, FIRST, SECOND))

    row = await pool.fetchrow("SELECT id, name FROM shop.things")
    await pool.close()
    assert tuple(row or ()) == (1, None)


async def test_a_changed_migration_is_refused_and_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    pool = await connect(configuration(database))
    await migrate(pool, "shop", migrations(tmp_path, FIRST))

    with pytest.raises(Broken, match=r"0001_step\.sql of schema shop"):
        await migrate(pool, "shop", migrations(tmp_path, FIRST + " ", SECOND))

    count = await pool.fetchval("SELECT count(*) FROM shop.migrations")
    await pool.close()
    assert count == 1


async def test_a_gap_in_the_numbers_is_refused(database: Database, tmp_path: Path) -> None:
    (tmp_path / "0002_step.sql").write_text(SECOND)
    pool = await connect(configuration(database))

    with pytest.raises(Broken, match="named 0001_name"):
        await migrate(pool, "shop", tmp_path)

    await pool.close()


async def test_an_absent_database_is_broken_and_names_the_key(database: Database) -> None:
    nowhere = urlunsplit(urlsplit(database.url)._replace(path="/nowhere"))
    section = Database(url=nowhere, password_file=database.password_file)

    with pytest.raises(Broken, match=r"database\.url"):
        await connect(configuration(section))


async def test_an_absent_server_is_unavailable_and_names_its_address() -> None:
    section = Database(url="postgresql://esito@127.0.0.1:1/esito")

    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/esito does not answer"):
        await connect(configuration(section))


async def test_a_password_in_the_url_is_refused() -> None:
    section = Database(url="postgresql://esito:in-the-open@127.0.0.1:1/esito")

    with pytest.raises(Broken, match=r"password; move it to a file") as caught:
        await connect(configuration(section))

    assert "in-the-open" not in str(caught.value)


async def test_an_absent_password_file_is_named(tmp_path: Path) -> None:
    section = Database(
        url="postgresql://esito@127.0.0.1:1/esito", password_file=tmp_path / "password"
    )

    with pytest.raises(Broken, match=r"database\.password_file"):
        await connect(configuration(section))


async def test_a_server_that_confirms_before_writing_is_refused(database: Database) -> None:
    pool = await connect(configuration(database))
    name = await pool.fetchval("SELECT current_database()")
    await pool.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await pool.close()

    with pytest.raises(Broken, match="synchronous_commit"):
        await connect(configuration(database))
