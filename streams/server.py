"""Serve HTTP to readers: as many connections as configured, and an end within the grace period."""

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import web

from contracts.errors import Broken
from runtime.http_server import Limits, Server, listen
from runtime.log_events import LogEvent
from runtime.service_configuration import Streams
from runtime.telemetry import Logger
from streams.exchange import malformed, unrouted

# A stream's largest body: 200 filter values of 256 characters.
BODY_BYTES_MAX: Final = 131_072


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
    runner = web.AppRunner(application(routes))
    await runner.setup()
    limits = Limits(
        host=settings.host, port=settings.port, connections_max=settings.connections_max
    )
    server = _server(runner, limits)
    try:
        listener = await listen(server, limits, name="streams")
    except Broken as error:
        await runner.cleanup()
        raise Broken(f"{error}; set ESITO_STREAMS__PORT") from None
    try:
        for one in listener.sockets:
            host, port, *_ = one.getsockname()
            log.info(LogEvent.PROCESS_LISTENING, address=f"{host}:{port}")
        await stop.wait()
    finally:
        listener.close()
        wake_all()
        await server.finish(end=asyncio.get_running_loop().time() + settings.grace_seconds)
        await runner.cleanup()


def application(routes: list[web.RouteDef]) -> web.Application:
    """Return the routes with the bound on bodies, and an answer for what has no route."""
    app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[unrouted])
    app.add_routes(routes)
    return app


def _server(runner: web.AppRunner, limits: Limits) -> Server:
    """Return the server of ours that answers as the application of `runner` does."""
    routed = runner.server
    if routed is None:
        raise Broken("the HTTP server is not set up")
    server = Server(routed.request_handler, limits=limits, malformed=malformed)
    server.request_factory = routed.request_factory
    server.handler_cancellation = True  # a long poll whose reader has gone must not go on
    return server
