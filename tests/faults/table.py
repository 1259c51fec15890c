"""Collect one row for each fault and print them as a table when the run is over."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.faults.checker import Verdict

_HEADINGS: Final = ("fault", "acknowledged", "status events", "lost", "doubled", "gaps")


@dataclass(frozen=True, slots=True)
class Row:
    """What one fault led to."""

    fault: str
    verdict: Verdict

    def cells(self) -> tuple[str, ...]:
        """Return the row's texts."""
        found = self.verdict
        counts = (
            found.acknowledged,
            found.status_events,
            len(found.lost),
            len(found.doubled),
            len(found.gaps),
        )
        return (self.fault, *map(str, counts))


@dataclass(slots=True)
class Table:
    """The rows of a run, in the order in which they were added."""

    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Add a row."""
        self.rows.append(row)

    def lines(self) -> Iterator[str]:
        """Yield the table's lines; nothing if there is no row."""
        if not self.rows:
            return
        table = [_HEADINGS, *(row.cells() for row in self.rows)]
        widths = [max(len(cells[column]) for cells in table) for column in range(len(_HEADINGS))]
        for cells in table:
            first, *others = (
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
            )
            yield "  ".join([first, *others])
