"""Write to a terminal what providers control, so that it cannot write to the terminal itself.

A transaction id or a header may hold escape sequences, text direction overrides or rich's own
markup: everything not printable is written as an escape, and markup is never interpreted.
"""

import json
import sys
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wide enough for a record's id beside its code when the output goes to a file.
_PIPE_COLUMNS: Final = 200


def printable(text: str) -> str:
    """Return `text` with every character that is not printable as a backslash escape."""
    return "".join(one if one.isprintable() else _escape(one) for one in text)


def plain(text: object, style: str = "") -> Text:
    """Return `text` for rich: printable, and its square brackets mean nothing."""
    return Text(printable(str(text)), style=style)


def text_of(value: bytes | None) -> str:
    """Return bytes as text that loses nothing: what is not UTF-8 becomes a backslash escape."""
    return (value or b"").decode("utf-8", "backslashreplace")


def body_lines(value: bytes) -> list[str]:
    """Return a body as lines for a terminal: text if it is text, else a hexadecimal dump."""
    try:
        return [printable(line) for line in value.decode("utf-8").splitlines()]
    except UnicodeDecodeError:
        width = 16
        rows = [value[at : at + width] for at in range(0, len(value), width)]
        return [
            f"{number * width:08x}  {row.hex(' '):<{width * 3}} "
            + "".join(chr(one) if one in range(0x20, 0x7F) else "." for one in row)
            for number, row in enumerate(rows)
        ]


def console() -> Console:
    """Return the console for results: standard output, without invented colours or folding."""
    return Console(highlight=False, markup=False, width=None if _is_terminal() else _PIPE_COLUMNS)


def notes() -> Console:
    """Return the console for everything that is not a result: standard error."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def write_json(value: Any) -> None:  # noqa: ANN401 - JSON holds any value
    """Write one object on one line, at once; what is not ASCII is escaped."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def table(*columns: str) -> Table:
    """Return an empty table whose cells fold and never lose a character."""
    empty = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        empty.add_column(column, overflow="fold")
    return empty


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _is_terminal() -> bool:
    return sys.stdout.isatty()
