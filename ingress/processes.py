"""Run one ingress process per core; the parent starts them and ends when one of them does.

They share the port by SO_REUSEPORT; the management port of process n is the configured one plus n.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Final

from contracts.errors import Broken

_PARENT_SECONDS: Final = 1.0


async def run_processes(count: int, configuration: Path, stop: asyncio.Event) -> None:
    """Run `count` processes until `stop`, or until one of them ends.

    Raises:
        Broken: a process ended with an error; the others are stopped, so that all start anew.
    """
    children = [await _start(index, configuration) for index in range(count)]
    ended = [asyncio.create_task(child.wait()) for child in children]
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *ended], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for child in children:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
    codes = await asyncio.gather(*ended)
    # A process that was still starting dies of the SIGTERM that tells a running one to finish.
    if any(code not in {0, -signal.SIGTERM} for code in codes):
        raise Broken(f"an ingress process ended with exit code {max(codes, key=abs)}")


async def stop_without_parent(stop: asyncio.Event) -> None:
    """Set `stop` when the parent has gone: killed, it could pass no signal on."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - the kernel sets no Event
        await asyncio.sleep(_PARENT_SECONDS)
    stop.set()


async def _start(index: int, configuration: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ingress",
        "--configuration",
        str(configuration),
        env={**os.environ, "ESITO_INGRESS_INDEX": str(index)},
    )
