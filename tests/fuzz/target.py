"""Say what a fuzz target is, and run it on one input: nothing escapes but what is declared."""

import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import Rejected, Unavailable

BYTES_MAX: Final = 16_384  # of one input: every real callback is smaller, and short ones run more
# Half of what Kafka would take of a header without a thought; a longer detail repeats its sender.
DETAIL_BYTES_MAX: Final = 1_000
ROOT: Final = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Target:
    """One place where bytes of a stranger come in.

    `run` takes an input to the end of its road, and checks what comes out. `tokens` are words that
    bring a random change nearer to something that is read.
    """

    name: str
    what: str
    seeds: Callable[[], Iterable[bytes]]
    run: Callable[[bytes], None]
    tokens: tuple[bytes, ...] = ()

    def corpus(self) -> list[bytes]:
        """Return the seeds, each once and in their order, without those that are too long."""
        return [one for one in dict.fromkeys(self.seeds()) if len(one) <= BYTES_MAX]


@dataclass(frozen=True, slots=True)
class Finding:
    """What escaped: its type, the innermost shipped line that it came from, and the traceback."""

    kind: str
    where: str
    text: str


class Forged(AssertionError):
    """A verifier took something that nobody has signed."""


class DetailTooLong(AssertionError):
    """A rejection's detail is longer than any rule that it could name."""


@contextmanager
def rejections() -> Iterator[None]:
    """Let a rejection end what is inside, if it could be the header of a dead letter."""
    try:
        yield
    except Rejected as rejection:
        if len(rejection.detail.encode()) > DETAIL_BYTES_MAX:
            raise DetailTooLong(str(rejection)) from rejection


def outcome(target: Target, data: bytes) -> Finding | None:
    """Return what `target` lets escape of this input; None if it does as it declares."""
    try:
        # What a library says of a stranger's certificate is no failure.
        with rejections(), suppress(Unavailable), warnings.catch_warnings(action="ignore"):
            target.run(data)
    except KeyboardInterrupt:
        raise
    # A panic in a library that is written in Rust is no Exception.
    except BaseException as error:  # noqa: BLE001 - whatever else escapes is what is looked for
        return finding_of(error)
    return None


def finding_of(error: BaseException) -> Finding:
    """Return the finding that an escaped exception is."""
    text = "".join(traceback.format_exception(error))
    lines = [*_lines(error), *_lines(error.__cause__)]
    shipped = [line for line in lines if not line.startswith("tests/")]
    return Finding(type(error).__name__, next(iter(shipped or lines), "a library"), text)


def _lines(error: BaseException | None) -> list[str]:
    """Return the lines of the project that the exception passed, the innermost first."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    inside = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT)]
    named = [f"{Path(one.filename).relative_to(ROOT)}:{one.lineno}" for one in reversed(inside)]
    return [line for line in named if not line.startswith(".venv/")]
