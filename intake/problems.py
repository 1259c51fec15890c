"""Write SEND's error answers: a status, and in `errors` one code for each thing that is wrong.

https://github.com/pagopa/pn-commons (pn-errors.yaml). SEND's own codes where it has one; what its
gateway answers without a code has one of ours, ESITO_…. No answer has a value of the request.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from contracts.errors import EsitoError
from contracts.instants import instant
from contracts.send.problems import DETAIL_CHARACTERS_MAX, ProblemCode, ProblemError
from runtime.http_server import SERVER

_TITLE_CHARACTERS_MAX: Final = 64
_RETRY_LATER: Final = frozenset({429, 503})


class Code(StrEnum):
    """Why a call is refused, beside what is wrong with a request's members."""

    NOT_FOUND = "PN_DELIVERY_NOTIFICATIONNOTFOUND"
    FILE_NOT_FOUND = "PN_DELIVERY_FILEINFONOTFOUND"
    TOO_MANY = "PN_GENERIC_TOO_MANY_REQUESTS"
    CREDENTIALS = "ESITO_CREDENTIALS"
    PATH_UNKNOWN = "ESITO_PATH_UNKNOWN"
    METHOD_FORBIDDEN = "ESITO_METHOD_FORBIDDEN"
    MEDIA_TYPE = "ESITO_MEDIA_TYPE"
    BODY_TOO_LARGE = "ESITO_BODY_TOO_LARGE"
    BODY_TOO_SLOW = "ESITO_BODY_TOO_SLOW"
    MALFORMED = "ESITO_MALFORMED"
    UNAVAILABLE = "ESITO_UNAVAILABLE"


class Problem(EsitoError):
    """The call is answered with an error; `closing`: the rest of its body may be under way."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        element: str = "",
        errors: Sequence[ProblemError] = (),
        closing: bool = False,
        allow: str = "",
    ) -> None:
        """Keep the errors: those given, or the one that `code` names."""
        super().__init__(f"{status}: {code}")
        self.status = status
        self.code = code
        self.errors: list[dict[str, str]] = [_error(one) for one in errors] or [
            _members(code, element, detail)
        ]
        self.closing = closing
        self.allow = allow


def invalid(errors: Sequence[ProblemError]) -> Problem:
    """Return the answer to a request with errors in its members."""
    return Problem(HTTPStatus.BAD_REQUEST, errors[0].code, errors=errors)


def bad_parameter(element: str, detail: str) -> Problem:
    """Return the answer to a parameter of a path or a query that is not as published."""
    return invalid([ProblemError(ProblemCode.INVALID, element, detail)])


def not_found() -> Problem:
    """Return the answer to what is not there, or not the caller's: they are not told apart."""
    return Problem(HTTPStatus.NOT_FOUND, Code.NOT_FOUND, "none")


def unavailable() -> Problem:
    """Return the answer when we, or what we need, cannot do our part now."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, Code.UNAVAILABLE, "send it again later")


def problem_answer(problem: Problem, *, retry_after_seconds: int) -> web.Response:
    """Return the answer as `application/problem+json`."""
    status = HTTPStatus(problem.status)
    body = {
        "type": "GENERIC_ERROR",
        "status": status.value,
        "title": status.phrase[:_TITLE_CHARACTERS_MAX],
        "timestamp": instant(datetime.now(UTC)),
        "errors": problem.errors,
    }
    headers = dict(SERVER)
    if status in _RETRY_LATER:
        headers["Retry-After"] = str(retry_after_seconds)
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "ApiKey"
    if problem.allow:
        headers["Allow"] = problem.allow
    response = web.Response(
        status=status.value,
        body=json.dumps(body).encode(),
        content_type="application/problem+json",
        headers=headers,
    )
    if problem.closing:
        response.force_close()
    return response


def json_answer(members: Any, status: int = HTTPStatus.OK) -> web.Response:  # noqa: ANN401 - any JSON
    """Return an answer of JSON; a number with a fraction is one of a member that SEND ignores."""
    return web.Response(
        status=status,
        body=json.dumps(members, default=float, ensure_ascii=False).encode(),
        content_type="application/json",
        headers=SERVER,
    )


def _error(one: ProblemError) -> dict[str, str]:
    return _members(one.code, one.element, one.detail)


def _members(code: str, element: str, detail: str) -> dict[str, str]:
    given = {"code": str(code), "element": element, "detail": detail[:DETAIL_CHARACTERS_MAX]}
    return {name: text for name, text in given.items() if text}
