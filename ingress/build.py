"""Build the app that a configuration describes: a handler per endpoint, a way in per provider."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from prometheus_client import Counter

from contracts.errors import Broken
from contracts.provider import Answers, Door
from contracts.raw import Source
from contracts.topics import Topics
from ingress.app import App, Route
from ingress.client_certificate import Certificate, Edges
from ingress.doors import door_of, load_doors, signature_headers
from ingress.endpoint import EndpointHandler, EndpointSettings
from ingress.enqueue import Enqueuer
from ingress.record_headers import RecordHeaders
from ingress.refusals import Refusals
from ingress.server import certificate_of_connection, peer_of
from ingress.waiting import Room, Waiting
from runtime.configuration import Configuration
from runtime.endpoint_configuration import Endpoint
from runtime.kafka import RECORD_OVERHEAD_BYTES, KafkaClients
from runtime.key_source import KeySource
from runtime.metrics import Metrics
from runtime.telemetry import Logger
from runtime.tracing import Tracing

EXPECTATIONS = "/expectations/"
_EXPECTATION_BODY_BYTES_MAX = 4_096
T = TypeVar("T")


class AppBuilder:
    """Collects what all endpoints of one process share while their handlers are made."""

    def __init__(
        self,
        configuration: Configuration,
        keys: KeySource,
        metrics: Metrics,
        log: Logger,
        *,
        tracing: Tracing | None = None,
    ) -> None:
        """Read the doors; make the room that all endpoints share."""
        self._configuration = configuration
        self._keys = keys
        self._metrics = metrics
        self._tracing = tracing
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
            Broken: an endpoint lacks what its provider demands, two endpoints share a route, or
                nobody would ask callers for the certificate that an endpoint demands.
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
            prefixes=prefixes_of(routes),
            client_certificates=client_certificates(self._configuration),
            enqueuers=self._enqueuers,
            metrics=self._metrics,
            refusals=Refusals(self._metrics, self._log),
            log=self._log,
        )

    def _handlers(self, endpoint: Endpoint) -> dict[Route, EndpointHandler]:
        door = door_of(endpoint, self._doors)
        waiting = self._waiting(endpoint)
        enqueuer = self._enqueuer(endpoint.provider)
        handler = EndpointHandler(self._settings(endpoint, door, waiting), enqueuer)
        host = endpoint.host.lower() if endpoint.host else None
        handlers: dict[Route, EndpointHandler] = {
            (host, path): handler for path in (endpoint.path, *endpoint.more_paths)
        }
        if endpoint.expectations is not None:
            settings = self._expectation_settings(endpoint, waiting)
            handlers[None, EXPECTATIONS + endpoint.name] = EndpointHandler(settings, enqueuer)
        return handlers

    def _settings(self, endpoint: Endpoint, door: Door, waiting: Waiting) -> EndpointSettings:
        keys = partial(self._keys.of, endpoint.name)
        return EndpointSettings(
            name=endpoint.name,
            paths=(endpoint.path, *endpoint.more_paths),
            door=door,
            api_key=(lambda: keys().api_key) if endpoint.api_key else None,
            hmac_keys=(lambda: keys().hmac) if endpoint.hmac else None,
            hmac=endpoint.hmac,
            path_token=(lambda: keys().path_token) if endpoint.path_token else None,
            client_certificate=_client_certificate(endpoint),
            signature_headers=signature_headers(endpoint),
            headers=self._record_headers(endpoint, door, Source.CALLBACK),
            waiting=waiting,
            body_bytes_max=endpoint.limits.body_bytes_max,
            body_seconds=self._configuration.ingress.body_seconds,
            authenticated=self._authenticated(endpoint.name),
            tracing=self._tracing,
        )

    def _expectation_settings(self, endpoint: Endpoint, waiting: Waiting) -> EndpointSettings:
        """Return what our own side's road to an endpoint is: a key of its own, and a 202."""
        keys = partial(self._keys.of, endpoint.name)
        door = Door(
            provider=endpoint.provider, credentials=("api_key",), answers=Answers(accepted=202)
        )
        return replace(
            self._settings(endpoint, door, waiting),
            paths=(EXPECTATIONS + endpoint.name,),
            api_key=lambda: keys().expectations,
            hmac_keys=None,
            hmac=None,
            path_token=None,
            client_certificate=None,
            signature_headers=(),
            headers=self._record_headers(endpoint, door, Source.EXPECTATION),
            body_bytes_max=_EXPECTATION_BODY_BYTES_MAX,
        )

    def _record_headers(self, endpoint: Endpoint, door: Door, source: Source) -> RecordHeaders:
        return RecordHeaders(
            endpoint=endpoint.name,
            source=source,
            method=door.methods[0],
            public_url=public_url_of(endpoint, self._configuration.ingress.public_url, source),
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


def public_url_of(endpoint: Endpoint, public_url: str, source: Source) -> str:
    """Return what callers put before the path: with the endpoint's own host, where it has one.

    A signature over the target URI covers the host that was called. Expectations have no host.
    """
    if endpoint.host is None or source is Source.EXPECTATION:
        return public_url
    parts = urlsplit(public_url)
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"{endpoint.host}{port}").geturl()


def prefixes_of(routes: Mapping[Route, EndpointHandler]) -> dict[Route, EndpointHandler]:
    """Return the routes under which any one segment is a callback's: those of sealed paths.

    Raises:
        Broken: another endpoint has a path under such a route, which would take its callbacks.
    """
    prefixes = {route: one for route, one in routes.items() if one.settings.path_token}
    for path, above, handler, sealed in hidden_paths(routes, prefixes):
        raise Broken(
            f"endpoint {handler.settings.name}: {path} is under {above}, where endpoint "
            f"{sealed.settings.name} takes path tokens; give one of them another path"
        )
    return prefixes


def hidden_paths(
    routes: Mapping[Route, T], prefixes: Mapping[Route, T]
) -> Iterator[tuple[str, str, T, T]]:
    """Yield each path under a prefix of another owner: path, prefix, and both owners."""
    for (host, path), owner in routes.items():
        above = path.rpartition("/")[0]
        for (prefix_host, prefix), other in prefixes.items():
            meet = prefix_host == host or None in {prefix_host, host}
            if meet and prefix == above and other != owner:
                yield path, above, owner, other


def client_certificates(configuration: Configuration) -> ssl.VerifyMode:
    """Return what a caller's TLS must bring, where `ingress.tls.client_ca_file` is given.

    A certificate, unless an endpoint that demands one stands beside a route that needs none: then
    TLS lets a caller without one in, and the endpoint itself refuses it.

    Raises:
        Broken: an endpoint demands a certificate that TLS would not ask for.
    """
    endpoints = configuration.endpoints
    demanding = [one for one in endpoints if _sees_certificates(one)]
    tls = configuration.ingress.tls
    if demanding and (tls is None or tls.client_ca_file is None):
        raise Broken(
            f"endpoint {demanding[0].name}: client_certificate is seen_by: esito, so "
            "ingress.tls.client_ca_file must name whose certificates are asked for"
        )
    needs_none = len(demanding) < len(endpoints) or any(one.expectations for one in endpoints)
    return ssl.CERT_OPTIONAL if demanding and needs_none else ssl.CERT_REQUIRED


def _sees_certificates(endpoint: Endpoint) -> bool:
    section = endpoint.client_certificate
    return section is not None and section.seen_by == "esito"


def _client_certificate(endpoint: Endpoint) -> Callable[[web.BaseRequest], Certificate] | None:
    section = endpoint.client_certificate
    if section is None:
        return None
    if section.seen_by == "esito":
        return certificate_of_connection
    edges = Edges(endpoint.name, section)
    return lambda request: edges.certificate(request.headers, peer_of(request))
