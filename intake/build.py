"""Build the app that a configuration describes: the handlers of all operations, and their parts."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from aiohttp import web

from contracts.errors import Broken
from contracts.send.problems import Invalid
from contracts.topics import Topics
from intake.app import App, path_pattern
from intake.call import Call, OpenRoute, Route, declared_bytes, demand_json, read_body
from intake.cancel import Cancellation
from intake.documents import DOWNLOADS, Documents
from intake.janitor import Janitor
from intake.lookup import Lookup
from intake.outbox import Outbox, Way
from intake.preload import PRELOAD_BYTES_MAX, UPLOADS, EndpointSlots, Preload
from intake.problems import invalid
from intake.raw_topic import RawTopic
from intake.relay import Relay, Terms
from intake.requests import PATH, Requests
from intake.room import Room, Rooms
from intake.sent import SentNotification
from intake.slot_keys import SlotKeys
from intake.status import RequestStatus
from intake.store import Store
from intake.tenants import Tenants
from intake.upload import Uploads
from runtime.configuration import Configuration
from runtime.failpoint import Failpoint
from runtime.kafka import RECORD_OVERHEAD_BYTES, KafkaClients
from runtime.key_source import publish_reloads, report_reloads
from runtime.metrics import Metrics
from runtime.notification_configuration import Notifications
from runtime.notification_rules import notifications_of
from runtime.object_store import ObjectStore
from runtime.telemetry import Logger
from runtime.tracing import Tracing

_PROVIDER: Final = "send"
_SENT: Final = "/delivery/notifications/sent/{iun}/attachments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The app, and what runs beside it."""

    app: App
    store: Store
    relay: Relay
    slot_keys: SlotKeys
    janitor: Janitor


@dataclass(frozen=True, slots=True)
class Preloads:
    """The operation around `Preload`: body in, answer or problem out."""

    preload: Preload
    slots: Mapping[str, EndpointSlots]

    async def handle(self, call: Call) -> web.StreamResponse:
        """Return upload slots.

        Raises:
            Problem: 400, 408, 413, 415.
        """
        demand_json(call.request)
        declared_bytes(call.request, bytes_max=PRELOAD_BYTES_MAX)
        body = await read_body(call.request, bytes_max=PRELOAD_BYTES_MAX)
        caller = call.caller
        try:
            return self.preload.answer(self.slots[caller.endpoint], caller.body.id, body)
        except Invalid as error:
            raise invalid(error.errors) from None


class Builder:
    """Collects what the handlers share while they are made."""

    def __init__(
        self,
        configuration: Configuration,
        metrics: Metrics,
        log: Logger,
        failpoint: Failpoint,
        tracing: Tracing | None = None,
    ) -> None:
        """Read the keys, describe the stores; connect to nothing.

        Raises:
            Broken: no endpoint takes requests, one is not SEND's, or a key cannot be used.
        """
        self._settings = configuration.intake
        self._tracing = tracing
        self._public_url = configuration.intake.public_url.rstrip("/")
        self._metrics = metrics
        self._log = log
        self._sections = _sections(configuration)
        report = report_reloads(metrics, log)
        endpoints = {one.name: one for one in configuration.endpoints}
        self._tenants = Tenants(endpoints, report)
        self._slot_keys = SlotKeys(self._sections, report)
        self._tenants.keys.publish_expiries(metrics, "body")
        self._slot_keys.publish_expiries(metrics)
        publish_reloads(metrics, self._tenants.keys, self._slot_keys)
        self._files = ObjectStore(configuration.object_store)
        self._store = Store(configuration, log)
        self._raw = _raw_topic(configuration, log)
        stalled = partial(metrics.gauge, "esito_intake_stalled")
        stalled("database").set_function(lambda: not self._store.ready)
        stalled("kafka").set_function(lambda: not self._raw.ready)
        self._lookup = Lookup(self._store)
        way = Way(self._store, self._raw)
        seconds = metrics.histogram("esito_intake_confirm_seconds")
        self._outbox = Outbox(way, seconds=seconds, log=log, failpoint=failpoint)
        self._way = way
        self._relay = self._make_relay()

    def build(self) -> Built:
        """Return the app with all its routes."""
        app = App(
            settings=self._settings,
            routes=(
                *self._requests(),
                *self._notifications(),
                *self._uploads(),
                *self._documents(),
            ),
            tenants=self._tenants,
            way=self._way,
            outbox=self._outbox,
            metrics=self._metrics,
            log=self._log,
        )
        attachments = {name: section.attachments for name, section in self._sections.items()}
        return Built(
            app=app,
            store=self._store,
            relay=self._relay,
            slot_keys=self._slot_keys,
            janitor=Janitor(self._files, self._store.connection, attachments),
        )

    def _requests(self) -> Sequence[Route]:
        requests = Requests(
            outbox=self._outbox,
            store=self._store,
            relay=self._relay,
            rooms=self._rooms(),
            bytes_max=self._settings.request_bytes_max,
            confirm_seconds=self._settings.confirm_seconds,
            public_url=self._public_url,
            tracing=self._tracing,
        )
        path = path_pattern(PATH)
        status = RequestStatus(self._lookup)
        return (
            Route("send_request", "POST", path, requests.handle),
            Route("request_status", "GET", path, status.handle),
        )

    def _notifications(self) -> Sequence[Route]:
        retained = {
            name: timedelta(days=section.attachments.retained_days)
            for name, section in self._sections.items()
        }
        sent = SentNotification(self._lookup, retained)
        cancellation = Cancellation(lookup=self._lookup, raw=self._raw, public_url=self._public_url)
        return (
            Route(
                "sent_notification",
                "GET",
                path_pattern("/delivery/v2.9/notifications/sent/{iun}"),
                sent.handle,
            ),
            Route(
                "cancel",
                "PUT",
                path_pattern("/delivery-push/v2.0/notifications/cancel/{iun}"),
                cancellation.handle,
            ),
        )

    def _uploads(self) -> Sequence[Route | OpenRoute]:
        slots = self._slot_keys.slots()
        clock = partial(datetime.now, UTC)
        preload = Preload(
            public_url=self._public_url, clock=clock, random_bytes=secrets.token_bytes
        )
        uploads = Uploads(
            self._settings, slots, self._files, metrics=self._metrics, log=self._log, clock=clock
        )

        async def upload(request: web.BaseRequest, names: tuple[str, ...]) -> web.StreamResponse:
            return await uploads.answer(request, names[0])

        path = path_pattern("/delivery/attachments/preload")
        return (
            Route("preload", "POST", path, Preloads(preload, slots).handle),
            OpenRoute("upload", "PUT", path_pattern(f"{UPLOADS}{{token}}"), upload),
        )

    def _documents(self) -> Sequence[Route | OpenRoute]:
        documents = Documents(
            lookup=self._lookup,
            files=self._files,
            ring_of=self._slot_keys.of,
            endpoints=frozenset(self._sections),
            public_url=self._public_url,
        )
        document = path_pattern(f"{_SENT}/documents/{{index}}")
        payment = path_pattern(f"{_SENT}/payment/{{recipient}}/{{kind}}")
        return (
            Route("document", "GET", document, documents.document),
            Route("payment_attachment", "GET", payment, documents.payment),
            OpenRoute("download", "GET", path_pattern(f"{DOWNLOADS}{{token}}"), documents.load),
        )

    def _rooms(self) -> Rooms:
        settings = self._settings
        shared = Room(settings.waiting_requests_max, settings.waiting_bytes_max)
        self._metrics.gauge("esito_intake_waiting_requests").set_function(lambda: shared.requests)
        self._metrics.gauge("esito_intake_waiting_bytes").set_function(lambda: shared.bytes)
        return Rooms(
            shared,
            body_requests_max=settings.body_requests_max,
            body_bytes_max=settings.body_bytes_max,
        )

    def _make_relay(self) -> Relay:
        return Relay(
            self._store,
            self._raw.send,
            target_uri=self._public_url + PATH,
            relay_seconds=self._settings.relay_seconds,
            kept={
                name: Terms(
                    timedelta(days=section.request_days),
                    timedelta(days=section.attachments.unused_days),
                )
                for name, section in self._sections.items()
            },
            metrics=self._metrics,
            log=self._log,
        )


def _sections(configuration: Configuration) -> dict[str, Notifications]:
    endpoints = {one.name: one for one in configuration.endpoints}
    sections = notifications_of(endpoints)
    if not sections:
        raise Broken("endpoints: none has the key notifications, so there is nobody to serve")
    for name in sections:
        if endpoints[name].provider != _PROVIDER:
            raise Broken(f"endpoint {name}: notifications are of provider {_PROVIDER} alone")
    return sections


def _raw_topic(configuration: Configuration, log: Logger) -> RawTopic:
    clients = KafkaClients(configuration, client_id="esito-intake")
    largest = configuration.intake.request_bytes_max + RECORD_OVERHEAD_BYTES
    return RawTopic(
        Topics.of(_PROVIDER, prefix=configuration.topic_prefix).raw,
        partial(clients.idempotent_producer, batch_bytes_max=largest, linger_milliseconds=0),
        confirm_seconds=configuration.intake.confirm_seconds,
        log=log,
    )
