"""Read one stream for ever: read, store, and acknowledge by the next reading.

1. read the page after the last event that Kafka has confirmed
2. store each element as a raw record, those of one notification in one partition and in order
3. only when all are confirmed, remember the page's last event: the next reading acknowledges it

Killed anywhere before 3, the same page is read again; nothing is lost, and what was stored twice is
a duplicate by its fact.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from contracts.errors import Unavailable
from contracts.instants import instant
from contracts.raw import RawCallback, Source
from contracts.update import Scheme
from runtime.failpoint import Failpoint
from runtime.log_events import LogEvent
from runtime.metrics import Metrics
from runtime.service_configuration import RemoteStream
from runtime.telemetry import Logger
from workers.poller.page import Element
from workers.poller.raw_writer import Oversized
from workers.poller.remote import Outcome, Page, Unread

Read = Callable[[str | None], Awaitable[Page]]
Write = Callable[[Sequence[RawCallback]], Awaitable[None]]
Pause = Callable[[float], Awaitable[None]]

# What the record says of who vouched for it: the key by which the remote knew us, over TLS.
KEY_ID: Final = "remote-stream"
# Of an element that the topic does not take: enough for a person to know which one it is.
_CUT_BYTES: Final = 65_536
_FIRST_PAUSE_SECONDS: Final = 1.0
# A server that says 0 of an empty page would be asked without end.
_EMPTY_PAUSE_SECONDS_MIN: Final = 1.0
# Where the server says nothing: what SEND's own configuration has.
_EMPTY_PAUSE_SECONDS: Final = 60.0


class Poller:
    """The reading of one endpoint's remote stream."""

    def __init__(
        self,
        endpoint: str,
        settings: RemoteStream,
        *,
        read: Read,
        write: Write,
        pause: Pause,
        jitter: Callable[[], float],
        failpoint: Failpoint,
        metrics: Metrics,
        log: Logger,
    ) -> None:
        """Store for `endpoint`; `jitter` returns a number between 0 and 1."""
        self._endpoint = endpoint
        self._settings = settings
        self._read = read
        self._write = write
        self._pause = pause
        self._jitter = jitter
        self._failpoint = failpoint
        self._metrics = metrics
        metrics.counter("esito_worker_polled_elements_total", endpoint)
        for outcome in Outcome:
            metrics.counter("esito_worker_polls_total", endpoint, outcome.value)
        self._log = log.bind(endpoint=endpoint)
        self._address = f"{settings.url.rstrip('/')}/streams/{settings.stream_id}/events"
        self._acknowledged: str | None = None
        self._missed = 0
        self._said: Outcome | None = None

    @property
    def succeeds(self) -> bool:
        """Tell whether the last reading was stored."""
        return self._said is Outcome.READ

    async def run(self) -> None:
        """Read until cancelled, at any moment."""
        while True:
            await self._pause(await self.turn())

    async def turn(self) -> float:
        """Read one page and store it; return after how many seconds to go on."""
        try:
            page = await self._read(self._acknowledged)  # 1
            self._failpoint("polled")
            await self._store(page.elements)  # 2
        except Unread as error:
            if error.outcome is Outcome.POSITION_REFUSED:
                self._acknowledged = None
            return self._back_off(error)
        self._failpoint("stored")
        if page.elements:
            self._acknowledged = page.elements[-1].event_id  # 3
        self._note(Outcome.READ if page.elements else Outcome.EMPTY)
        self._missed = 0
        return self._asked_for(page)

    async def _store(self, elements: Sequence[Element]) -> None:
        if not elements:
            return
        received_at = datetime.now(UTC)
        try:
            await self._write_all([self._record(one, received_at) for one in elements])
        except (Oversized, Unavailable) as error:
            raise Unread(Outcome.NOT_STORED, str(error)) from None
        count = self._metrics.counter("esito_worker_polled_elements_total", self._endpoint)
        count.inc(len(elements))

    async def _write_all(self, records: Sequence[RawCallback]) -> None:
        """Write all at once; where the topic takes less than we do, one by one, and cut at last."""
        try:
            await self._write(records)
        except Oversized:
            for one in records:
                try:
                    await self._write([one])
                except Oversized:
                    await self._write([_cut(one)])

    def _record(self, element: Element, received_at: datetime) -> RawCallback:
        target = f"{self._address}/{element.event_id}"
        return RawCallback(
            body=element.body,
            # The same whenever the event is read again.
            callback_id=str(uuid5(NAMESPACE_URL, target)),
            endpoint=self._endpoint,
            source=Source.POLL,
            received_at=instant(received_at),
            method="GET",
            target_uri=target,
            principal=f"{Scheme.API_KEY.value}:{KEY_ID}",
            content_type="application/json",
            transaction_id=element.request_id,
            cut_from=element.cut_from,
        )

    def _asked_for(self, page: Page) -> float:
        if page.elements:
            wanted = page.retry_milliseconds or 0
            return min(wanted / 1000, self._settings.retry_seconds_max)
        if page.retry_milliseconds is None:
            return min(_EMPTY_PAUSE_SECONDS, self._settings.retry_seconds_max)
        least = max(page.retry_milliseconds / 1000, _EMPTY_PAUSE_SECONDS_MIN)
        return min(least, self._settings.retry_seconds_max)

    def _back_off(self, error: Unread) -> float:
        self._note(error.outcome, str(error))
        most = self._settings.retry_seconds_max
        self._missed += 1
        # Half of it at least, so that many pollers do not come back together.
        doubled = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(self._missed - 1, 30), most)
        pause = doubled * (1 + self._jitter()) / 2
        if error.retry_milliseconds is not None:
            pause = max(pause, error.retry_milliseconds / 1000)
        return min(pause, most)

    def _note(self, outcome: Outcome, why: str = "") -> None:
        """Count every reading; log where it begins to fail, fails otherwise, or works again."""
        self._metrics.counter("esito_worker_polls_total", self._endpoint, outcome.value).inc()
        good = outcome in {Outcome.READ, Outcome.EMPTY}
        now = Outcome.READ if good else outcome
        if good:
            gauge = self._metrics.gauge("esito_worker_polled_timestamp_seconds", self._endpoint)
            gauge.set(time.time())
            if self._said not in {None, Outcome.READ}:
                self._log.info(LogEvent.STREAM_RECOVERED)
        elif now is not self._said:
            self._log.warning(LogEvent.STREAM_MISSED, code=outcome.value, reason=why)
        self._said = now


def _cut(record: RawCallback) -> RawCallback:
    whole = record.cut_from or len(record.body)
    return replace(record, body=record.body[:_CUT_BYTES], cut_from=whole)
