"""Collect spans as an OpenTelemetry collector does, and show a trace as a tree."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

Lines = Iterator[str]
_PATH: Final = "/v1/traces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """One span as it was sent; ids in hexadecimal."""

    trace: str
    span: str
    parent: str
    name: str
    service: str
    attributes: Mapping[str, str | int]
    links: tuple[str, ...]
    milliseconds: float
    began: int

    @property
    def text(self) -> str:
        """Return what a tree shows of it."""
        return f"{self.name} ({self.service}) {self.attributes.get('esito.outcome', '?')}"


class Collector:
    """What was sent so far."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.url = ""
        self.spans: list[Collected] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Collector"]:
        """Listen at `url` until the block ends."""
        application = web.Application()
        application.router.add_post(_PATH, self._take)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}{_PATH}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def named(self, name: str) -> list[Collected]:
        """Return all spans of a name, oldest first."""
        found = (one for one in self.spans if one.name == name)
        return sorted(found, key=lambda one: one.began)

    def tree(self, trace: str, *, timed: bool = False) -> list[str]:
        """Return a trace as lines of text."""
        of_trace = sorted(
            (one for one in self.spans if one.trace == trace), key=lambda one: one.began
        )
        known = {one.span for one in of_trace}
        roots = [one for one in of_trace if one.parent not in known]
        return [line for root in roots for line in _lines(root, of_trace, timed=timed)]

    async def _take(self, request: web.Request) -> web.Response:
        message = ExportTraceServiceRequest.FromString(await request.read())
        for resource in message.resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for one in scope.spans:
                    self.spans.append(
                        Collected(
                            trace=one.trace_id.hex(),
                            span=one.span_id.hex(),
                            parent=one.parent_span_id.hex(),
                            name=one.name,
                            service=names["service.name"],
                            attributes={pair.key: _plain(pair.value) for pair in one.attributes},
                            links=tuple(link.span_id.hex() for link in one.links),
                            milliseconds=(one.end_time_unix_nano - one.start_time_unix_nano) / 1e6,
                            began=one.start_time_unix_nano,
                        )
                    )
        return web.Response(content_type="application/x-protobuf")


def _plain(value: AnyValue) -> str | int:
    return int(value.int_value) if value.HasField("int_value") else str(value.string_value)


def _lines(one: Collected, of_trace: list[Collected], *, timed: bool) -> Lines:
    yield one.text + (f"  {one.milliseconds:.1f} ms" if timed else "")
    children = [child for child in of_trace if child.parent == one.span]
    for child in children:
        mark, further = ("└─ ", "   ") if child is children[-1] else ("├─ ", "│  ")
        first, *others = _lines(child, of_trace, timed=timed)
        yield f"{mark}{first}"
        yield from (f"{further}{line}" for line in others)
