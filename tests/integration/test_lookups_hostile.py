"""PDFs that are out to harm: each ends in a code, within its time and memory; a table says."""

from collections.abc import Callable, Iterator
from tempfile import TemporaryFile
from typing import Final

import pytest

from contracts.needs import PdfFacts
from runtime.notification_configuration import Pdf
from tests.hostile_pdfs import HOSTILE, HOSTILE_SIGNATURES
from tests.judging_processes import watched
from tests.kafka import Report
from tests.pdfs import pdf_root
from tests.updates import at
from workers.verifier.file_judge import FileJudge
from workers.verifier.judging import Job

LIMITS: Final = Pdf()
# The limit of a file begins with the file: half a second on an idle machine.
START_SECONDS_MAX: Final = 10
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
    assert 0 < took.seconds < LIMITS.seconds_max + START_SECONDS_MAX
    assert 0 < took.memory < LIMITS.memory_bytes_max
    return found.pdf
