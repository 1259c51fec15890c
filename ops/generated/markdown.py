"""Write the pieces of a generated Markdown page."""

from collections.abc import Iterable, Sequence
from typing import Final

NOTICE: Final = "<!-- Written by `make contracts`; edit the source it names, not this page. -->"


def page(title: str, *paragraphs: str) -> str:
    """Return a whole page; paragraphs are set apart by blank lines."""
    return "\n\n".join([NOTICE, f"# {title}", *paragraphs]) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar inside a cell is escaped."""
    lines = [list(columns), ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def code(text: object) -> str:
    """Return `text` as inline code."""
    return f"`{text}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
