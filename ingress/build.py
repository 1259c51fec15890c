"""Build the app that a configuration describes: a handler per endpoint, a way in per provider."""

from collections.abc import Callable
from functools import partial

from prometheus_client import Counter

from contracts.errors import Broken
from contracts.provider import Door
from contracts.raw import Source
from contracts.topics import Topics
from ingress.app import App, Route
from ingress.doors import door_of, load_doors
from ingress.endpoint import EndpointHandler, EndpointSettings
from ingress.enqueue import Enqueuer
from ingress.record_headers import RecordHeaders
from ingress.refusals import Refusals
from ingress.waiting import Room, Waiting
from runtime.configuration import Configuration, Endpoint
from runtime.kafka import RECORD_OVERHEAD_BYTES, KafkaClients
from runtime.key_source import KeySource
from runtime.metrics import Metrics
from runtime.telemetry import Logger

EXPECTATIONS = "/expectations/"
_EXPECTATION_BODY_BYTES_MAX = 4_096


class AppBuilder:
    """Collects what all endpoints of one process share while their handlers are made."""

    def __init__(
        self, configuration: Configuration, keys: KeySource, metrics: Metrics, log: Logger
    ) -> None:
        """Read the doors; make the room that all endpoints share."""
        self._configuration = configuration
        self._keys = keys
        self._metrics = metrics
        self._log = log
        self._clients = KafkaClients(configuration, client_id="esito-ingress")
        self._doors = load_doors()
        settings = configuration.ingress
        self._shared = Room(settings.waiting_callbacks_max, settings.waiting_bytes_max)
        self._enqueuers: dict[str, Enqueuer] = {}
        metrics.gauge("esito_ingress_topics_stalled").set_function(
            lambda: sum(not one.ready for one in self._enqueuers.values())
        )

    def build(self) -> App:
        """Return the app.

        Raises:
            Broken: an endpoint lacks what its provider demands, or two endpoints share a route.
        """
        routes: dict[Route, EndpointHandler] = {}
        for endpoint in self._configuration.endpoints:
            for route, handler in self._handlers(endpoint).items():
                if route in routes:
                    raise Broken(
                        f"endpoint {endpoint.name}: another endpoint has the path {route[1]}"
                    )
                routes[route] = handler
        return App(
            settings=self._configuration.ingress,
            routes=routes,
            enqueuers=self._enqueuers,
            metrics=self._metrics,
            refusals=Refusals(self._metrics, self._log),
            log=self._log,
        )

    def _handlers(self, endpoint: Endpoint) -> dict[Route, EndpointHandler]:
        door = door_of(endpoint, self._doors)
        waiting = self._waiting(endpoint)
        enqueuer = self._enqueuer(endpoint.provider)
        route = (endpoint.host.lower() if endpoint.host else None, endpoint.path)
        handlers = {route: EndpointHandler(self._settings(endpoint, door, waiting), enqueuer)}
        if endpoint.expectations is not None:
            own = Door(provider=endpoint.provider, credentials=("api_key",))
            own = own.model_copy(
                update={"answers": own.answers.model_copy(update={"accepted": 202})}
            )
            settings = self._settings(endpoint, own, waiting, source=Source.EXPECTATION)
            handlers[None, EXPECTATIONS + endpoint.name] = EndpointHandler(settings, enqueuer)
        return handlers

    def _settings(
        self, endpoint: Endpoint, door: Door, waiting: Waiting, *, source: Source = Source.CALLBACK
    ) -> EndpointSettings:
        expectation = source is Source.EXPECTATION
        keys = partial(self._keys.of, endpoint.name)
        ingress = self._configuration.ingress
        return EndpointSettings(
            name=endpoint.name,
            door=door,
            api_key=lambda: keys().expectations if expectation else keys().api_key,
            hmac_keys=lambda: keys().hmac,
            hmac=endpoint.hmac,
            headers=RecordHeaders(
                endpoint=endpoint.name,
                source=source,
                method=door.methods[0],
                public_url=ingress.public_url,
            ),
            waiting=waiting,
            body_bytes_max=_EXPECTATION_BODY_BYTES_MAX
            if expectation
            else endpoint.limits.body_bytes_max,
            body_seconds=ingress.body_seconds,
            authenticated=self._authenticated(endpoint.name),
        )

    def _authenticated(self, endpoint: str) -> Callable[[str, str], None]:
        counters: dict[tuple[str, str], Counter] = {}

        def count(credential: str, key_id: str) -> None:
            found = counters.get((credential, key_id))
            if found is None:
                found = counters[credential, key_id] = self._metrics.counter(
                    "esito_ingress_credentials_total", endpoint, credential, key_id
                )
            found.inc()

        return count

    def _waiting(self, endpoint: Endpoint) -> Waiting:
        own = Room(endpoint.limits.waiting_callbacks_max, endpoint.limits.waiting_bytes_max)
        self._metrics.gauge("esito_ingress_waiting_bytes", endpoint.name).set_function(
            lambda: own.bytes
        )
        self._metrics.gauge("esito_ingress_waiting_callbacks", endpoint.name).set_function(
            lambda: own.callbacks
        )
        return Waiting(own, self._shared)

    def _enqueuer(self, provider: str) -> Enqueuer:
        topic = Topics.of(provider, prefix=self._configuration.topic_prefix).raw
        if topic not in self._enqueuers:
            settings = self._configuration.ingress
            bodies = [
                one.limits.body_bytes_max
                for one in self._configuration.endpoints_of(provider).values()
            ]
            largest = max(settings.batch_bytes_max, *bodies) + RECORD_OVERHEAD_BYTES
            self._enqueuers[topic] = Enqueuer(
                topic,
                partial(
                    self._clients.idempotent_producer,
                    batch_bytes_max=largest,
                    linger_milliseconds=0,
                ),
                confirm_seconds=settings.confirm_seconds,
                linger_seconds=settings.linger_milliseconds / 1000,
                log=self._log,
                seconds=self._metrics.histogram("esito_ingress_confirm_seconds"),
            )
        return self._enqueuers[topic]
