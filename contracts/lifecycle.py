"""Say what a native status does to a transaction that already has one: a table and its reader.

A provider writes its table as text, one row for each status a transaction may stand in and one
column for each status the provider may say next. `parse_table` refuses a table with a hole in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.errors import Broken


class Status(StrEnum):
    """The normalised status: the eight words every provider is translated into."""

    PENDING = "pending"
    PROCESSING = "processing"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Move(StrEnum):
    """What happens when a transaction that stands in the row's status hears the column's."""

    APPLY = "+"  # the transaction moves on
    SAME = "="  # said again under another fact: nothing moves
    STALE = "-"  # older news: nothing moves, nothing is wrong
    LATE = "!"  # stronger than the final status it replaces: moves, and a person is told
    CONFLICT = "x"  # contradicts what stands: nothing moves, and a person is told


UNBORN: Final = "(none)"
Table = Mapping[str, Mapping[str, Move]]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A provider's native statuses, their normalised names, and the table of moves."""

    table: Table
    statuses: Mapping[str, Status]
    final: frozenset[str]

    def knows(self, native: str) -> bool:
        """Tell whether the provider's documents (or our observation) name this status."""
        return native in self.statuses

    def move(self, current: str | None, said: str) -> Move:
        """Return what `said` does to a transaction standing in `current` (None: nowhere yet)."""
        return self.table[current or UNBORN][said]


def parse_table(text: str) -> Table:
    """Read a table of moves: a header line of columns, then one line for each row.

    Raises:
        Broken: a row is short or long, a status has no row or two, a cell is no move, or there
            is no `(none)` row.
    """
    columns, *rows = [line.split() for line in text.splitlines() if line.strip()]
    if len({name for name, *_ in rows}) != len(rows):
        raise Broken("lifecycle rows: one status has two")
    table = {}
    for name, *cells in rows:
        if len(cells) != len(columns):
            raise Broken(f"lifecycle row {name} has {len(cells)} cells for {len(columns)} columns")
        if not set(cells) <= set(Move):
            raise Broken(f"lifecycle row {name} has a cell that is none of {' '.join(Move)}")
        table[name] = {said: Move(cell) for said, cell in zip(columns, cells, strict=True)}
    if set(table) != {UNBORN, *columns}:
        raise Broken(f"lifecycle rows and columns differ: {set(table) ^ {UNBORN, *columns}}")
    return table


def lifecycle(*tables: str, statuses: Mapping[str, Status], final: set[str]) -> Lifecycle:
    """Return the lifecycle of one or more tables in text, the mapping and the final statuses.

    Several tables are several kinds of transaction (a session, a charge); a status of one kind said
    of a transaction of another is a conflict.

    Raises:
        Broken: tables, mapping and final statuses do not name the same native statuses.
    """
    kinds = [parse_table(text) for text in tables]
    names = {name for kind in kinds for name in kind} - {UNBORN}
    if set(statuses) != names or not final <= names:
        raise Broken("lifecycle tables, mapping and final statuses name different native statuses")
    table: dict[str, dict[str, Move]] = {UNBORN: {}}
    for kind in kinds:
        for row, moves in kind.items():
            table.setdefault(row, dict.fromkeys(names, Move.CONFLICT)).update(moves)
    return Lifecycle(table, dict(statuses), frozenset(final))
