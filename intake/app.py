"""Route calls to their handlers, turn what they raise into answers, start and stop in order."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from aiohttp import web
from prometheus_client import Counter

from contracts.errors import Unavailable
from intake.call import Call, OpenRoute, Route
from intake.outbox import Outbox, Way
from intake.problems import Code, Problem, problem_answer, unavailable
from intake.tenants import Tenants
from intake.trailers import UploadServer
from runtime.http_server import Limits, listen
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.service_configuration import Intake as IntakeSettings
from runtime.telemetry import Failures, Logger

_STOP_SECONDS: Final = 6.0  # a producer has five
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """All there is to serve: the routes, who may call, and the way into database and Kafka."""

    settings: IntakeSettings
    routes: Sequence[Route | OpenRoute]
    tenants: Tenants
    way: Way
    outbox: Outbox
    metrics: Metrics
    log: Logger

    def readiness(self) -> Mapping[str, bool]:
        """Return what /readyz shows; keys are loaded before this object exists."""
        return {
            "credentials": True,
            "database": self.way.store.ready,
            "kafka": self.way.raw.ready,
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`, then finish what is in flight within the grace period.

        Raises:
            Broken: the port is taken.
        """
        settings = self.settings
        limits = Limits(
            host=settings.host, port=settings.port, connections_max=settings.connections_max
        )
        calls = Calls(self, stop)
        server = UploadServer(calls.handle, limits=limits, malformed=calls.malformed)
        listener = await listen(server, limits, name="intake")
        try:
            self.way.raw.start()
            for one in listener.sockets:
                host, port, *_ = one.getsockname()
                self.log.info(LogEvent.PROCESS_LISTENING, address=f"{host}:{port}")
            await stop.wait()
        finally:
            listener.close()
            await self._finish(server)

    async def _finish(self, server: UploadServer) -> None:
        """Let handlers in flight end, then close the way to Kafka, all within the grace period.

        What has no answer by then was never answered 2xx; its request is in the database.
        """
        grace = self.settings.grace_seconds
        end = asyncio.get_running_loop().time() + grace
        await server.finish(end=end - min(_STOP_SECONDS, grace / 2))
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                await self.outbox.stop()
                await self.way.raw.stop()


class Calls:
    """The one request handler: find the route, the caller, and turn errors into answers."""

    def __init__(self, app: App, draining: asyncio.Event) -> None:
        """Resolve what every call needs."""
        self._app = app
        self._draining = draining
        self._failures = Failures(app.log)
        self._retry_after_seconds = app.settings.retry_after_seconds
        self._counters: dict[tuple[str, int], Counter] = {}
        for code in Code:
            app.metrics.counter("esito_intake_problems_total", code)
        names = {route.operation for route in app.routes} | {_UNKNOWN}
        self._seconds = {
            name: app.metrics.histogram("esito_intake_request_seconds", name) for name in names
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        begun = time.perf_counter()
        operation = _UNKNOWN
        try:
            route, variables = self._route(request)
            operation = route.operation
            if self._draining.is_set():
                raise unavailable()
            response = await self._answered(route, request, variables)
        except Problem as problem:
            response = self._problem(request, problem)
        except Unavailable:
            response = self._problem(request, unavailable())
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - nothing unforeseen may become a 500 with a text
            self._failures.tell(error)
            response = self._problem(request, unavailable())
        if self._draining.is_set():
            response.force_close()
        self._count(operation, response.status)
        self._seconds[operation].observe(time.perf_counter() - begun)
        return response

    def malformed(self) -> web.Response:
        """Return the answer to what is no HTTP."""
        self._count(_UNKNOWN, HTTPStatus.BAD_REQUEST)
        problem = Problem(HTTPStatus.BAD_REQUEST, Code.MALFORMED)
        return problem_answer(problem, retry_after_seconds=self._retry_after_seconds)

    def _route(self, request: web.BaseRequest) -> tuple[Route | OpenRoute, tuple[str, ...]]:
        path = request.rel_url.raw_path
        allowed = []
        for route in self._app.routes:
            found = route.pattern.fullmatch(path)
            if found is not None:
                if route.method == request.method:
                    return route, found.groups()
                allowed.append(route.method)
        if allowed:
            status, allow = HTTPStatus.METHOD_NOT_ALLOWED, ", ".join(allowed)
            raise Problem(status, Code.METHOD_FORBIDDEN, closing=True, allow=allow)
        raise Problem(HTTPStatus.NOT_FOUND, Code.PATH_UNKNOWN, closing=True)

    async def _answered(
        self, route: Route | OpenRoute, request: web.BaseRequest, variables: tuple[str, ...]
    ) -> web.StreamResponse:
        if isinstance(route, OpenRoute):
            return await route.handle(request, variables)
        caller = self._app.tenants.authenticate(request)
        call = Call(request=request, caller=caller, at=datetime.now(UTC), variables=variables)
        return await route.handle(call)

    def _problem(self, request: web.BaseRequest, problem: Problem) -> web.Response:
        self._app.metrics.counter("esito_intake_problems_total", problem.code).inc()
        response = problem_answer(problem, retry_after_seconds=self._retry_after_seconds)
        # RFC 9110 §10.1.1: a caller who waits for "100 Continue" may leave the body out, and then
        # its next request would be read as that body.
        if "Expect" in request.headers and not request.content.is_eof():
            response.force_close()
        return response

    def _count(self, operation: str, status: int) -> None:
        counter = self._counters.get((operation, status))
        if counter is None:
            counter = self._counters[operation, status] = self._app.metrics.counter(
                "esito_intake_requests_total", operation, status
            )
        counter.inc()


def path_pattern(path: str) -> re.Pattern[str]:
    """Return the pattern of a path in which `{name}` stands for any one segment."""
    return re.compile(re.sub(r"\\{[a-zA-Z]+\\}", "([^/]+)", re.escape(path)))
