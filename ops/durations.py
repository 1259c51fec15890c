"""Read the times people type: `90s`, `2h`, `3d`, or an RFC 3339 instant. Pure."""

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from contracts.errors import Broken

_DURATION: Final = re.compile(r"^(\d{1,5})([smhd])$")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def before(text: str, *, now: datetime) -> datetime:
    """Return the moment `text` names, counting a duration back from `now`.

    Raises:
        Broken: `text` is neither a duration nor an instant with its offset.
    """
    length = _duration(text)
    return now - length if length is not None else _instant(text)


def after(text: str, *, now: datetime) -> datetime:
    """Return the moment `text` names, counting a duration from `now` on.

    Raises:
        Broken: `text` is neither a duration nor an instant with its offset.
    """
    length = _duration(text)
    return now + length if length is not None else _instant(text)


def _duration(text: str) -> timedelta | None:
    found = _DURATION.match(text)
    return timedelta(**{_UNITS[found.group(2)]: int(found.group(1))}) if found else None


def _instant(text: str) -> datetime:
    moment = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
    if moment is None or moment.tzinfo is None:
        raise Broken(
            f"{text}: not a time; write 90s, 30m, 2h, 3d, or an instant with its offset such as "
            "2026-11-21T10:00:00Z"
        )
    return moment
