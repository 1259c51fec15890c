"""Trace callbacks through all processes, where that is configured; else it is None, for nothing.

The context travels as `traceparent` (W3C Trace Context) in every record. A span says which
callback, endpoint and record it was about and how it ended; never a body, a key or a transaction.
OpenTelemetry is imported by `runtime.spans` alone, and that only when spans are to be sent.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final, Protocol

from contracts.errors import Broken
from contracts.raw import TRACEPARENT
from runtime.configuration import Configuration

HEADERS: Final = frozenset({TRACEPARENT, "ce_traceparent"})
_SAMPLED: Final = "01"
_FLUSH_SECONDS: Final = 5.0


class Attribute(StrEnum):
    """What a span may say; nothing else is ever put into one."""

    CALLBACK_ID = "esito.callback_id"
    ENDPOINT = "esito.endpoint"
    OUTCOME = "esito.outcome"  # committed, aborted, accepted, or a stable code
    RECORDS = "messaging.batch.message_count"
    TOPIC = "messaging.destination.name"
    PARTITION = "messaging.destination.partition.id"
    OFFSET = "messaging.kafka.offset"


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
        name: str,
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
    parts = traceparent.split("-")
    return {"trace_id": parts[1]} if len(parts) == 4 and parts[3] == _SAMPLED else None  # noqa: PLR2004 - version, trace, span, flags
