"""A process as a container runs it: asked whether it is well, and told to end, at any moment."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ops.embedded.storage import free_ports
from ops.local.installation import Addresses, write_installation

PROGRAM = (sys.executable, "-m", "ops.container")
SECONDS_MAX = 90
# Where it says that it has come so far; before that the kernel would give it no signal.
UNTIL_STARTED = "process.started"


def _variables(directory: Path) -> dict[str, str]:
    kafka, port = free_ports(2)  # nobody answers at the first
    file = write_installation(directory, Addresses(kafka=f"127.0.0.1:{kafka}"))
    own = {"ESITO_CONFIGURATION": str(file), "ESITO_MANAGEMENT_PORT": str(port)}
    return {**os.environ, **own, "PYTHONUNBUFFERED": "1"}


@asynccontextmanager
async def _worker(variables: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *("workers", "state-machine", "--provider", "pivot"),
        env=variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _health(variables: dict[str, str], *what: str) -> int:
    asked = await asyncio.create_subprocess_exec(*PROGRAM, "health", *what, env=variables)
    return await asked.wait()


async def _started(process: asyncio.subprocess.Process) -> None:
    assert process.stdout
    while UNTIL_STARTED not in (line := (await process.stdout.readline()).decode()):
        assert line


async def test_health_is_that_of_the_process_beside_it(tmp_path: Path) -> None:
    variables = _variables(tmp_path)

    nobody = await _health(variables)
    async with asyncio.timeout(SECONDS_MAX), _worker(variables) as process:
        await _started(process)
        while await _health(variables) != 0:
            assert process.returncode is None
        ready = await _health(variables, "ready")

    assert nobody == 1
    assert ready == 1  # no Kafka answers


async def test_process_that_was_told_to_end_ends_well(tmp_path: Path) -> None:
    async with asyncio.timeout(SECONDS_MAX), _worker(_variables(tmp_path)) as process:
        await _started(process)
        process.send_signal(signal.SIGTERM)
        code = await process.wait()

    assert code == 0


async def test_signal_before_the_process_has_its_own_handler_ends_it() -> None:
    """The first process of a container is given no signal that it has no handler for."""
    program = (
        "import os, runpy, signal, sys\n"
        "import ops.container.__main__ as container\n"
        "sys.argv[1:] = ['ingress']\n"
        "runpy.run_module = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)\n"
        "container.main()\n"
        "print('still here')\n"
    )

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()

    assert process.returncode == 128 + signal.SIGTERM
    assert said == b""
