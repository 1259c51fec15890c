"""A watch that fails ends the process: it is logged, the work is finished, the exit code is 1."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from contracts.errors import Broken
from runtime.configuration import Configuration
from runtime.log_events import LogEvent
from runtime.process import run_process
from runtime.telemetry import Logger
from runtime.watches import run_watched
from tests.architecture.source import ROOT, modules

CONFIGURATION = """\
log_format: json
endpoints:
- {name: pivot-id, provider: pivot, path: /p, api_key: {keys: [{id: a, file: a.key}]}}
"""
SECRET = "4440000000000002"  # noqa: S105 - a card number, in a test of where it may not appear
Watch = Callable[[], Coroutine[Any, Any, None]]


async def forever() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    """Watch nothing, as a JwksSource without issuers does."""


async def failing() -> None:
    raise RuntimeError(SECRET)


async def failing_within() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(forever())
        group.create_task(failing())


async def broken() -> None:
    raise Broken("keys/a: gone; write it again")


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, and what it logged."""

    code: int
    lines: list[dict[str, Any]]

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]


def ended(directory: Path, *watches: Watch) -> Ended:
    """Run a process with these functions of this module as its watches, until it ends."""
    file = directory / "esito.yaml"
    file.write_text(CONFIGURATION)
    names = [watch.__name__ for watch in watches]
    program = f"import {__name__} as test, sys; sys.exit(test.process(sys.argv[1], {names}))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,  # a process that does not end is what is tested against
    )
    assert done.stderr == ""
    return Ended(done.returncode, [json.loads(line) for line in done.stdout.splitlines()])


def process(file: str, names: list[str]) -> int:
    """Be the process: its work ends when it is told to, or at once when all watches are sound."""
    watches: list[Watch] = [globals()[name] for name in names]

    async def main(_: Configuration, log: Logger, stop: asyncio.Event) -> None:
        async def work() -> None:
            if set(watches) <= {forever, at_once}:
                stop.set()
            await stop.wait()
            await asyncio.sleep(0)
            log.info(LogEvent.PARTITION_RELEASED)  # what is at hand is finished

        beside = {f"watch {number}": watch() for number, watch in enumerate(watches)}
        await run_watched(work(), beside, stop=stop, log=log)

    return run_process(Path(file), process="verifier", main=main)


@pytest.mark.parametrize(
    ("watch", "exception", "code"),
    [(failing, "RuntimeError", 1), (failing_within, "RuntimeError", 1), (broken, "Broken", 2)],
)
def test_watch_that_fails_is_logged_and_ends_the_process_with_an_error(
    tmp_path: Path, watch: Watch, exception: str, code: int
) -> None:
    found = ended(tmp_path, forever, watch)

    assert found.code == code
    assert found.events == [
        "process.started",
        "watch.failed",
        "partition.released",
        "process.failed",
    ]
    failed = found.lines[1]
    assert (failed["watch"], failed["exception"], failed["level"]) == (
        "watch 1",
        exception,
        "error",
    )
    assert SECRET not in str(found)


def test_watch_without_anything_to_watch_ends_nothing(tmp_path: Path) -> None:
    found = ended(tmp_path, forever, at_once)

    assert found.code == 0
    assert found.events == ["process.started", "partition.released", "process.stopped"]


@pytest.mark.parametrize(
    "module", ["ingress.__main__", "intake.__main__", "streams.__main__", "workers.__main__"]
)
def test_processes_start_nothing_that_nobody_watches(module: str) -> None:
    text = modules()[module].text

    assert "run_watched(" in text
    assert not re.search(r"create_task|ensure_future|gather", text)


async def test_watches_are_cancelled_when_the_work_fails() -> None:
    cancelled = asyncio.Event()

    async def watch() -> None:
        try:
            await forever()
        finally:
            cancelled.set()

    async def work() -> None:
        await asyncio.sleep(0)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await run_watched(
            work(), {"secrets": watch()}, stop=asyncio.Event(), log=structlog.get_logger()
        )

    assert cancelled.is_set()
