"""Start the intake: `python -m intake --configuration esito.yaml`."""

import argparse
import asyncio
import os
import sys

from contracts.errors import Broken
from intake.build import Builder
from intake.janitor import prune_often
from runtime.configuration import Configuration
from runtime.configuration_digest import publish_configuration
from runtime.failpoint import failpoint
from runtime.http_server import allow_files
from runtime.log_events import LogEvent
from runtime.management import management_server
from runtime.metrics import Metrics
from runtime.process import add_configuration_option, run_process
from runtime.telemetry import Logger
from runtime.tracing import Tracing, tracing
from runtime.watches import run_watched


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
    publish_configuration(metrics, configuration)
    reached = failpoint(os.environ.get("ESITO_FAILPOINT"))
    built = Builder(configuration, metrics, log, reached, traced).build()
    allow_files(configuration.intake.connections_max)
    async with management_server(
        host=configuration.management_host,
        port=configuration.management_port,
        metrics=metrics,
        readiness=built.app.readiness,
    ) as port:
        log.info(LogEvent.MANAGEMENT_LISTENING, address=f"{configuration.management_host}:{port}")
        seconds = configuration.key_reload_seconds
        watches = {
            "database": built.store.run(),
            "relay": built.relay.run(),
            "callers": built.app.tenants.keys.watch(every_seconds=seconds),
            "slots": built.slot_keys.watch(every_seconds=seconds),
            "files": prune_often(built.janitor, metrics, log),
        }
        await run_watched(built.app.run(stop), watches, stop=stop, log=log)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        sys.exit(str(error))
