"""Run all processes of a configuration on this machine: ready before use, reported when one dies.

They log to a file each, hear nothing of Ctrl-C in the terminal (whoever started them stops them in
order), and cannot outlive the process that started them.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp

from contracts.errors import Broken
from ops.embedded import tether
from runtime.configuration import Configuration

READY_SECONDS_MAX: Final = 90.0
STOP_SECONDS_MAX: Final = 30.0  # above the ingress's own grace period of 25 s
_POLL_SECONDS: Final = 0.2
_PROBE_SECONDS_MAX: Final = 2.0
_TAIL_LINES: Final = 12
_DOORS: Final = frozenset({"ingress", "intake"})


@dataclass(frozen=True, slots=True)
class Program:
    """One process to run: its name in logs and tables, and what follows `python -m`."""

    name: str
    arguments: tuple[str, ...]


def programs_of(configuration: Configuration) -> tuple[Program, ...]:
    """Return every process that the configuration has work for, those that take things in first.

    Verifier and state machine of each provider; a poller where a remote stream is read; the intake
    where notifications are sent; the streams where somebody may read them.
    """
    endpoints = configuration.endpoints
    providers = sorted({endpoint.provider for endpoint in endpoints})
    polled = sorted({one.provider for one in endpoints if one.remote_stream is not None})
    sends = any(endpoint.notifications is not None for endpoint in endpoints)
    reads = sends or bool(configuration.streams.consumers)
    return (
        Program("ingress", ("ingress",)),
        *([Program("intake", ("intake",))] if sends else []),
        *(Program(f"poller-{one}", ("workers", "poller", "--provider", one)) for one in polled),
        *(
            Program(f"{role}-{provider}", ("workers", role, "--provider", provider))
            for provider in providers
            for role in ("verifier", "state-machine")
        ),
        *([Program("streams", ("streams",))] if reads else []),
    )


class Processes:
    """The processes of one configuration: `async with Processes(...) as processes: ...`.

    Use it in the main thread: on Linux the kernel ends the children with the thread that started
    them.
    """

    def __init__(
        self,
        file: Path,
        programs: Sequence[Program],
        *,
        management_ports: Sequence[int],
        logs: Path,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Describe them; `variables` are their ESITO_ settings, of which they inherit none."""
        self._file = file
        self._ports = dict(zip((one.name for one in programs), management_ports, strict=True))
        self._programs = tuple(programs)
        self._logs = logs
        self._variables = dict(variables or {})
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def __aenter__(self) -> Self:
        """Start all; return when each answers that it is ready.

        Raises:
            Broken: one ended or was not ready in time; the message has the end of its log.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            for program in self._programs:
                self._running[program.name] = await self._start(program)
            async with asyncio.timeout(READY_SECONDS_MAX), aiohttp.ClientSession() as session:
                await asyncio.gather(*(self._ready(session, name) for name in self._running))
        except TimeoutError:
            waiting = self._log_tails(self._running)
            await self.stop()
            raise Broken(f"Esito was not ready within {READY_SECONDS_MAX:g} s\n{waiting}") from None
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop all that still run."""
        await self.stop()

    @property
    def logs(self) -> Mapping[str, Path]:
        """Return the log file of each process."""
        return {program.name: self._log(program.name) for program in self._programs}

    @property
    def management_ports(self) -> Mapping[str, int]:
        """Return the port of /healthz, /readyz and /metrics of each process."""
        return self._ports

    async def died(self) -> Broken:
        """Wait until a process ends by itself; return an error with the end of its log."""
        ended = {
            asyncio.create_task(process.wait()): name for name, process in self._running.items()
        }
        try:
            done, _ = await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ended:
                task.cancel()
        return self._death({ended[task] for task in done})

    async def stop(self) -> Mapping[str, int]:
        """End all with SIGTERM, those that take things in first; return each one's exit code."""
        codes: dict[str, int] = {}
        # What these still take in is then still processed.
        doors = [name for name in self._running if name in _DOORS]
        for names in (doors, [name for name in self._running if name not in doors]):
            some = {name: self._running[name] for name in names if name in self._running}
            results = await asyncio.gather(*map(_end, some.values()))
            codes.update(zip(some, results, strict=True))
        return codes

    async def _start(self, program: Program) -> asyncio.subprocess.Process:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("ESITO_")
        }
        own = {
            "ESITO_CONFIGURATION": str(self._file),
            "ESITO_MANAGEMENT_PORT": str(self._ports[program.name]),
        }
        with self._log(program.name).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-ISs", tether.__file__, str(os.getpid())),
                *(sys.executable, "-P", "-m", *program.arguments),
                env={**inherited, **self._variables, **own},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )

    async def _ready(self, session: aiohttp.ClientSession, name: str) -> None:
        url = f"http://127.0.0.1:{self._ports[name]}/readyz"
        timeout = aiohttp.ClientTimeout(total=_PROBE_SECONDS_MAX)
        while True:
            if self._running[name].returncode is not None:
                raise self._death({name})
            try:
                async with session.get(url, timeout=timeout) as response:
                    if response.ok:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass  # it does not listen yet
            await asyncio.sleep(_POLL_SECONDS)

    def _death(self, names: set[str]) -> Broken:
        ends = (f"{name} ended with exit code {self._running[name].returncode}" for name in names)
        return Broken(f"{'; '.join(sorted(ends))}\n{self._log_tails(names)}")

    def _log_tails(self, names: Sequence[str] | set[str] | Mapping[str, object]) -> str:
        tails = []
        for name in sorted(names):
            lines = self._log(name).read_text(errors="replace").splitlines()[-_TAIL_LINES:]
            tails += [f"The end of {self._log(name)}:", *(f"  {line}" for line in lines)]
        return "\n".join(tails)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


async def _end(process: asyncio.subprocess.Process) -> int:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        return await asyncio.wait_for(process.wait(), STOP_SECONDS_MAX)
    except TimeoutError:
        process.kill()
        return await process.wait()
