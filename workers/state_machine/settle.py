"""Hold statements for a while, and give them back in the order of what happened. Pure.

Elements of a timeline come in any order, and what each means depends on those before it. So one is
held for a time after it was received; when that is over, it is decided, and before it whatever
happened earlier and is held as well.
"""

from collections.abc import Sequence
from typing import Final

from contracts.instants import epoch_milliseconds
from contracts.update import Statement, VerifiedUpdate
from workers.state_machine.snapshot import NEVER, thirteen_digits

# A snapshot must not grow without end: from here on, the earliest is decided at once.
HELD_UPDATES_MAX: Final = 64
Held = tuple[VerifiedUpdate, ...]


def hold(held: Held, update: VerifiedUpdate) -> Held | None:
    """Return what is held with `update`, in order; None where it is held already."""
    if any(_same(one, update) for one in held):
        return None
    return tuple(sorted((*held, update), key=_order))


def settled(held: Held, now: int, settle_milliseconds: int) -> tuple[Held, Held]:
    """Return what is to be decided at `now` (milliseconds since 1970), and what is still held."""
    due = [number for number, one in enumerate(held, 1) if _due(one, settle_milliseconds) <= now]
    count = max([*due, len(held) - HELD_UPDATES_MAX, 0])
    return held[:count], held[count:]


def earliest_due(held: Sequence[VerifiedUpdate], settle_milliseconds: int) -> int:
    """Return when something held is to be decided (milliseconds since 1970)."""
    return min((_due(one, settle_milliseconds) for one in held), default=NEVER)


def _due(update: VerifiedUpdate, settle_milliseconds: int) -> int:
    return thirteen_digits(epoch_milliseconds(update.received_at) + settle_milliseconds)


def _order(update: VerifiedUpdate) -> tuple[str, str]:
    what = update.what
    return (what.sort_key, what.fact) if isinstance(what, Statement) else ("", "")


def _same(one: VerifiedUpdate, other: VerifiedUpdate) -> bool:
    """Tell whether two updates say the same thing: content too, so that a contradiction is seen."""
    return one.what == other.what
