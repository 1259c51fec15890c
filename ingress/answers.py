"""Write the HTTP answers: empty on success, else RFC 9457 problem details or the EPC's ErrorModel.

Nothing in them helps an attacker: `credentials_missing`, `credentials_wrong` and their like are
told apart in metrics and logs, and are one and the same answer to the caller.
"""

import json
from datetime import datetime
from http import HTTPStatus
from typing import Final

from aiohttp import web

from contracts.codes import RefusalCode
from contracts.instants import instant
from contracts.provider import Answers

_STATUSES: Final = {
    RefusalCode.PATH_UNKNOWN: 404,
    RefusalCode.METHOD_FORBIDDEN: 405,
    RefusalCode.HEADERS_TOO_MANY: 431,
    RefusalCode.MEDIA_TYPE_UNSUPPORTED: 415,
    RefusalCode.ENCODING_UNSUPPORTED: 415,
    RefusalCode.BODY_TOO_LARGE: 413,
    RefusalCode.BODY_TOO_SLOW: 408,
    RefusalCode.BODY_INCOMPLETE: 400,
    RefusalCode.HEADER_FORBIDDEN: 400,
    RefusalCode.EDGE_UNTRUSTED: 403,
    RefusalCode.ENDPOINT_FULL: 429,
    RefusalCode.INGRESS_FULL: 429,
    RefusalCode.KAFKA_UNAVAILABLE: 503,
    RefusalCode.DRAINING: 503,
    RefusalCode.REQUEST_MALFORMED: 400,
    # Our fault, so never a 4xx; and not 500, which tells an attacker that something broke.
    RefusalCode.UNFORESEEN: 503,
}
_RETRY_LATER: Final = frozenset({429, 503})
_EPC_TEXT_MAX: Final = 140  # characters, of every text in an ErrorModel
# EPC133-22: `message` is required, and says no more than the status does.
_MESSAGES: Final = {
    400: "The request is not one that this endpoint takes.",
    403: "The caller is not one that this endpoint serves.",
    413: "The body is larger than this endpoint takes.",
    415: "The body is of a media type or an encoding that this endpoint does not take.",
    429: "The endpoint has as many requests as it may; send this one again later.",
    503: "The request was not stored; send it again later.",
}
# The name of the software, without its version: the library's default tells both.
SERVER: Final = {"Server": "esito"}


def status_of(code: RefusalCode, answers: Answers) -> int:
    """Return the HTTP status for a refusal: the provider's own where it concerns credentials."""
    return _STATUSES.get(code, answers.unauthenticated)


def empty(status: int) -> web.Response:
    """Return an answer without a body."""
    return web.Response(status=status, headers=SERVER)


def problem(status: int, *, retry_after_seconds: int, allow: str = "") -> web.Response:
    """Return problem details: the status and its standard phrase, the same for every cause."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return web.Response(
        status=status,
        body=json.dumps(body).encode(),
        content_type="application/problem+json",
        headers=_headers(status, retry_after_seconds, allow),
    )


def epc_error(
    status: int, *, path: str, at: datetime, retry_after_seconds: int, allow: str = ""
) -> web.Response:
    """Return an ErrorModel of EPC133-22, the same for every cause; `path` is the configured one.

    `details` is left out: its schema wants one at least, and each would quote the request.
    """
    phrase = HTTPStatus(status).phrase
    body = {
        "timestamp": instant(at),
        "status": status,
        "error": phrase,
        "message": _MESSAGES.get(status, phrase),
        "path": path[:_EPC_TEXT_MAX],
    }
    return web.Response(
        status=status,
        body=json.dumps(body).encode(),
        content_type="application/json",
        headers=_headers(status, retry_after_seconds, allow),
    )


def _headers(status: int, retry_after_seconds: int, allow: str) -> dict[str, str]:
    headers = dict(SERVER)
    if status in _RETRY_LATER:
        headers["Retry-After"] = str(retry_after_seconds)
    if allow:
        headers["Allow"] = allow
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "ApiKey"
    return headers
