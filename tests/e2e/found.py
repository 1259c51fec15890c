"""Keep what a test found, as lines under a title, until the run is over."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Found:
    """The sections of a run, in the order in which they were added."""

    sections: dict[str, list[str]] = field(default_factory=dict)

    def add(self, title: str, lines: Iterable[str]) -> None:
        """Add lines below what stands under this title."""
        self.sections.setdefault(title, []).extend(lines)


def columns(*rows: Sequence[object]) -> Iterator[str]:
    """Yield the rows as lines of a table; the first row has the headings, numbers go right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row, cells in zip(rows, texts, strict=True):
        yield "  ".join(
            text.rjust(width) if isinstance(cell, int | float) else text.ljust(width)
            for cell, text, width in zip(row, cells, widths, strict=True)
        ).rstrip()
