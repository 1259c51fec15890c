"""Throw changed callbacks, documents, tokens and certificates at everything that reads them.

Each target has a process of its own, with bounds on its time, on the time of one input and on its
memory. What may escape is what a module declares: Rejected or Unavailable. Anything else, a forged
input that is accepted, and an input that ends or stops the process, is a finding: the input is
saved as a file, with a text that says what happened and how to see it again.
"""

import argparse
import faulthandler
import shutil
import signal
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.fuzz.engine import INPUT_SECONDS_MAX
from tests.fuzz.run import run, say, table
from tests.fuzz.target import outcome
from tests.fuzz.targets import all_targets, target_named
from tests.fuzz.watch import Plan

FINDINGS: Final = Path(".esito/fuzz")
_EXAMPLES: Final = """examples:
  python -m tests.fuzz --list                         what there is
  python -m tests.fuzz xml json --seconds 60          two targets, a minute each
  python -m tests.fuzz mdoc --seed 7                  the same inputs as the last --seed 7
  python -m tests.fuzz json --input FILE              one input, with what escapes of it
  make fuzz                                           all targets, 5 minutes each
  make fuzz SECONDS=30                                all targets, half a minute each

The engine is atheris, which keeps inputs that reach code not reached before; where it is not
installed (its wheels are for Linux on x86-64), inputs are changed at random, and a line says so.
The exit code is 1 if something was found."""


def main() -> int:
    """Run what the command line asks for; return 1 if something was found."""
    given = _arguments()
    if given.list:
        for target in all_targets().values():
            say(f"{target.name:<20} {target.what}")
        return 0
    if given.input is not None:
        return _again(given.targets, given.input)
    plain = given.plain or find_spec("atheris") is None
    say(f"fuzz: {_engine(plain=plain, asked=given.plain)}; seed {given.seed}")
    names = given.targets or list(all_targets())
    scratch = Path(tempfile.mkdtemp(prefix="esito-fuzz-"))
    plan = Plan(given.seconds, given.seed, plain, scratch, _new_findings(given.findings, names))
    # Ended from outside, it ends its processes too; a background job is deaf to Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("fuzz: ended before its time"))
    try:
        rows = run(names, plan, processes=given.processes)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say(f"\n{table(rows)}")
    faults = [one for row in rows for one in (*row.findings, row.failed) if one]
    for fault in faults:
        say(f"\n{fault}")
    return 1 if faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="default: all")
    parser.add_argument("--list", action="store_true", help="list the targets and end")
    parser.add_argument("--seconds", type=float, default=60, help="for each target; default 60")
    parser.add_argument("--seed", type=int, default=1, help="of chance; default 1")
    parser.add_argument("--processes", type=int, default=1, help="targets at a time; default 1")
    parser.add_argument("--plain", action="store_true", help="without the coverage engine")
    parser.add_argument("--input", type=Path, help="run this input of one target and end")
    parser.add_argument(
        "--findings", type=Path, default=FINDINGS, help=f"where they are saved; default {FINDINGS}"
    )
    given = parser.parse_args()
    unknown = [name for name in given.targets if name not in all_targets()]
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; --list shows all")
    if given.input is not None and len(given.targets) != 1:
        parser.error("--input needs the one TARGET that it is an input of")
    if given.seconds <= 0 or given.processes < 1:
        parser.error("--seconds and --processes are positive")
    return given


def _engine(*, plain: bool, asked: bool) -> str:
    if not plain:
        return "guided by coverage (atheris)"
    why = "as asked" if asked else "atheris is not installed; its wheels are for Linux on x86-64"
    return f"random changes without coverage ({why})"


def _new_findings(directory: Path, names: list[str]) -> Path:
    """Return the folder of findings, made absolute, without those of earlier runs of `names`."""
    directory = directory.resolve()
    for name in names:
        for file in directory.glob(f"{name}-????????????.*"):
            file.rename(file.with_name(f"earlier-{file.name}"))
    return directory


def _again(names: list[str], file: Path) -> int:
    faulthandler.dump_traceback_later(INPUT_SECONDS_MAX, exit=True)  # where a hang hangs
    finding = outcome(target_named(names[0]), file.read_bytes())
    say(finding.text if finding else "nothing escapes of this input")
    return 1 if finding else 0


if __name__ == "__main__":
    sys.exit(main())
