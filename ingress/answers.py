"""Write the HTTP answers: empty on success, RFC 9457 problem details otherwise.

Nothing in them helps an attacker: `credentials_missing`, `credentials_wrong` and their like are
told apart in metrics and logs, and are one and the same answer to the caller.
"""

import json
from http import HTTPStatus
from typing import Final

from aiohttp import web

from contracts.codes import RefusalCode
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
    RefusalCode.ENDPOINT_FULL: 429,
    RefusalCode.INGRESS_FULL: 429,
    RefusalCode.KAFKA_UNAVAILABLE: 503,
    RefusalCode.DRAINING: 503,
    RefusalCode.REQUEST_MALFORMED: 400,
    # Our fault, so never a 4xx; and not 500, which tells an attacker that something broke.
    RefusalCode.UNFORESEEN: 503,
}
_RETRY_LATER: Final = frozenset({429, 503})
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
    headers = dict(SERVER)
    if status in _RETRY_LATER:
        headers["Retry-After"] = str(retry_after_seconds)
    if allow:
        headers["Allow"] = allow
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "ApiKey"
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return web.Response(
        status=status,
        body=json.dumps(body).encode(),
        content_type="application/problem+json",
        headers=headers,
    )
