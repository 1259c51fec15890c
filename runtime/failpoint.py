"""Let a test kill the process at a named point; without `ESITO_FAILPOINT` the call does nothing.

The variable is `<point>[:<nth passage>]`, for example `produced:3`. Only __main__ modules read it.
"""

import os
import signal
from collections.abc import Callable

from contracts.errors import Broken

Failpoint = Callable[[str], None]
WORKER_POINTS = ("fetched", "processed", "begun", "produced", "offsets_sent", "committed")
POINTS = (
    *WORKER_POINTS,
    *("rows_written", "rows_committed"),  # streams
    *("reserved", "marked"),  # intake, with "produced" between them
    *("polled", "stored"),  # poller
)


def no_failpoint(point: str) -> None:
    """Do nothing: what runs in production."""
    del point


def failpoint(specification: str | None) -> Failpoint:
    """Return the function that the loop calls at each point.

    Raises:
        Broken: the specification names no point.
    """
    if not specification:
        return no_failpoint
    wanted, _, passage = specification.partition(":")
    if wanted not in POINTS:
        raise Broken(f"ESITO_FAILPOINT={specification}: the points are {', '.join(POINTS)}")
    left = int(passage or 1)

    def reached(point: str) -> None:
        nonlocal left
        if point == wanted:
            left -= 1
            if left == 0:
                # SIGKILL: no handler, no flush, no goodbye, as when the machine goes away.
                os.kill(os.getpid(), signal.SIGKILL)

    return reached
