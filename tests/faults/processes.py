"""Start Esito's own processes, stop them in every way there is, and read what they logged."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

ROOT: Final = Path(__file__).parents[2]
WAIT_SECONDS_MAX: Final = 120.0
STOP_SECONDS_MAX: Final = 30.0  # the grace period of the processes is 25
POLL_SECONDS: Final = 0.05
_TAIL_LINES: Final = 12


class EsitoProcess:
    """One process with a log of its own; the log outlives it and is shown when a test fails."""

    def __init__(self, name: str, arguments: Sequence[str], *, log: Path, **variables: str) -> None:
        """Start `python -m <arguments>` with the ESITO_ variables given, and none of ours."""
        self.name = name
        self._log = log
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith("ESITO_")
        }
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env={**inherited, **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return the exit code, negative for the number of a signal, or None while it lives."""
        return self._process.poll()

    @property
    def resident_bytes(self) -> int:
        """Return how much memory it holds."""
        size: int = psutil.Process(self._process.pid).memory_info().rss
        return size

    @property
    def is_stopped(self) -> bool:
        """Tell whether it is frozen by SIGSTOP."""
        return bool(psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED)

    def kill(self) -> None:
        """End it as a power failure would."""
        self._process.kill()
        self._process.wait(STOP_SECONDS_MAX)

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does (SIGSTOP)."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        self._process.send_signal(signal.SIGCONT)

    async def stop(self, seconds_max: float = STOP_SECONDS_MAX) -> int:
        """End it as an operator would (SIGTERM); return the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return await self.ended(seconds_max)

    async def ended(self, seconds_max: float = WAIT_SECONDS_MAX) -> int:
        """Wait until it has ended; return the exit code."""
        await until(lambda: self.exit_code is not None, f"{self.name} ends", seconds_max)
        assert self.exit_code is not None
        return self.exit_code

    async def says(self, event: str, *, times: int = 1, **fields: object) -> None:
        """Wait until it has logged `event` that often, with these fields."""

        def said() -> bool:
            assert self.exit_code is None or self.count(event, **fields) >= times, (
                f"{self.name} ended with {self.exit_code} before it logged {event}"
            )
            return self.count(event, **fields) >= times

        await until(said, f"{self.name} logs {event} {fields or ''}")

    def count(self, event: str, **fields: object) -> int:
        """Return how often it has logged `event` with these fields."""
        wanted = {"event": event, **fields}
        return sum(wanted.items() <= line.items() for line in self.lines())

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines it has logged."""
        for line in self._log.read_text().splitlines():
            if line.startswith("{") and line.endswith("}"):
                yield json.loads(line)

    def tail(self) -> str:
        """Return the last lines of its log, under its name and state."""
        state = "alive" if self.exit_code is None else f"ended with {self.exit_code}"
        lines = self._log.read_text().splitlines()[-_TAIL_LINES:]
        return "\n".join([f"--- {self.name} ({state})", *(line[:400] for line in lines)])


async def until(
    condition: Callable[[], bool], what: str, seconds_max: float = WAIT_SECONDS_MAX
) -> None:
    """Wait until `condition` holds; fail with `what` was expected."""
    deadline = time.monotonic() + seconds_max
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds_max:g} s in vain until {what}"
        await asyncio.sleep(POLL_SECONDS)
