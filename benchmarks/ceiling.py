"""Run the ingress with the way into Kafka replaced by nothing: what HTTP alone costs."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from ingress.app import App
from ingress.build import AppBuilder
from ingress.enqueue import Enqueuer
from ingress.waiting import Waiting
from runtime.configuration import Configuration
from runtime.key_source import KeySource, report_reloads
from runtime.metrics import Metrics
from runtime.process import run_process
from runtime.telemetry import Logger


class NoEnqueuer(Enqueuer):
    """Says at once that a record is stored; stores nothing."""

    def __init__(self) -> None:  # its own, so that nothing of the real one is there
        """Bind to no topic."""

    @property
    def ready(self) -> bool:
        """Tell that all is well."""
        return True

    def start(self) -> None:
        """Have nothing to start."""

    async def stop(self) -> None:
        """Have nothing to stop."""

    def put(
        self, headers: Sequence[tuple[str, bytes]], body: bytes, room: Waiting, kept: int
    ) -> asyncio.Future[bool]:
        """Return a future that is done."""
        del headers
        room.release(kept + len(body))
        future = asyncio.get_running_loop().create_future()
        future.set_result(True)
        return future


async def _serve(configuration: Configuration, log: Logger, stop: asyncio.Event) -> None:
    metrics = Metrics()
    endpoints = {endpoint.name: endpoint for endpoint in configuration.endpoints}
    keys = KeySource(endpoints, report_reloads(metrics, log))
    app: App = _NoKafkaBuilder(configuration, keys, metrics, log).build()
    await app.run(stop, reuse_port=False)


class _NoKafkaBuilder(AppBuilder):
    """The same app, endpoint by endpoint, with the one difference."""

    def _enqueuer(self, provider: str) -> NoEnqueuer:
        del provider
        return NoEnqueuer()


if __name__ == "__main__":
    sys.exit(run_process(Path(sys.argv[1]), process="ceiling", main=_serve))
