"""Ask the process of this container whether it is well; the standard library alone, for speed."""

import http.client
from enum import StrEnum
from typing import Final

_ANSWER_SECONDS: Final = 3.0


class Probe(StrEnum):
    """What may be asked: whether it runs, and whether it can do its work."""

    ALIVE = "/healthz"
    READY = "/readyz"


def holds(probe: Probe, *, port: int) -> bool:
    """Say whether the management port answers the probe with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", probe)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
