"""Start the ingress: `python -m ingress --configuration esito.yaml`."""

import argparse
import asyncio
import os
import sys
from contextlib import AsyncExitStack

from contracts.errors import Broken
from ingress.build import AppBuilder
from ingress.processes import run_processes, stop_without_parent
from runtime.configuration import Configuration
from runtime.configuration_digest import publish_configuration
from runtime.http_server import allow_files
from runtime.key_source import KeySource, publish_expiries, publish_reloads, report_reloads
from runtime.log_events import LogEvent
from runtime.management import management_server
from runtime.metrics import Metrics
from runtime.process import add_configuration_option, run_process
from runtime.telemetry import Logger
from runtime.tracing import tracing
from runtime.watches import run_watched


def main() -> int:
    """Parse the command line and run until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ingress", description="Receive callbacks and store them in Kafka."
    )
    add_configuration_option(parser, os.environ)
    options = parser.parse_args()
    index = os.environ.get("ESITO_INGRESS_INDEX")

    async def run(configuration: Configuration, log: Logger, stop: asyncio.Event) -> None:
        if configuration.ingress.processes > 1 and index is None:
            await run_processes(configuration.ingress.processes, options.configuration, stop)
        else:
            await _serve(configuration, log, stop, index=int(index or 0))

    return run_process(options.configuration, process="ingress", main=run)


async def _serve(
    configuration: Configuration, log: Logger, stop: asyncio.Event, *, index: int
) -> None:
    metrics = Metrics()
    endpoints = {endpoint.name: endpoint for endpoint in configuration.endpoints}
    keys = KeySource(endpoints, report_reloads(metrics, log))
    publish_expiries(metrics, endpoints)
    publish_reloads(metrics, keys)
    publish_configuration(metrics, configuration)
    allow_files(configuration.ingress.connections_max)
    shared = configuration.ingress.processes > 1
    async with AsyncExitStack() as stack:
        traced = await stack.enter_async_context(tracing(configuration, process="ingress"))
        app = AppBuilder(configuration, keys, metrics, log, tracing=traced).build()
        port = await stack.enter_async_context(
            management_server(
                host=configuration.management_host,
                port=configuration.management_port + index if configuration.management_port else 0,
                metrics=metrics,
                readiness=app.readiness,
            )
        )
        log.info(LogEvent.MANAGEMENT_LISTENING, address=f"{configuration.management_host}:{port}")
        watches = {
            "secrets": keys.watch(every_seconds=configuration.key_reload_seconds),
            "refusals": app.refusals.report_often(),
        }
        if shared:
            watches["parent"] = stop_without_parent(stop)
        await run_watched(app.run(stop, reuse_port=shared), watches, stop=stop, log=log)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        sys.exit(str(error))
