"""Tell what became of a request: GET /delivery/v2.6/requests, by its id or by its protocol number.

https://github.com/pagopa/pn-delivery (retrieveNotificationRequestStatusV26). The answer repeats the
request. One that nobody has told the caller of yet waits like any other: it will be sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from contracts.send.refusals import recipient_index
from intake.call import Call
from intake.lookup import Found, Lookup
from intake.problems import bad_parameter, json_answer, not_found

_RETRY_AFTER_SECONDS: Final = 10  # SEND's own
_ID: Final = r"[A-Za-z0-9+/=]{36}"
_LINE: Final = r"[^\n\r\u0085\u2028\u2029]*"
_PRINTABLE: Final = r"[ -~]*"


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """The handler of a request's status."""

    lookup: Lookup

    async def handle(self, call: Call) -> web.StreamResponse:
        """Return the status of one request.

        Raises:
            Problem: 400, 404.
            Unavailable: the database is away.
        """
        identifier = call.parameter("notificationRequestId", pattern=_ID, characters_max=36)
        number = call.parameter("paProtocolNumber", pattern=_LINE, characters_max=256)
        token = call.parameter("idempotenceToken", pattern=_PRINTABLE, characters_max=256)
        if identifier is None and number is None:
            raise bad_parameter("notificationRequestId", "this, or paProtocolNumber, is needed")
        if identifier is not None:
            found = await self.lookup.by_id(call.caller, identifier)
        else:
            found = await self.lookup.by_protocol(call.caller, number or "", token)
        if found is None or found.content is None:
            raise not_found()
        return json_answer({**found.members(), **_standing(found)})


def _standing(found: Found) -> dict[str, Any]:
    identity = {"notificationRequestId": found.id}
    if found.waits:
        status = {"notificationRequestStatus": "WAITING", "retryAfter": _RETRY_AFTER_SECONDS}
    elif found.refused:
        errors = [_error(one) for one in found.reasons]
        status = {"notificationRequestStatus": "REFUSED", "errors": errors}
    else:
        status = {"notificationRequestStatus": "ACCEPTED", "iun": found.iun}
    return {**identity, **status}


def _error(reason: Mapping[str, Any]) -> dict[str, Any]:
    """Return one reason of a refusal as SEND tells it."""
    error: dict[str, Any] = {"code": reason["code"]}
    where = reason.get("where") or ""
    detail = ": ".join(filter(None, (where, reason.get("text"))))
    if detail:
        error["detail"] = detail
    recipient = recipient_index(where)
    if recipient is not None:
        error["recIndex"] = recipient
    return error
