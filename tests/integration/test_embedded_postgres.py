"""The embedded PostgreSQL: lasting, alone in its directory, gone with whoever started it."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from ops.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError

PROGRAM = """
import asyncio, sys
from pathlib import Path
from ops.embedded.postgres import EmbeddedPostgres
async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]))
    await server.start()
    print(server.url, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "db").running() as postgres:
        await ask(postgres.url, "CREATE TABLE t AS SELECT 7 AS n")
        with pytest.raises(EmbeddedPostgresError, match="in use by another"):
            await EmbeddedPostgres(tmp_path / "db").start()

    async with EmbeddedPostgres(tmp_path / "db").running() as postgres:
        assert await ask(postgres.url, "SELECT n FROM t") == 7
        assert await ask(postgres.url, "SHOW fsync") == "on"


async def test_only_this_user_can_connect(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "db").running() as postgres:
        assert await ask(postgres.url, "SHOW listen_addresses") == ""
        assert (tmp_path / "db").stat().st_mode & 0o077 == 0


async def test_its_log_tells_what_was_refused_and_quotes_nothing_of_it(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "db").running() as postgres:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute("CREATE TABLE t (name text PRIMARY KEY CHECK (name <> 'nobody'))")
        for name in ("somebody", "somebody", "nobody"):
            with suppress(asyncpg.IntegrityConstraintViolationError):
                await connection.execute("INSERT INTO t VALUES ($1)", name)
        await connection.close()

    log = (tmp_path / "db" / "postgres.log").read_text()

    assert log.count("ERROR:") == 2
    assert "somebody" not in log
    assert "nobody" not in log


async def test_it_goes_with_a_process_that_is_killed(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(tmp_path / "db")),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    await process.stdout.readline()
    (server,) = (one for one in psutil.Process(process.pid).children() if one.name() == "postgres")

    process.kill()
    await process.wait()

    assert await asyncio.to_thread(psutil.wait_procs, [server], 60) == ([server], [])
    async with EmbeddedPostgres(tmp_path / "db").running() as postgres:
        assert await ask(postgres.url, "SELECT 1") == 1
