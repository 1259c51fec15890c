"""Write and read instants the one way Esito's records have them: RFC 3339, UTC, microseconds, `Z`.

A fixed width makes instants compare as text in the order of time. A provider's own instants are
never rewritten: they are kept as given, with as many digits as the provider sent.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import StringConstraints

_PATTERN: Final = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"

Instant = Annotated[str, StringConstraints(pattern=_PATTERN)]
"""An instant of ours, as text of 27 characters."""


def instant(moment: datetime) -> str:
    """Return `moment` (aware) as an Instant."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def epoch_milliseconds(text: str) -> int:
    """Return the milliseconds since 1970 of an Instant, rounded down.

    Raises:
        ValueError: `text` is not an RFC 3339 instant.
    """
    return int(datetime.fromisoformat(text).timestamp() * 1000)
