"""Run one target in this process until its time is over, by the coverage engine or without.

The engine is atheris (libFuzzer): it keeps inputs that reach new places and changes those. It ends
the process by itself, so nothing after it runs; all that is to be known stands in the ledger.
"""

import faulthandler
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

from tests.fuzz.findings import save
from tests.fuzz.ledger import Ledger
from tests.fuzz.mutator import Mutator
from tests.fuzz.target import BYTES_MAX, Target, outcome

# Of processor time, so that a busy machine finds no hangs. Every target answers in milliseconds.
INPUT_SECONDS_MAX: Final = 5
MEMORY_BYTES_MAX: Final = 1_073_741_824  # beyond what the process has when the first input begins
FINDINGS_MAX: Final = 20  # who finds more has one cause in many places
_MEGABYTE: Final = 1_048_576

One = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Session:
    """One process on one target: for how long, from which chance, and where it writes."""

    target: Target
    seconds: float
    seed: int
    directory: Path
    findings: Path


class Runner:
    """Runs inputs one after another, within their bounds, and saves what escapes, each once."""

    def __init__(self, session: Session, ledger: Ledger) -> None:
        """Begin with nothing found."""
        self._session = session
        self._ledger = ledger
        self._known: set[tuple[str, str]] = set()

    def run(self, data: bytes) -> None:
        """Run one input. One that takes too long ends the process, by SIGPROF."""
        self._ledger.note(data)
        signal.setitimer(signal.ITIMER_PROF, INPUT_SECONDS_MAX)
        finding = outcome(self._session.target, data)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if finding is None or (finding.kind, finding.where) in self._known:
            return
        self._known.add((finding.kind, finding.where))
        if len(self._known) <= FINDINGS_MAX:
            save(self._session.findings, self._session.target.name, data, finding)


def fuzz(session: Session, *, coverage: bool) -> None:
    """Run the session to its end; with `coverage`, this does not return."""
    seeds = session.target.corpus()
    ledger = Ledger(session.directory / "ledger")
    runner = Runner(session, ledger)
    _tell_of_death()
    _bound_memory()
    ledger.begin(monotonic())
    # The engine itself would leave seeds out that reach nothing new.
    for seed in seeds:
        runner.run(seed)
    if coverage:
        _by_coverage(session, seeds, runner.run)
    else:
        _plainly(session, seeds, runner.run)


def _plainly(session: Session, seeds: Sequence[bytes], one: One) -> None:
    # The inputs are to be found again, not to be secret.
    mutator = Mutator(seeds, session.target.tokens, Random(session.seed))  # noqa: S311 - see above
    end = monotonic() + session.seconds
    while monotonic() < end:
        one(mutator.next())


def _by_coverage(session: Session, seeds: Sequence[bytes], one: One) -> None:
    import atheris  # noqa: PLC0415 - only some machines have it

    corpus = session.directory / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"{number:04}").write_bytes(seed)
    words = session.directory / "words"
    words.write_text("".join(f'"{_escaped(token)}"\n' for token in session.target.tokens))
    arguments = [
        sys.argv[0],
        f"-max_total_time={max(1, round(session.seconds))}",
        f"-seed={session.seed}",
        # Both look at the clock, and one seed of chance would be another run each time.
        "-entropic=0",
        "-reload=0",
        f"-max_len={BYTES_MAX}",
        f"-dict={words}",
        f"-artifact_prefix={session.directory}/",
        f"-rss_limit_mb={2 * MEMORY_BYTES_MAX // _MEGABYTE}",
        # The bound on one input is ours, and a death is told with Python's own traceback.
        *(
            f"-handle_{signal_name}=0"
            for signal_name in ("alrm", "segv", "abrt", "bus", "ill", "fpe")
        ),
        str(corpus),
    ]
    atheris.Setup(arguments, one)
    atheris.Fuzz()


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


def _tell_of_death() -> None:
    """Let the log have the traceback of whatever ends this process, a hang as well."""
    faulthandler.enable()
    faulthandler.register(signal.SIGPROF, chain=True)


def _bound_memory() -> None:
    """Let an allocation beyond the bound fail: a MemoryError escapes, and is a finding."""
    statistics = Path("/proc/self/statm")
    if statistics.exists():  # elsewhere the limit is not kept
        now = int(statistics.read_text().split()[0]) * resource.getpagesize()
        bound = now + MEMORY_BYTES_MAX
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
