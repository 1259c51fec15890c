"""Start the intake: `python -m intake --configuration esito.yaml`."""

import argparse
import asyncio
import os
import sys

from contracts.errors import Broken
from intake.build import Builder
from intake.janitor import prune_often
from runtime.configuration import Configuration
from runtime.failpoint import failpoint
from runtime.http_server import allow_files
from runtime.log_events import LogEvent
from runtime.management import management_server
from runtime.metrics import Metrics
from runtime.process import add_configuration_option, run_process
from runtime.telemetry import Logger
from runtime.tracing import Tracing, tracing


def main() -> int:
    """Parse the command line and run until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m intake", description="Take notification requests of public bodies."
    )
    add_configuration_option(parser, os.environ)
    options = parser.parse_args()
    return run_process(options.configuration, process="intake", main=_run)


async def _run(configuration: Configuration, log: Logger, stop: asyncio.Event) -> None:
    async with tracing(configuration, process="intake") as traced:
        await _serve(configuration, log, stop, traced)


async def _serve(
    configuration: Configuration, log: Logger, stop: asyncio.Event, traced: Tracing | None
) -> None:
    metrics = Metrics()
    reached = failpoint(os.environ.get("ESITO_FAILPOINT"))
    built = Builder(configuration, metrics, log, reached, traced).build()
    allow_files(configuration.intake.connections_max)
    every = configuration.key_reload_seconds
    background = asyncio.gather(
        built.store.run(),
        built.relay.run(),
        built.app.tenants.watch(every_seconds=every),
        built.slot_keys.watch(every_seconds=every),
        prune_often(built.janitor, metrics, log),
    )
    # These end by an error alone, and a process without one of them must not go on in silence.
    background.add_done_callback(lambda _: stop.set())
    try:
        async with management_server(
            host=configuration.management_host,
            port=configuration.management_port,
            metrics=metrics,
            readiness=built.app.readiness,
        ) as port:
            address = f"{configuration.management_host}:{port}"
            log.info(LogEvent.MANAGEMENT_LISTENING, address=address)
            await built.app.run(stop)
    finally:
        failed = background.done()
        background.cancel()
        ended = (await asyncio.gather(background, return_exceptions=True))[0]
    if failed and isinstance(ended, BaseException):
        raise ended


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        sys.exit(str(error))
