"""Join endpoints, raw topics and the HTTP server; start in one order, stop in the other."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from contracts.codes import RefusalCode
from contracts.provider import Answers
from ingress.answers import empty, epc_error, problem, status_of
from ingress.authenticate import Refused
from ingress.endpoint import EndpointHandler
from ingress.enqueue import Enqueuer
from ingress.refusals import Refusals
from ingress.server import ingress_server, limits_of, tls_context
from runtime.configuration import Ingress as IngressSettings
from runtime.http_server import Server, listen
from runtime.lasting_producer import STOP_SECONDS
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.telemetry import Logger

Route = tuple[str | None, str]  # host (None: any) and path

# After these the rest of the request may still be under way: it must not be taken for the next one.
_CLOSING: Final = frozenset(
    {
        RefusalCode.BODY_TOO_LARGE,
        RefusalCode.BODY_TOO_SLOW,
        RefusalCode.BODY_INCOMPLETE,
        RefusalCode.REQUEST_MALFORMED,
        RefusalCode.UNFORESEEN,
        RefusalCode.DRAINING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """All there is to serve: the handlers by route, the ways into Kafka, and what is counted.

    `prefixes` are the routes under which any one more segment is a callback's too.
    """

    settings: IngressSettings
    routes: Mapping[Route, EndpointHandler]
    enqueuers: Mapping[str, Enqueuer]
    metrics: Metrics
    refusals: Refusals
    log: Logger
    prefixes: Mapping[Route, EndpointHandler] = field(default_factory=dict)
    client_certificates: ssl.VerifyMode = ssl.CERT_REQUIRED

    def readiness(self) -> Mapping[str, bool]:
        """Return what /readyz shows; credentials are loaded before this object exists."""
        return {"credentials": True, **{topic: one.ready for topic, one in self.enqueuers.items()}}

    async def run(self, stop: asyncio.Event, *, reuse_port: bool) -> None:
        """Serve until `stop`, then finish what is in flight within the grace period.

        Raises:
            Broken: the port is taken, or a TLS file cannot be used.
        """
        settings = self.settings
        server = ingress_server(
            Callbacks(self, stop).handle,
            settings=settings,
            count_refusal=partial(self.refusals.count, ""),
        )
        listener = await listen(
            server,
            limits_of(settings),
            name="ingress",
            tls=tls_context(settings.tls, self.client_certificates),
            reuse_port=reuse_port,
        )
        try:
            for enqueuer in self.enqueuers.values():
                enqueuer.start()
            for one in listener.sockets:
                host, port, *_ = one.getsockname()
                self.log.info(LogEvent.PROCESS_LISTENING, address=f"{host}:{port}")
            await stop.wait()
        finally:
            listener.close()
            await self._finish(server)

    async def _finish(self, server: Server) -> None:
        """Let handlers in flight end, then close the ways into Kafka, all within the grace period.

        What has no answer by then was never answered 2xx.
        """
        grace = self.settings.grace_seconds
        end = asyncio.get_running_loop().time() + grace
        await server.finish(end=end - min(STOP_SECONDS, grace / 2))
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                await asyncio.gather(*(one.stop() for one in self.enqueuers.values()))


class Callbacks:
    """The one request handler: find the endpoint, count, and turn refusals into answers."""

    def __init__(self, app: App, draining: asyncio.Event) -> None:
        """Resolve what every request needs."""
        self._app = app
        self._draining = draining
        self._hosts = {host for host, _ in app.routes if host}
        self._headers_max = app.settings.headers_max
        self._counters = {
            (handler, outcome): app.metrics.counter(
                "esito_ingress_callbacks_total", handler.settings.name, outcome
            )
            for handler in app.routes.values()
            for outcome in ("accepted", "stale")
        }
        self._open = 0
        app.metrics.gauge("esito_ingress_open_requests").set_function(lambda: self._open)
        names = {handler.settings.name for handler in app.routes.values()} | {""}
        self._seconds = {
            name: app.metrics.histogram("esito_ingress_request_seconds", name) for name in names
        }
        for name in names:
            app.refusals.expect(name)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        began = time.perf_counter()
        self._open += 1
        try:
            name, response = await self._answered(request)
        finally:
            self._open -= 1
        self._seconds[name].observe(time.perf_counter() - began)
        return response

    async def _answered(self, request: web.BaseRequest) -> tuple[str, web.StreamResponse]:
        """Return the endpoint's name, empty where there is none, and the answer."""
        handler, name = None, ""
        try:
            target = _target(request)
            handler = self._route(request, target)
            name = handler.settings.name if handler else ""
            if self._draining.is_set():
                raise Refused(RefusalCode.DRAINING)
            if len(request.raw_headers) > self._headers_max:
                raise Refused(RefusalCode.HEADERS_TOO_MANY)
            if handler is None:
                raise Refused(RefusalCode.PATH_UNKNOWN)
            status = await handler.handle(request, target)
        except Refused as refusal:
            return name, self._refusal(request, refusal.code, handler)
        except Exception as error:  # noqa: BLE001 - nothing unforeseen may become a 500 with a text
            self._app.refusals.failures.tell(error)
            return name, self._refusal(request, RefusalCode.UNFORESEEN, handler)
        if status == handler.settings.door.answers.accepted:
            self._counters[handler, "accepted"].inc()
            response = empty(status)
        else:
            self._counters[handler, "stale"].inc()
            response = self._error(request, status, handler)
        if self._draining.is_set():
            response.force_close()
        return name, response

    def _route(self, request: web.BaseRequest, target: str) -> EndpointHandler | None:
        path = target.partition("?")[0]
        handler = self._found(self._app.routes, request, path)
        if handler is None and self._app.prefixes:
            handler = self._found(self._app.prefixes, request, path.rpartition("/")[0])
        return handler

    def _found(
        self, routes: Mapping[Route, EndpointHandler], request: web.BaseRequest, path: str
    ) -> EndpointHandler | None:
        if self._hosts:
            handler = routes.get((_host(request), path))
            if handler is not None:
                return handler
        return routes.get((None, path))

    def _refusal(
        self, request: web.BaseRequest, code: RefusalCode, handler: EndpointHandler | None
    ) -> web.Response:
        name = handler.settings.name if handler else ""
        self._app.refusals.count(name, code)
        answers = handler.settings.door.answers if handler else Answers()
        allow = ", ".join(handler.settings.door.methods) if handler else ""
        response = self._error(
            request,
            status_of(code, answers),
            handler,
            allow=allow if code is RefusalCode.METHOD_FORBIDDEN else "",
        )
        # RFC 9110 §10.1.1: a caller who waits for "100 Continue" may leave the body out, and then
        # its next request would be read as that body.
        awaited = "Expect" in request.headers and not request.content.is_eof()
        if awaited or code in _CLOSING or self._draining.is_set():
            response.force_close()
        return response

    def _error(
        self,
        request: web.BaseRequest,
        status: int,
        handler: EndpointHandler | None,
        *,
        allow: str = "",
    ) -> web.Response:
        seconds = self._app.settings.retry_after_seconds
        # Where an endpoint hides behind a 404, it must be the one of a path that there is not.
        if handler is None or status == HTTPStatus.NOT_FOUND:
            return problem(status, retry_after_seconds=seconds)
        if handler.settings.door.answers.error_model == "problem":
            return problem(status, retry_after_seconds=seconds, allow=allow)
        paths = handler.settings.paths
        called = request.raw_path.partition("?")[0]
        return epc_error(
            status,
            path=called if called in paths else paths[0],
            at=datetime.now(UTC),
            retry_after_seconds=seconds,
            allow=allow,
        )


def _target(request: web.BaseRequest) -> str:
    """Return path and query as they were sent.

    RFC 9112 §3.2.2: the absolute form, which a proxy may send, must be taken too.
    """
    target = request.raw_path
    if not target.isascii():  # RFC 3986 §2: a URI is ASCII; a record's header would not be text
        raise Refused(RefusalCode.REQUEST_MALFORMED)
    if not target.startswith("/") and "://" in target:
        return request.rel_url.raw_path_qs
    return target


def _host(request: web.BaseRequest) -> str:
    if not request.raw_path.startswith("/"):
        return (request.url.host or "").lower()
    return request.headers.get("Host", "").partition(":")[0].lower()
