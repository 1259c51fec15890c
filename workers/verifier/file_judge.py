"""Judge files in processes beside the worker, which may be slow, grow or die without harm to it.

What a file does to its process is a fact of the file, never an error:

- its CPU time is over, or three times as much by the clock: `too_slow`
- memory: `too_much_memory`; a crash: `broken`

All but the first are facts only once a second, fresh process has come to the same: the first one
may have been worn by other files. That no process can be started is our own fault: `Unavailable`.
Large files have a place of their own: no small file waits behind one.
"""

import asyncio
import signal
from base64 import b64encode
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from contracts.errors import Unavailable
from contracts.needs import PdfFacts, PdfFault
from runtime.notification_configuration import Pdf
from workers.verifier.fair_turns import FairTurns
from workers.verifier.judging import Digest, Found, Job, Settings
from workers.verifier.judging_process import JudgingProcess, ProcessEnded

# A PDF of 8 MiB is read and hashed in 50 ms where it is not hostile.
LARGE_BYTES: Final = 8_388_608
# While one is judged, the next ones are fetched; more would be but disk.
_COPIES_PER_PROCESS: Final = 3
# The process itself gives up by the clock after four times its CPU time (judge_process.py).
_WALL_CLOCK_FACTOR: Final = 3
# What the kernel ended a process for: it kills one where memory is short.
_FAULTS: Final[Mapping[int, PdfFault]] = {
    -signal.SIGPROF: "too_slow",
    -signal.SIGALRM: "too_slow",
    -signal.SIGKILL: "too_much_memory",
}
OnEnd = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found of a file; `pdf` is None of any other file."""

    digest: Digest
    pdf: PdfFacts | None = None


class FileJudge:
    """The judging processes of one endpoint; none is started before it is needed."""

    def __init__(self, pdf: Pdf, roots: Iterable[bytes], on_end: OnEnd = lambda _: None) -> None:
        """Describe the processes; `roots` are certificates in DER.

        `on_end` hears the fault for which a process came to its end.
        """
        settings = Settings.of(pdf, tuple(b64encode(root).decode() for root in roots))
        self._small = _Lane(settings, pdf.processes, on_end)
        self._large = _Lane(settings, 1, on_end)

    def room(self, bytes_total: int, key: Hashable) -> AbstractAsyncContextManager[None]:
        """Give room for a copy of a file of this size; by turns among the keys."""
        return self._lane(bytes_total).copies.place(key)

    async def judge(self, descriptor: int, job: Job, bytes_total: int, key: Hashable) -> Judged:
        """Return what was found of the file behind `descriptor`; by turns among the keys.

        Raises:
            Unavailable: no process can be started, or none can even read the file.
        """
        lane = self._lane(bytes_total)
        async with lane.turns.place(key):
            return await lane.judge(descriptor, job)

    async def close(self) -> None:
        """End all processes."""
        await self._small.close()
        await self._large.close()

    def _lane(self, bytes_total: int) -> "_Lane":
        return self._large if bytes_total > LARGE_BYTES else self._small


@dataclass(slots=True)
class _Attempt:
    """What one process said of a file until it came to its end."""

    digest: Digest | None = None
    found: Found | None = None
    final: bool = True


class _Lane:
    """Processes of one kind; each judges one file at a time."""

    def __init__(self, settings: Settings, places: int, on_end: OnEnd) -> None:
        self.turns = FairTurns(places)
        self.copies = FairTurns(places * _COPIES_PER_PROCESS)
        self._settings = settings
        self._on_end = on_end
        self._idle: list[JudgingProcess] = []

    async def judge(self, descriptor: int, job: Job) -> Judged:
        attempt = await self._attempt(descriptor, job, fresh=not self._idle)
        if not attempt.final:
            attempt = await self._attempt(descriptor, job, fresh=True)
        if attempt.digest is None:
            raise Unavailable("a process that judges files ends before it has read one")
        return Judged(attempt.digest, attempt.found.facts() if attempt.found else None)

    async def close(self) -> None:
        for process in self._idle:
            await process.end()
        self._idle.clear()

    async def _attempt(self, descriptor: int, job: Job, *, fresh: bool) -> _Attempt:
        process = await JudgingProcess.start(self._settings) if fresh else self._idle.pop()
        attempt, ended = _Attempt(), True
        try:
            await self._ask(process, descriptor, job, attempt)
            ended = attempt.found is not None and attempt.found.fault == "too_much_memory"
            attempt.final = fresh or not ended
        except TimeoutError:
            attempt.found, attempt.final = Found(fault="too_slow"), False
        except ProcessEnded as end:
            attempt.found = Found(fault=_FAULTS.get(end.status, "broken"))
            attempt.final = end.status == -signal.SIGPROF
        finally:
            if ended:
                await process.end()
            else:
                self._idle.append(process)
        if ended and attempt.found:
            self._on_end(attempt.found.fault)
        return attempt

    async def _ask(
        self, process: JudgingProcess, descriptor: int, job: Job, attempt: _Attempt
    ) -> None:
        async with asyncio.timeout(self._settings.seconds_max * _WALL_CLOCK_FACTOR):
            process.send(job, descriptor)
            attempt.digest = Digest.model_validate_json(await process.receive())
            if job.kind == "pdf":
                attempt.found = Found.model_validate_json(await process.receive())
