"""Run one process of Esito: configure it, run it until SIGTERM, exit with a meaning.

Exit codes: 0 finished, 2 misconfigured (the message says what to change), 1 anything else.
"""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

from contracts.errors import Broken
from runtime.configuration import Configuration
from runtime.configuration_file import DEFAULT_FILE, load_configuration
from runtime.log_events import LogEvent
from runtime.telemetry import Logger, configure_logging, own_stack

Main = Callable[[Configuration, Logger, asyncio.Event], Awaitable[None]]
_BROKEN: Final = 2
_COLLECT_AFTER_OBJECTS: Final = 50_000


def add_configuration_option(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Give `parser` the option that names the configuration file."""
    parser.add_argument(
        "--configuration",
        type=Path,
        default=Path(environ.get("ESITO_CONFIGURATION", str(DEFAULT_FILE))),
        metavar="FILE",
        help="the YAML file; default: ESITO_CONFIGURATION, else %(default)s",
    )


def run_process(file: Path, *, process: str, main: Main) -> int:
    """Load the configuration, run `main` until SIGTERM or SIGINT, and return the exit code."""
    try:
        configuration = load_configuration(file, environ=os.environ)
    except Broken as error:
        sys.stderr.write(f"{error}\n")
        return _BROKEN
    log = configure_logging(configuration, process=process)
    try:
        with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
            runner.run(_supervised(main, configuration, log))
    except Broken as error:
        reason = str(error)
        log.error(LogEvent.PROCESS_FAILED, reason=reason)  # noqa: TRY400 - it says what to change
        return _BROKEN
    except Exception as error:  # noqa: BLE001 - a traceback would quote the data at hand
        log.error(  # noqa: TRY400 - see above
            LogEvent.PROCESS_FAILED, exception=type(error).__name__, stack=own_stack(error)
        )
        return 1
    log.info(LogEvent.PROCESS_STOPPED)
    return 0


def event_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory where it is installed: about a tenth less CPU per callback."""
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows and PyPy
    except ImportError:
        return None
    return uvloop.new_event_loop


def settle_collector() -> None:
    """Tell the garbage collector that the process has started."""
    # What start-up allocated lives until the end: the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    # A batch makes thousands of objects without a cycle; the default of 700 walks them all the
    # time, for a quarter of the state machine's CPU.
    gc.set_threshold(_COLLECT_AFTER_OBJECTS, 20, 20)


async def _supervised(main: Main, configuration: Configuration, log: Logger) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    settle_collector()
    log.info(LogEvent.PROCESS_STARTED, version=version("esito"))
    await main(configuration, log, stop)
