"""Count the changes of accepted vectors by what became of them, and print the counts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What became of a changed vector; `withheld`: it says less, and nothing else."""

    REJECTED = "rejected"
    IDENTICAL = "identical"
    WITHHELD = "withheld"
    CHANGED = "changed"


_SHOWN: Final = (Outcome.REJECTED, Outcome.IDENTICAL, Outcome.WITHHELD)


@dataclass(slots=True)
class Tally:
    """How many changes of a vector had which outcome, and those that must not have it."""

    name: str
    endpoint: str
    vectors: int = 0
    bytes_flipped: int = 0
    flips: Counter[Outcome] = field(default_factory=Counter)
    headers: Counter[Outcome] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count what `other` counted."""
        self.vectors += other.vectors
        self.bytes_flipped += other.bytes_flipped
        self.flips.update(other.flips)
        self.headers.update(other.headers)


def by_endpoint(tallies: list[Tally]) -> list[Tally]:
    """Return one tally for each endpoint, in the order of their first vectors."""
    found: dict[str, Tally] = {}
    for tally in tallies:
        sum_of = found.setdefault(tally.endpoint, Tally(tally.endpoint, tally.endpoint))
        sum_of.add(tally)
    return list(found.values())


def lines(tallies: Sequence[Tally]) -> Iterator[str]:
    """Yield the tallies as a table, with a line for all of them: flips first, then headers."""
    total = Tally("all", "")
    for tally in tallies:
        total.add(tally)
    yield _line("", "vectors", "bytes", "flips", *_SHOWN, "headers", *_SHOWN[:2])
    for tally in (*tallies, total):
        flips = [tally.flips[outcome] for outcome in _SHOWN]
        headers = [tally.headers[outcome] for outcome in _SHOWN[:2]]
        counted = (tally.vectors, tally.bytes_flipped, tally.flips.total(), *flips)
        yield _line(tally.name, *counted, tally.headers.total(), *headers)


def _line(name: str, *cells: object) -> str:
    return f"{name:<56}" + "".join(f" {cell!s:>9}" for cell in cells)
