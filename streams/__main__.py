"""Start the streams: `python -m streams --configuration esito.yaml`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

from contracts.errors import Broken, Unavailable
from runtime.configuration import Configuration
from runtime.configuration_digest import publish_configuration
from runtime.database import Pool, connect, migrate
from runtime.failpoint import failpoint
from runtime.http_server import allow_files
from runtime.kafka import KafkaClients
from runtime.key_source import report_reloads
from runtime.log_events import LogEvent
from runtime.management import management_server
from runtime.metrics import Metrics
from runtime.process import add_configuration_option, run_process
from runtime.telemetry import Logger
from runtime.tracing import Tracing, tracing
from runtime.watches import run_watched
from streams.api import Api
from streams.projector import Projector
from streams.retention import Retention

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_RETRY_SECONDS: Final = 1.0


def main() -> int:
    """Parse the command line and run until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m streams",
        description="Project status events into PostgreSQL and serve them over HTTP.",
    )
    add_configuration_option(parser, os.environ)
    options = parser.parse_args()
    return run_process(options.configuration, process="streams", main=_run)


async def _run(configuration: Configuration, log: Logger, stop: asyncio.Event) -> None:
    metrics = Metrics()
    publish_configuration(metrics, configuration)
    allow_files(configuration.streams.connections_max)
    async with AsyncExitStack() as stack:
        api = Api(configuration, report_reloads(metrics, log), metrics=metrics, log=log, stop=stop)
        projectors: list[Projector] = []

        def readiness() -> Mapping[str, bool]:
            return {
                "database": bool(projectors),
                "joined": all(one.joined for one in projectors),
            }

        port = await stack.enter_async_context(
            management_server(
                host=configuration.management_host,
                port=configuration.management_port,
                metrics=metrics,
                readiness=readiness,
            )
        )
        log.info(LogEvent.MANAGEMENT_LISTENING, address=f"{configuration.management_host}:{port}")
        pool = await _database(configuration, log, stop)
        if pool is None:
            return
        stack.callback(pool.terminate)
        traced = await stack.enter_async_context(tracing(configuration, process="streams"))
        projectors.append(_projector(configuration, pool, metrics, log, traced))
        watches = {
            "projection": projectors[0].run(),
            "retention": Retention(configuration, pool, metrics, log).run(),
            **api.watches(),
        }
        await run_watched(api.serve(pool, stop), watches, stop=stop, log=log)


async def _database(configuration: Configuration, log: Logger, stop: asyncio.Event) -> Pool | None:
    """Return the database, up to date, as soon as it answers; None when we are to stop before."""
    said = False
    while not stop.is_set():
        try:
            pool = await connect(configuration, application="esito-streams")
            try:
                await migrate(pool, "streams", MIGRATIONS)
            except BaseException:
                pool.terminate()
                raise
        except Unavailable as error:
            if not said:
                log.warning(LogEvent.BATCH_DELAYED, reason=str(error))
                said = True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _RETRY_SECONDS)
        else:
            return pool
    return None


def _projector(
    configuration: Configuration,
    pool: Pool,
    metrics: Metrics,
    log: Logger,
    traced: Tracing | None,
) -> Projector:
    return Projector(
        configuration,
        clients=KafkaClients(configuration, client_id="esito-streams"),
        pool=pool,
        metrics=metrics,
        log=log,
        failpoint=failpoint(os.environ.get("ESITO_FAILPOINT")),
        tracing=traced,
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        sys.exit(str(error))
