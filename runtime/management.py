"""Serve /healthz, /readyz and /metrics on a port of their own, out of the providers' reach."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from prometheus_client import disable_created_metrics
from prometheus_client.exposition import choose_encoder

from contracts.errors import Broken
from runtime.metrics import Metrics

_CLOSE_SECONDS: Final = 1.0

Readiness = Callable[[], Mapping[str, bool]]


@asynccontextmanager
async def management_server(
    *, host: str, port: int, metrics: Metrics, readiness: Readiness
) -> AsyncIterator[int]:
    """Serve until the block ends; yield the port in use.

    `readiness()` names each condition and whether it holds; all must, or /readyz answers 503 and
    says which does not. /healthz answers 200 while the event loop runs.

    Raises:
        Broken: the port is taken.
    """
    app = _application(metrics, readiness)
    # No answer takes long; the library's default of a minute is longer than the grace period.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_SECONDS)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise Broken(
            f"management port {host}:{port}: {error.strerror}; set ESITO_MANAGEMENT_PORT"
        ) from None
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _application(metrics: Metrics, readiness: Readiness) -> web.Application:
    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        conditions = readiness()
        return web.json_response(dict(conditions), status=200 if all(conditions.values()) else 503)

    async def exposition(request: web.Request) -> web.Response:
        # Prometheus asks for OpenMetrics, which alone has exemplars; curl gets the plain text.
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(metrics.registry), headers={"Content-Type": content_type})

    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nobody asks for
    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", exposition)
    return app
