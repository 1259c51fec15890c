"""Run a process for each target and watch it: progress, its end, and whatever ended it before time.

A process that dies is begun again for the rest of its time; the input it died of is a finding.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final

from tests.fuzz.findings import save
from tests.fuzz.ledger import Ledger
from tests.fuzz.target import ROOT, Finding

# To load everything under instrumentation: 5 s, and 45 s were seen on a busy machine.
START_SECONDS_MAX: Final = 600
# The engine looks at the time between inputs, and one may take 5 s of a processor that is busy.
OVERTIME_SECONDS_MAX: Final = 180
DEATHS_MAX: Final = 5  # of one target; who dies that often will not say more
_EDGES: Final = re.compile(rb"\bcov: ([0-9]+)")
_LOG_BYTES: Final = 4_096
_ENGINE_OUT_OF_MEMORY: Final = 71  # libFuzzer's own exit code

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds for every target of a run."""

    seconds: float
    seed: int
    plain: bool
    directory: Path
    findings: Path


@dataclass(slots=True)
class Row:
    """One target of the closing table."""

    target: str
    executions: int = 0
    seconds: float = 0
    edges: int | None = None
    failed: str = ""
    findings: list[str] = field(default_factory=list)


class Watched:
    """One target: its process now, and what those before it left."""

    def __init__(self, target: str, plan: Plan, say: Say) -> None:
        """Start its process."""
        self.row = Row(target)
        self._plan = plan
        self._say = say
        self._deaths = 0
        self._directory = plan.directory / target
        self._directory.mkdir(parents=True, exist_ok=True)
        self._start()

    def tell(self) -> None:
        """Say how far it is."""
        executions, seconds = self._so_far()
        self._say(
            f"{self.row.target:<20} {seconds:>4.0f} s {executions:>11,} executions "
            f"{executions / max(seconds, 0.001):>8,.0f}/s"
        )

    def ended(self) -> bool:
        """Return whether nothing of this target runs any more; begin it again if it died."""
        code = self._process.poll()
        if code is None and not self._is_late():
            return False
        if code is None:
            self._process.kill()
            code = self._process.wait()
        self._close(code)
        left = self._plan.seconds - self.row.seconds
        if code == 0 or self.row.failed or left < 1 or self._deaths >= DEATHS_MAX:
            return True
        self._start()
        return False

    def wait(self, seconds: float) -> None:
        """Wait until its process ends, but no longer than this."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def stop(self) -> None:
        """End its process at once."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _start(self) -> None:
        self._ledger = Ledger.new(self._directory / "ledger")
        self._started = monotonic()
        self._log = (self._directory / "log").open("w+b")
        command = [sys.executable, "-m", "tests.fuzz.process", self.row.target]
        command += ["--seconds", str(self._plan.seconds - self.row.seconds)]
        command += ["--seed", str(self._plan.seed + self._deaths)]
        command += ["--directory", str(self._directory), "--findings", str(self._plan.findings)]
        command += ["--plain"] if self._plan.plain else []
        # Sets of names have one order in all runs, so one seed of chance is one run.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self._log, stderr=self._log
        )

    def _so_far(self) -> tuple[int, float]:
        began = self._ledger.began
        seconds = monotonic() - began if began else 0.0
        return self.row.executions + self._ledger.executions, self.row.seconds + seconds

    def _is_late(self) -> bool:
        if not self._ledger.began:
            return monotonic() - self._started > START_SECONDS_MAX
        return self._so_far()[1] > self._plan.seconds + OVERTIME_SECONDS_MAX

    def _close(self, code: int) -> None:
        """Take over what the process left; if it died, its input is a finding."""
        began = bool(self._ledger.began)
        self.row.executions, self.row.seconds = self._so_far()
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LOG_BYTES))
        log = self._log.read()
        self._log.close()
        edges = _EDGES.findall(log)
        self.row.edges = int(edges[-1]) if edges else self.row.edges
        if code == 0:
            return
        self._deaths += 1
        text = log.decode("utf-8", "replace")
        if not began:
            self.row.failed = f"{self.row.target}: did not start, exit code {code}\n{text}"
            return
        finding = Finding(_cause(code), "its process", text)
        save(self._plan.findings, self.row.target, self._ledger.at_hand, finding)


def _cause(code: int) -> str:
    if code == _ENGINE_OUT_OF_MEMORY:
        return "OutOfMemory"
    if code >= 0:
        return f"ExitCode{code}"
    return "Hang" if code == -signal.SIGPROF else signal.Signals(-code).name
