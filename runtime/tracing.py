"""Trace callbacks through all processes, where that is configured; else it is None, for nothing.

The context travels as `traceparent` (W3C Trace Context) in every record. A span says which
callback, endpoint and record it was about and how it ended; never a body, a key or a transaction.
OpenTelemetry is imported by `runtime.spans` alone, and that only when spans are to be sent.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

from contracts.codes import Code
from contracts.errors import Broken
from contracts.raw import TRACEPARENT
from runtime.configuration import Configuration

HEADERS: Final = frozenset({TRACEPARENT, "ce_traceparent"})
# W3C Trace Context §3.2: version, trace, span, flags. OpenTelemetry begins a trace with 03:
# sampled, and of a random id.
_CONTEXT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")
_SAMPLED: Final = 0b1
_FLUSH_SECONDS: Final = 2.0


class StepName(Code):
    """The steps that a callback takes, and the batches in which it takes them."""

    CALLBACK_RECEIVE = "callback.receive", "From an authenticated request to its confirmation."
    REQUEST_RECEIVE = "request.receive", "A public body's request, until Kafka has it."
    RECORD_VERIFY = "record.verify", "A raw record, from its verification to the commit."
    UPDATE_DECIDE = "update.decide", "A verified update, from its decision to the commit."
    EVENT_PROJECT = "event.project", "A status event on its way into the streams' database."
    BATCH_COMMIT = "batch.commit", "A Kafka transaction, linked to the steps of its records."
    BATCH_WRITE = "batch.write", "A database transaction, linked to the steps of its events."


class Attribute(Code):
    """What a span may say; nothing else is ever put into one."""

    CALLBACK_ID = "esito.callback_id", "The id that the entrance gave the callback."
    ENDPOINT = "esito.endpoint", "The endpoint's name."
    OUTCOME = "esito.outcome", "accepted, committed, projected, aborted, fenced, or a stable code."
    RECORDS = "messaging.batch.message_count", "How many records a batch has."
    TOPIC = "messaging.destination.name", "The topic that the record was read from."
    PARTITION = "messaging.destination.partition.id", "Its partition."
    OFFSET = "messaging.kafka.offset", "Its offset."


class Step(Protocol):
    """One step of a callback's way: a span that has begun."""

    @property
    def traceparent(self) -> str:
        """Return the context for what follows from this step."""

    def end(self, outcome: str, *, failed: bool = False) -> None:
        """End it; a second time does nothing."""


class Tracing(Protocol):
    """Begins steps."""

    def begin(
        self,
        name: StepName,
        *,
        parent: str = "",
        follows: Sequence[Step] = (),
        **attributes: str | int,
    ) -> Step:
        """Return a step under `parent`, a traceparent, linked to all that it `follows`.

        `attributes` are named by the members of Attribute in lower case.
        """


@asynccontextmanager
async def tracing(
    configuration: Configuration, *, process: str, provider: str = ""
) -> AsyncIterator[Tracing | None]:
    """Give what begins steps, or None where no address for spans is configured.

    Raises:
        Broken: the packages are not installed.
    """
    settings = configuration.tracing
    if settings.otlp_url is None:
        yield None
        return
    try:
        from runtime.spans import Spans  # noqa: PLC0415 - nobody else pays for it
    except ImportError as error:
        raise Broken(
            f"tracing.otlp_url needs the package {error.name}: pip install 'esito[tracing]'"
        ) from None
    spans = Spans(settings, process=process, provider=provider)
    try:
        yield spans
    finally:
        await asyncio.to_thread(spans.close, _FLUSH_SECONDS)


def traceparent_of(headers: Sequence[tuple[str, bytes]]) -> str:
    """Return the context in a record's headers, or nothing."""
    return next(
        (value.decode("ascii", "replace") for name, value in headers if name == TRACEPARENT), ""
    )


def carried(headers: list[tuple[str, bytes]], step: Step) -> list[tuple[str, bytes]]:
    """Return a record's headers with the context of `step`, in all of the forms it had before."""
    context = step.traceparent.encode()
    kept = [(name, context if name in HEADERS else value) for name, value in headers]
    return kept if any(name in HEADERS for name, _ in kept) else [*kept, (TRACEPARENT, context)]


def exemplar(traceparent: str) -> dict[str, str] | None:
    """Return what leads from a metric to a trace that was kept, or None."""
    found = _CONTEXT.fullmatch(traceparent)
    return {"trace_id": found[1]} if found and int(found[2], 16) & _SAMPLED else None
