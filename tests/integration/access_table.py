"""Write what each user was let do, and refused, as tables for people."""

from collections.abc import Iterable, Mapping

from tests.kafka_attempts import Attempt

Found = Mapping[str, Mapping[Attempt, bool]]  # by the user's name
LEGEND = (
    "R read, W write, C create, D describe, S see settings, A alter settings, "
    "X delete records, T delete the topic; J join a group, O see its offsets; "
    "P be the producer of a transactional id; G give somebody a right. A dot was tried and refused."
)
_LETTERS = {
    "read": "R",
    "write": "W",
    "create": "C",
    "describe": "D",
    "see settings": "S",
    "alter settings": "A",
    "delete records": "X",
    "delete": "T",
    "join": "J",
    "watch": "O",
    "be": "P",
    "grant": "G",
}
_COLUMNS = 6


def access_table(found: Found) -> str:
    """Return a row for each user, and a column for each thing that was tried with."""
    names = list(dict.fromkeys(attempt.name for one in found.values() for attempt in one))
    tables = [_table(found, names[at : at + _COLUMNS]) for at in range(0, len(names), _COLUMNS)]
    refused = sum(not allowed for one in found.values() for allowed in one.values())
    total = sum(len(one) for one in found.values())
    return "\n\n".join([LEGEND, *tables, f"{total} attempts, {total - refused} allowed"])


def _table(found: Found, names: list[str]) -> str:
    rows = [["", *(_short(name) for name in names)]]
    for user, attempts in found.items():
        rows.append([user, *(_cell(attempts, name) for name in names)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _cell(attempts: Mapping[Attempt, bool], name: str) -> str:
    return "".join(
        _LETTERS[attempt.what] if allowed else "."
        for attempt, allowed in attempts.items()
        if attempt.name == name
    )


def _short(name: str) -> str:
    """Return a name without what all of its kind have in common."""
    if name.startswith("esito.") and ".callbacks." in name:
        return f"id of {name.partition('.callbacks.')[0].removeprefix('esito.')}"
    for beginning in ("callbacks.", "transactions.", "esito."):
        name = name.removeprefix(beginning)
    return name.removesuffix(".v1")


def _line(row: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
