"""Name what we use of asyncpg, which has no types of its own."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

Row = Any  # asyncpg.Record: values by name or position


class Connection(Protocol):
    """What we use of `asyncpg.Connection`."""

    def execute(self, query: str, *args: object, timeout: float | None = None) -> Awaitable[str]:
        """Run statements; return the command's tag, such as `DELETE 3`."""

    def executemany(
        self, command: str, args: Iterable[Sequence[object]], *, timeout: float | None = None
    ) -> Awaitable[None]:
        """Run one statement for each of `args`, all or none."""

    def fetch(
        self, query: str, *args: object, timeout: float | None = None
    ) -> Awaitable[list[Row]]:
        """Return all rows."""

    def fetchrow(
        self, query: str, *args: object, timeout: float | None = None
    ) -> Awaitable[Row | None]:
        """Return the first row, or None."""

    def fetchval(
        self, query: str, *args: object, column: int = 0, timeout: float | None = None
    ) -> Awaitable[Any]:
        """Return one value of the first row, or None."""

    def copy_records_to_table(
        self,
        table_name: str,
        *,
        records: Iterable[Sequence[object]],
        columns: Sequence[str],
        schema_name: str | None = None,
        timeout: float | None = None,
    ) -> Awaitable[str]:
        """Append rows by COPY."""

    def transaction(self, *, isolation: str | None = None) -> AbstractAsyncContextManager[None]:
        """Begin a transaction: committed at the end of the block, rolled back by an exception."""

    def add_listener(self, channel: str, callback: Callable[..., None]) -> Awaitable[None]:
        """Call `callback(connection, pid, channel, payload)` for each NOTIFY."""

    def add_termination_listener(self, callback: Callable[..., None]) -> None:
        """Call `callback(connection)` when the connection is gone."""


class Pool(Protocol):
    """What we use of `asyncpg.Pool`; each method borrows a connection for one statement."""

    def acquire(self, *, timeout: float | None = None) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection for the block."""

    def execute(self, query: str, *args: object, timeout: float | None = None) -> Awaitable[str]:
        """Run statements; return the command's tag."""

    def fetch(
        self, query: str, *args: object, timeout: float | None = None
    ) -> Awaitable[list[Row]]:
        """Return all rows."""

    def fetchrow(
        self, query: str, *args: object, timeout: float | None = None
    ) -> Awaitable[Row | None]:
        """Return the first row, or None."""

    def fetchval(
        self, query: str, *args: object, column: int = 0, timeout: float | None = None
    ) -> Awaitable[Any]:
        """Return one value of the first row, or None."""

    def close(self) -> Awaitable[None]:
        """Wait for borrowed connections, then close all."""

    def terminate(self) -> None:
        """Close all connections at once."""
