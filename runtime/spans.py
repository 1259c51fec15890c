"""Send spans by OpenTelemetry's OTLP over HTTP: the one module that imports OpenTelemetry.

Whether a trace is kept is decided by its id alone, at every entrance alike: the flag that a caller
set is a wish of his. Within, each process keeps to what the entrance decided.
"""

import threading
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.raw import TRACEPARENT
from runtime.service_configuration import Tracing as TracingSettings
from runtime.tracing import Attribute, Step, StepName

_SERVED = {StepName.CALLBACK_RECEIVE, StepName.REQUEST_RECEIVE}
_ENTRANCES = frozenset({"ingress", "intake"})
_CONTEXT = TraceContextTextMapPropagator()


class Spans:
    """The spans of one process."""

    def __init__(self, settings: TracingSettings, *, process: str, provider: str) -> None:
        """Begin to send in the background; what cannot be sent is dropped, and nobody waits."""
        ratio = TraceIdRatioBased(settings.sampled_ratio)
        names = {"service.namespace": "esito", "service.name": f"esito-{process}"}
        resource = Resource.create(names | ({"esito.provider": provider} if provider else {}))
        self._provider = TracerProvider(
            sampler=ratio if process in _ENTRANCES else ParentBased(ratio),
            resource=resource,
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=settings.otlp_url, timeout=settings.timeout_seconds)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("esito")

    def begin(
        self,
        name: StepName,
        *,
        parent: str = "",
        follows: Sequence[Step] = (),
        **attributes: str | int,
    ) -> "Span":
        """Return a span that has begun; see runtime.tracing.Tracing."""
        links = [trace.Link(one.context) for one in follows if isinstance(one, Span)]
        found = self._tracer.start_span(
            name.value,
            context=_CONTEXT.extract({TRACEPARENT: parent}) if parent else None,
            kind=trace.SpanKind.SERVER if name in _SERVED else trace.SpanKind.INTERNAL,
            attributes={Attribute[key.upper()].value: value for key, value in attributes.items()},
            links=links,
        )
        return Span(found)

    def close(self, seconds: float) -> None:
        """Send what is left, for so long at most; it blocks.

        The library's own bound is one for each batch: a collector that is away would hold a process
        with a full queue for half a minute, which is longer than it is given to end.
        """
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(seconds)


class Span:
    """One span of OpenTelemetry's."""

    def __init__(self, span: trace.Span) -> None:
        """Wrap a span that has begun."""
        self._span = span

    @property
    def context(self) -> trace.SpanContext:
        """Return what a link points at."""
        return self._span.get_span_context()

    @property
    def traceparent(self) -> str:
        """Return the context for what follows from this span: W3C Trace Context §3.2."""
        context = self.context
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, outcome: str, *, failed: bool = False) -> None:
        """End it; a second time does nothing."""
        if not self._span.is_recording():
            return
        self._span.set_attribute(Attribute.OUTCOME.value, outcome)
        if failed:
            self._span.set_status(trace.StatusCode.ERROR, outcome)
        self._span.end()
