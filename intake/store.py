"""Keep the connection to the database: made when it can be, watched, never waited for by a caller.

Requests and the streams' view must be in one database: an answer joins the two.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from contracts.errors import Unavailable
from runtime.configuration import Configuration
from runtime.database import Connection, Pool, connect, migrate, translated_errors
from runtime.log_events import LogEvent
from runtime.telemetry import Logger

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_SCHEMA: Final = "intake"
_VIEW: Final = "streams.current_transactions"
_RETRY_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 2.0


class Store:
    """The pool of connections, and whether the database answers in time."""

    def __init__(self, configuration: Configuration, log: Logger) -> None:
        """Connect to nothing yet."""
        self._configuration = configuration
        self._answer_seconds = configuration.intake.confirm_seconds
        self._log = log
        self._pool: Pool | None = None
        self._answers = False
        self._said = False

    @property
    def ready(self) -> bool:
        """Tell whether the database answered when last asked."""
        return self._answers

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection for the block.

        Raises:
            Unavailable: the database does not answer, or all connections are busy for too long.
        """
        pool = self._pool
        if pool is None:
            raise Unavailable("the database has not answered yet")
        with translated_errors():
            async with pool.acquire(timeout=self._answer_seconds) as connection:
                yield connection

    async def run(self) -> None:
        """Connect, bring the schema up to date, and ask again and again; until cancelled.

        Raises:
            Broken: a person must change the configuration or the rights.
        """
        try:
            while True:
                try:
                    await self._ask()
                except (Unavailable, TimeoutError):
                    self._stalled()
                else:
                    self._recovered()
                await asyncio.sleep(_RETRY_SECONDS)
        finally:
            await self._close()

    async def _ask(self) -> None:
        if self._pool is None:
            self._pool = await self._connected()
        async with asyncio.timeout(self._answer_seconds), self.connection() as connection:
            if await connection.fetchval("SELECT to_regclass($1)", _VIEW) is None:
                raise Unavailable("the streams have not made their view yet")

    async def _connected(self) -> Pool:
        pool = await connect(self._configuration, application="esito-intake")
        try:
            await migrate(pool, _SCHEMA, MIGRATIONS)
        except BaseException:
            pool.terminate()
            raise
        return pool

    def _stalled(self) -> None:
        self._answers = False
        if not self._said:
            self._said = True
            self._log.error(LogEvent.DATABASE_STALLED)

    def _recovered(self) -> None:
        self._answers = True
        if self._said:
            self._said = False
            self._log.info(LogEvent.DATABASE_RECOVERED)

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await pool.close()
            pool.terminate()
