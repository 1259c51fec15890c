"""Hold where one transaction stands, in bytes that are restored by the million. Pure.

A snapshot's bytes start with two fixed-width numbers, so that restoring reads the timers of a
transaction by slicing and never parses the rest: {"alarm":1790000000000,"expiry":1790000000000, …
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from contracts.update import VerifiedUpdate

# Milliseconds since 1970, thirteen digits until the year 2286: the widest number of that width is
# "never".
NEVER: Final = 9_999_999_999_999
_ALARM: Final = slice(9, 22)
_EXPIRY: Final = slice(32, 45)
_MILLISECONDS_MIN: Final = 1_000_000_000_000


class PlacedUpdate(VerifiedUpdate):
    """An update that may have to wait, and its offset in the verified topic of this partition."""

    offset: int


# Those that waited before offsets were kept have none.
Waiting = Annotated[PlacedUpdate | VerifiedUpdate, Field(union_mode="left_to_right")]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One transaction: its native status, and the facts that decide about the next update.

    `facts` maps every fact ever heard to a digest of what was said with it: the same fact with the
    same digest is a duplicate for ever, with another digest a conflict. `overdue` and `unsolicited`
    say that the alarm of that name has been given. `terms` are those of the expectation. `held` are
    updates that settle, in the order of what happened. Times are milliseconds since 1970.
    """

    alarm: int = NEVER
    expiry: int = NEVER
    status: str | None = None
    sequence: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    expected: bool = False
    deadline: int = NEVER
    overdue: bool = False
    parked: tuple[Waiting, ...] = ()
    parked_until: int = NEVER
    unsolicited: bool = False
    terms: Mapping[str, str] = field(default_factory=dict)
    held: Annotated[tuple[Waiting, ...], Field(exclude_if=lambda given: not given)] = ()

    def encode(self) -> bytes:
        """Return the snapshot as the bytes the changelog holds."""
        return _ADAPTER.dump_json(self)


# A dataclass, because copying a pydantic model costs more than deciding.
_ADAPTER: Final = TypeAdapter(Snapshot)


def decode_snapshot(value: bytes) -> Snapshot:
    """Return the snapshot that `encode` wrote."""
    return _ADAPTER.validate_json(value)


def placed(update: VerifiedUpdate, offset: int) -> PlacedUpdate:
    """Return the update with its offset."""
    return PlacedUpdate.model_construct(**vars(update), offset=offset)


def timers(value: bytes) -> tuple[int, int]:
    """Return alarm and expiry of an encoded snapshot without decoding it."""
    return int(value[_ALARM]), int(value[_EXPIRY])


def thirteen_digits(milliseconds: float) -> int:
    """Return a time of the fixed width: not before 2001, not after 2286."""
    return min(max(int(milliseconds), _MILLISECONDS_MIN), NEVER)
