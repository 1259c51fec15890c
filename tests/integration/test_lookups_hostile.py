"""PDFs that are out to harm: each ends in a code, within its time and memory; a table says."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

import psutil
import pytest

from contracts.needs import PdfFacts
from runtime.notification_configuration import Pdf
from tests.hostile_pdfs import HOSTILE, HOSTILE_SIGNATURES
from tests.kafka import Report
from tests.pdfs import pdf_root
from tests.updates import at
from workers.verifier.file_judge import FileJudge
from workers.verifier.judging import Job

LIMITS: Final = Pdf(seconds_max=10, memory_bytes_max=1_073_741_824)
_ROW: Final = "{:<32} {:>12} {:>8} {:>8}  {}"

Rows = list[tuple[str, int, float, int, str]]


@pytest.fixture(scope="module")
def rows(report: Report) -> Iterator[Rows]:
    """Give the rows of a table that is printed when all are there."""
    found: Rows = []
    yield found
    lines = ["hostile PDFs; half a second and 71 MB are the start of the process"]
    lines.append(_ROW.format("file", "bytes", "CPU s", "MB", "ends in"))
    for name, size, seconds, memory, end in found:
        lines.append(_ROW.format(name, f"{size:,}", f"{seconds:.2f}", memory // 1_000_000, end))
    report("\n".join(lines))


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_pdf_ends_in_a_code_within_its_bounds(name: str, rows: Rows) -> None:
    make, fault = HOSTILE[name]

    facts = await judged(name, make, rows)

    assert facts.fault == fault


@pytest.mark.parametrize("name", HOSTILE_SIGNATURES)
async def test_hostile_signature_ends_in_an_outcome_within_its_bounds(
    name: str, rows: Rows
) -> None:
    make, outcome = HOSTILE_SIGNATURES[name]

    facts = await judged(name, make, rows)

    assert [one.outcome for one in facts.signatures] == [outcome]


async def judged(name: str, make: Callable[[], bytes], rows: Rows) -> PdfFacts:
    """Return what a fresh process says of the file, and put in the table what that took."""
    document = make()
    judge = FileJudge(LIMITS, [pdf_root().der])
    with TemporaryFile(buffering=0) as file:
        file.write(document)
        async with watched() as took:
            job = Job(kind="pdf", signatures=True, at=at())
            found = await judge.judge(file.fileno(), job, len(document), 0)
    await judge.close()
    assert found.pdf is not None
    end = ", ".join([found.pdf.fault, *(one.outcome for one in found.pdf.signatures)]).strip(", ")
    rows.append((name, len(document), took.seconds, took.memory, end or "taken"))
    assert took.seconds < LIMITS.seconds_max + 1
    assert took.memory < LIMITS.memory_bytes_max
    return found.pdf


class Took:
    """What judging processes have taken so far."""

    seconds = 0.0
    memory = 0

    def look(self) -> None:
        for child in psutil.Process().children():
            try:
                cpu, memory = child.cpu_times(), _peak_bytes(child.pid)
            except (psutil.Error, OSError):
                continue
            self.seconds = max(self.seconds, cpu.user + cpu.system)
            self.memory = max(self.memory, memory)


@asynccontextmanager
async def watched() -> AsyncIterator[Took]:
    """Watch the judging processes until the block ends; their start is part of what they take."""
    took, over = Took(), time.monotonic() + 120

    async def look() -> None:
        while time.monotonic() < over:
            took.look()
            await asyncio.sleep(0.01)

    looking = asyncio.create_task(look())
    try:
        yield took
        took.look()
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1_024
