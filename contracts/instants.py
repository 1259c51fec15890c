"""Write and read instants the one way Esito's records have them: RFC 3339, UTC, microseconds, `Z`.

A fixed width makes instants compare as text in the order of time. A provider's own instants are
never rewritten: they are kept as given, with as many digits as the provider sent.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

# [0-9], because pydantic's \d takes the digits of every script.
_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
_EXACT: Final = re.compile(_PATTERN)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def read_instant(text: str) -> datetime:
    """Return the moment that an Instant names.

    Raises:
        ValueError: `text` is not an Instant, or names a day or an hour that does not exist.
    """
    if not _EXACT.fullmatch(text):
        raise ValueError("not an instant in UTC with microseconds")
    return datetime.fromisoformat(text)


def _existing(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Instant = Annotated[str, StringConstraints(pattern=_PATTERN), AfterValidator(_existing)]
"""An instant of ours, as text of 27 characters."""


def instant(moment: datetime) -> str:
    """Return `moment` (aware) as an Instant."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


# Each update's time is asked for three times: its expiry, the record time, the latency.
@lru_cache(maxsize=4_096)
def epoch_milliseconds(text: str) -> int:
    """Return the milliseconds since 1970 of an Instant, rounded down.

    Raises:
        ValueError: `text` is not an RFC 3339 instant.
    """
    # Whole numbers throughout: a float would lose a millisecond now and then.
    return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
