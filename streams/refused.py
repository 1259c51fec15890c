"""Say no to a reader, in SEND's form of a problem and in our own. Pure.

Nothing in an answer quotes the request, and nobody learns from it what belongs to others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from contracts.instants import instant

# https://github.com/pagopa/pn-stream (PnStreamExceptionCodes) and pn-commons (PnExceptionsCodes).
INVALID: Final = "PN_GENERIC_INVALIDPARAMETER"
UNAUTHENTICATED: Final = "PN_GENERIC_UNAUTHORIZED"
FORBIDDEN: Final = "PN_WEBHOOK_FORBIDDEN"
NOT_FOUND: Final = "PN_WEBHOOK_NOT_FOUND"
TOO_MANY: Final = "PN_WEBHOOK_MAXSTREAMSCOUNTREACHED"
CHANGED: Final = "PN_WEBHOOK_STREAM_CHANGED"  # ours: SEND has none
TOO_EARLY: Final = "PN_STREAM_RETRY_AFTER_ERROR"
AWAY: Final = "PN_GENERIC_ERROR"
_DETAIL_CHARACTERS_MAX: Final = 1_024


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: SEND's code, the member it is about, and the rule."""

    code: str
    element: str = ""
    detail: str = ""


class Refused(Exception):
    """A request that is not granted."""

    def __init__(
        self, status: int, *faults: Fault, headers: Mapping[str, str] | None = None
    ) -> None:
        """Keep the HTTP status, and all that is wrong."""
        super().__init__(str(status))
        self.status = status
        self.faults = faults
        self.headers = dict(headers or {})


def send_problem(status: int, faults: Sequence[Fault], *, at: datetime) -> bytes:
    """Return the Problem of SEND's API."""
    errors = [
        {
            "code": one.code,
            **({"element": one.element} if one.element else {}),
            **({"detail": one.detail[:_DETAIL_CHARACTERS_MAX]} if one.detail else {}),
        }
        for one in faults
    ]
    problem = {
        "type": "GENERIC_ERROR",
        "status": status,
        "title": HTTPStatus(status).phrase,
        "timestamp": instant(at),
        "errors": errors or [{"code": AWAY}],
    }
    return json.dumps(problem).encode()


def plain_problem(status: int, faults: Sequence[Fault]) -> bytes:
    """Return problem details of RFC 9457; `errors` name the members that break a rule."""
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
    }
    errors = [{"element": one.element, "detail": one.detail} for one in faults if one.element]
    if errors:
        problem["errors"] = errors
    elif faults and faults[0].detail:
        problem["detail"] = faults[0].detail
    return json.dumps(problem).encode()
