"""Look at the processes that judge files for a process: what they hold, what they take."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from tests.faults.processes import until

_MODULE = "workers.verifier.judge_process"


def judging(pid: int | None = None) -> list[psutil.Process]:
    """Return the judging processes of a process, or of this one.

    Until a child has become the program that it was started for, its memory is its parent's.
    """
    return [one for one in psutil.Process(pid).children() if _MODULE in _words(one)]


def held_bytes(process: psutil.Process) -> int:
    """Return the size of the largest file without a name that a process holds; 0 for none."""
    held = 0
    try:
        for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
            if str(descriptor.readlink()).endswith(" (deleted)"):
                held = max(held, descriptor.stat().st_size)
    except OSError:
        return 0  # it ends just now
    return held


def spent_seconds(process: psutil.Process) -> float:
    """Return the CPU time that a process has taken; 0 where it has ended."""
    try:
        cpu = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(cpu.user + cpu.system)


async def at_work() -> psutil.Process:
    """Return a judging process once one has a file in hand."""
    found: list[psutil.Process] = []

    def seen() -> bool:
        found.extend(filter(held_bytes, judging()))
        return bool(found)

    await until(seen, "a file is judged")
    return found[0]


class Took:
    """The most that one of the new judging processes has taken so far."""

    def __init__(self, known: Collection[psutil.Process]) -> None:
        """Look at none of those that are known."""
        self.seconds = 0.0
        self.memory = 0
        self._known = known

    def look(self) -> None:
        """Take note of what they have taken by now."""
        for one in judging():
            if one in self._known:
                continue
            self.seconds = max(self.seconds, spent_seconds(one))
            self.memory = max(self.memory, peak_bytes(one.pid))


@asynccontextmanager
async def watched() -> AsyncIterator[Took]:
    """Watch the judging processes that come in the block; their start is part of what they take."""
    took = Took(judging())

    async def look() -> None:
        while True:
            took.look()
            await asyncio.sleep(0.01)

    looking = asyncio.create_task(look())
    try:
        yield took
        took.look()
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def peak_bytes(pid: int) -> int:
    """Return the most that a process has held in memory so far; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(one.split()[1]) * 1_024 for one in lines if one.startswith("VmHWM:"))


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
