"""Serve HTTP to readers: as many connections as configured, and an end within the grace period."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from contracts.errors import Broken
from runtime.http_server import open_listener
from runtime.log_events import LogEvent
from runtime.service_configuration import Streams
from runtime.telemetry import Logger
from streams.exchange import malformed, unrouted

# A stream's largest body: 200 filter values of 256 characters.
BODY_BYTES_MAX: Final = 131_072
_IDLE_SECONDS: Final = 75.0  # above a load balancer's 60


async def serve(
    routes: list[web.RouteDef],
    settings: Streams,
    *,
    stop: asyncio.Event,
    wake_all: Callable[[], None],
    log: Logger,
) -> None:
    """Serve until `stop`; then answer what waits, and close.

    Raises:
        Broken: the port is taken.
    """
    runner = web.AppRunner(
        application(routes),
        shutdown_timeout=settings.grace_seconds,
        handler_cancellation=True,  # a long poll whose reader has gone must not go on
    )
    await runner.setup()
    listener = await _listen(runner, settings)
    try:
        for one in listener.sockets:
            host, port, *_ = one.getsockname()
            log.info(LogEvent.PROCESS_LISTENING, address=f"{host}:{port}")
        await stop.wait()
    finally:
        listener.close()
        wake_all()
        await runner.cleanup()


def application(routes: list[web.RouteDef]) -> web.Application:
    """Return the routes with the bound on bodies, and an answer for what has no route."""
    app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[unrouted])
    app.add_routes(routes)
    return app


async def _listen(runner: web.AppRunner, settings: Streams) -> asyncio.Server:
    server = runner.server
    if server is None:
        raise Broken("the HTTP server is not set up")

    def protocol() -> asyncio.Protocol:
        full = len(server.connections) >= settings.connections_max
        return _Closed() if full else _Connection(server)

    try:
        return await open_listener(protocol, settings.host, settings.port, name="streams")
    except Broken as error:
        await runner.cleanup()
        raise Broken(f"{error}; set ESITO_STREAMS__PORT") from None


class _Connection(RequestHandler):
    """Answer what is no HTTP without the parser's words: they quote the path and the fields."""

    __slots__ = ()

    def __init__(self, server: web.Server) -> None:
        """Keep no log of accesses: a path may hold what is nobody else's."""
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # as aiohttp itself does for "no log"
            keepalive_timeout=_IDLE_SECONDS,
        )

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Say that it was malformed, and no more; a fault of ours is told as aiohttp tells it."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return super().handle_error(request, status, exc, message)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        answer = malformed(status)
        answer.force_close()
        return answer


class _Closed(asyncio.Protocol):
    """Close at once the connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Break it off."""
        if isinstance(transport, asyncio.Transport):
            transport.abort()
