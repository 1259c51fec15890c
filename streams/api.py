"""Put both APIs together: their readers, their routes, what runs beside them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from runtime.configuration import Configuration
from runtime.database import Pool
from runtime.key_source import publish_reloads
from runtime.metrics import Metrics
from runtime.telemetry import Failures, Logger
from streams.consumer_api import LOOK_SECONDS, ConsumerApi
from streams.exchange import Exchange
from streams.readers import Readers, bodies, consumers
from streams.registry import Registry
from streams.send_api import SendApi
from streams.server import serve
from streams.wakeups import Wakeups


class Api:
    """All that readers can call."""

    def __init__(
        self,
        configuration: Configuration,
        on_reload: Callable[[str, str], None],
        *,
        metrics: Metrics,
        log: Logger,
        stop: asyncio.Event,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Read every API key; who waits looks again after `look_seconds`, woken or not.

        Raises:
            Broken: a key's file cannot be used, or two readers share a secret.
        """
        self._configuration = configuration
        self._metrics = metrics
        self._log = log
        self._failures = Failures(log)
        self._stop = stop
        self._look_seconds = look_seconds
        self._bodies = bodies(configuration, on_reload)
        self._consumers = consumers(configuration, on_reload)
        self._bodies.keys.publish_expiries(metrics, "body")
        self._consumers.keys.publish_expiries(metrics, "consumer")
        publish_reloads(metrics, self._bodies.keys, self._consumers.keys)
        self._wakeups = Wakeups(configuration, log)
        metrics.gauge("esito_streams_waiting_readers").set_function(lambda: self._wakeups.count)

    def watches(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what has to run while the API serves, by its name."""
        seconds = self._configuration.key_reload_seconds
        return {
            "bodies": self._bodies.keys.watch(every_seconds=seconds),
            "consumers": self._consumers.keys.watch(every_seconds=seconds),
            "wakeups": self._wakeups.run(),
        }

    async def serve(self, pool: Pool, stop: asyncio.Event) -> None:
        """Serve until `stop`.

        Raises:
            Broken: the port is taken.
        """
        await serve(
            self.routes(pool),
            self._configuration.streams,
            stop=stop,
            wake_all=self.wake_all,
            log=self._log,
        )

    def wake_all(self) -> None:
        """Let everybody who waits look again."""
        self._wakeups.wake_all()

    def routes(self, pool: Pool) -> list[web.RouteDef]:
        """Return the routes of both APIs."""
        settings = self._configuration.streams
        registry = Registry(
            pool, streams_max=settings.streams_max, page_events=settings.page_events
        )
        consumer_api = ConsumerApi(
            registry,
            settings,
            wakeups=self._wakeups,
            stop=self._stop,
            look_seconds=self._look_seconds,
        )
        return [
            *SendApi(registry, settings).routes(self._exchange(self._bodies, sends_problems=True)),
            *consumer_api.routes(self._exchange(self._consumers, sends_problems=False)),
        ]

    def _exchange(self, readers: Readers, *, sends_problems: bool) -> Exchange:
        return Exchange(
            readers=readers,
            metrics=self._metrics,
            failures=self._failures,
            sends_problems=sends_problems,
        )
