"""Join endpoints, raw topics and the HTTP server; start in one order, stop in the other.

aiohttp's low-level server is used because the routes are a dictionary of fixed paths: no router, no
middleware, a tenth less CPU per callback, and every error answer is ours.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from contracts.codes import RefusalCode
from contracts.errors import Broken
from contracts.provider import Answers
from ingress.answers import empty, problem, status_of
from ingress.authenticate import Refused
from ingress.endpoint import EndpointHandler
from ingress.enqueue import Enqueuer
from ingress.refusals import Refusals
from runtime.configuration import Ingress as IngressSettings
from runtime.configuration import Tls
from runtime.metrics import Metrics

Route = tuple[str | None, str]  # host (None: any) and path


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """All there is to serve: the handlers by route, the ways into Kafka, and what is counted."""

    settings: IngressSettings
    routes: Mapping[Route, EndpointHandler]
    enqueuers: Mapping[str, Enqueuer]
    metrics: Metrics
    refusals: Refusals

    def readiness(self) -> Mapping[str, bool]:
        """Return what /readyz shows; credentials are loaded before this object exists."""
        return {"credentials": True, **{topic: one.ready for topic, one in self.enqueuers.items()}}

    async def run(self, stop: asyncio.Event, *, reuse_port: bool) -> None:
        """Serve until `stop`, then finish what is in flight within the grace period.

        Raises:
            Broken: the port is taken, or a TLS file cannot be used.
        """
        settings = self.settings
        server = _Server(
            Callbacks(self, stop).handle,
            connections_max=settings.connections_max,
            **_limits(settings),
        )
        runner = web.ServerRunner(
            server, handle_signals=False, shutdown_timeout=settings.grace_seconds
        )
        await runner.setup()
        site = web.TCPSite(
            runner,
            settings.host,
            settings.port,
            ssl_context=_tls(settings.tls),
            reuse_port=reuse_port,
            backlog=1024,
        )
        for enqueuer in self.enqueuers.values():
            enqueuer.start()
        try:
            await site.start()
        except OSError as error:
            raise Broken(
                f"ingress port {settings.host}:{settings.port}: {error.strerror}"
            ) from None
        try:
            await stop.wait()
        finally:
            # Stops listening, lets handlers in flight finish within the grace period, closes
            # connections.
            await runner.cleanup()
            await asyncio.gather(*(one.stop() for one in self.enqueuers.values()))


class Callbacks:
    """The one request handler: find the endpoint, count, and turn refusals into answers."""

    def __init__(self, app: App, draining: asyncio.Event) -> None:
        """Resolve what every request needs."""
        self._app = app
        self._draining = draining
        self._hosts = {host for host, _ in app.routes if host}
        self._headers_max = app.settings.headers_max
        self._accepted = {
            handler: app.metrics.counter(
                "esito_ingress_callbacks_total", handler.settings.name, "accepted"
            )
            for handler in app.routes.values()
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        handler = self._route(request)
        try:
            if self._draining.is_set():
                raise Refused(RefusalCode.DRAINING)
            if len(request.raw_headers) > self._headers_max:
                raise Refused(RefusalCode.HEADERS_TOO_MANY)
            if handler is None:
                raise Refused(RefusalCode.PATH_UNKNOWN)
            status = await handler.handle(request)
        except Refused as refusal:
            return self._refusal(refusal.code, handler)
        self._accepted[handler].inc()
        return empty(status)

    def _route(self, request: web.BaseRequest) -> EndpointHandler | None:
        path = request.raw_path.partition("?")[0]
        if self._hosts:
            host = request.headers.get("Host", "").partition(":")[0].lower()
            handler = self._app.routes.get((host, path))
            if handler is not None:
                return handler
        return self._app.routes.get((None, path))

    def _refusal(self, code: RefusalCode, handler: EndpointHandler | None) -> web.Response:
        name = handler.settings.name if handler else ""
        self._app.refusals.count(name, code)
        answers = handler.settings.door.answers if handler else Answers()
        allow = ", ".join(handler.settings.door.methods) if handler else ""
        response = problem(
            status_of(code, answers),
            retry_after_seconds=self._app.settings.retry_after_seconds,
            allow=allow if code is RefusalCode.METHOD_FORBIDDEN else "",
        )
        if code is RefusalCode.DRAINING:
            response.force_close()
        return response


class _Server(web.Server):
    """aiohttp's server with a bound on connections and error answers that say nothing."""

    def __init__(self, handler: Any, *, connections_max: int, **limits: Any) -> None:  # noqa: ANN401
        super().__init__(handler)
        self._connections_max = connections_max
        self._limits = limits

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), access_log=None, **self._limits)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if len(self.connections) > self._connections_max:
            transport.abort()


class _Connection(RequestHandler):
    """One connection; a request that is no HTTP gets problem details without the parser's words."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        response = super().handle_error(request, status, exc, message)
        answer = problem(response.status, retry_after_seconds=1)
        answer.force_close()
        return answer


def _limits(settings: IngressSettings) -> dict[str, Any]:
    return {
        # Also the time for a request's head: a connection without a whole head is idle to aiohttp.
        "keepalive_timeout": settings.idle_seconds,
        # The parser's own limit comes later than ours, which answers 431 instead of 400.
        "max_headers": settings.headers_max * 2,
        "lingering_time": 2.0,
        "auto_decompress": False,
    }


def _tls(tls: Tls | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate_file, tls.key_file)
        if tls.client_ca_file:
            context.load_verify_locations(tls.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise Broken(f"ingress.tls: {error.strerror or error}") from None
    return context
