"""See that fuzzing finds what is there to be found: a net that catches nothing looks the same."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from contracts.codes import RejectionCode
from contracts.errors import Broken, Rejected, Unavailable
from contracts.json_object import read_json
from tests.fuzz.engine import FINDINGS_MAX, Runner, Session
from tests.fuzz.findings import told
from tests.fuzz.framing import joined, parted
from tests.fuzz.ledger import Ledger
from tests.fuzz.mutator import Mutator
from tests.fuzz.run import table
from tests.fuzz.target import BYTES_MAX, ROOT, Target, outcome
from tests.fuzz.watch import Row


def raising(error: BaseException) -> Target:
    def run(data: bytes) -> None:
        if data != b"harmless":
            raise error

    return Target("planted", "raises", lambda: [b"harmless"], run)


@pytest.mark.parametrize(
    "error",
    [
        Rejected(RejectionCode.JSON_INVALID, "character 1"),
        Rejected(RejectionCode.JSON_INVALID),
        Unavailable("away"),
    ],
)
def test_declared_error_is_no_finding(error: Exception) -> None:
    assert outcome(raising(error), b"x") is None


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), Broken("x"), RecursionError(), MemoryError(), SystemExit(), BaseException()],
)
def test_any_other_error_is_a_finding(error: BaseException) -> None:
    finding = outcome(raising(error), b"x")

    assert finding is not None
    assert finding.kind == type(error).__name__


@pytest.mark.parametrize(
    ("detail", "kind"), [("x" * 1_001, "DetailTooLong"), ("half a \ud800", "UnicodeEncodeError")]
)
def test_rejection_whose_detail_no_header_can_hold_is_a_finding(detail: str, kind: str) -> None:
    finding = outcome(raising(Rejected(RejectionCode.JSON_INVALID, detail)), b"x")

    assert finding is not None
    assert finding.kind == kind


def test_finding_names_the_innermost_line_of_shipped_code() -> None:
    def run(data: bytes) -> None:
        read_json(data.decode())  # type: ignore[arg-type] # the bug

    finding = outcome(Target("planted", "a text where bytes are due", list, run), b"{}")

    assert finding is not None
    assert finding.where.startswith("contracts/json_object.py:")


def test_runner_saves_a_finding_once_and_says_how_to_see_it_again(tmp_path: Path) -> None:
    Ledger.new(tmp_path / "ledger")
    session = Session(raising(KeyError("x")), 1, 1, tmp_path, tmp_path / "found")
    runner = Runner(session, Ledger(tmp_path / "ledger"))

    for data in (b"harmless", b"first", b"second"):
        runner.run(data)

    (text,) = told(tmp_path / "found", "planted")
    (file,) = (tmp_path / "found").glob("*.input")
    assert file.read_bytes() == b"first"
    assert text.endswith(f"again: python -m tests.fuzz planted --input {file}")


def test_runner_saves_no_more_than_a_person_reads(tmp_path: Path) -> None:
    def run(data: bytes) -> None:
        raise type(f"Error{data.decode()}", (Exception,), {})

    Ledger.new(tmp_path / "ledger")
    session = Session(Target("planted", "always another", list, run), 1, 1, tmp_path, tmp_path)
    runner = Runner(session, Ledger(tmp_path / "ledger"))

    for number in range(FINDINGS_MAX + 5):
        runner.run(b"%d" % number)

    assert len(told(tmp_path, "planted")) == FINDINGS_MAX


def test_ledger_has_the_input_at_hand_for_another_process(tmp_path: Path) -> None:
    watching = Ledger.new(tmp_path / "ledger")
    running = Ledger(tmp_path / "ledger")

    running.begin(12.5)
    running.note(b"a longer one")
    running.note(b"deadly")

    assert (watching.began, watching.executions, watching.at_hand) == (12.5, 2, b"deadly")


def test_mutator_makes_the_same_inputs_from_the_same_chance() -> None:
    def made(seed: int) -> list[bytes]:
        mutator = Mutator([b"one", b"x" * BYTES_MAX], [b"token"], Random(seed))  # noqa: S311 - as in the engine
        return [mutator.next() for _ in range(200)]

    assert made(1) == made(1) != made(2)
    assert max(len(one) for one in made(1)) <= BYTES_MAX


def test_frame_is_read_as_it_was_written() -> None:
    fields = [("name", b"value: with\nline feed"), ("empty", b"")]

    assert parted(joined(fields, b"body\n\n")) == (fields, b"body\n\n")


def test_table_tells_a_target_that_failed_from_one_without_findings() -> None:
    rows = [Row("json", 1_000, 10, 53), Row("xml", failed="xml: did not start")]

    lines = table(rows).splitlines()

    assert lines[1].split() == ["json", "1,000", "10", "100", "53", "0"]
    assert lines[2].split()[-1] == "failed"


def test_command_runs_a_target_and_prints_the_table(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "json", "path-token", "--plain"]
    command += ["--seconds", "0.5", "--processes", "2", "--findings", str(tmp_path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "random changes without coverage (as asked)" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("total")
