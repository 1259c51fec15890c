"""Announce a transaction that our own side has started: POST /expectations/<endpoint>."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from contracts.errors import Broken, Unavailable
from contracts.instants import instant

_ROAD: Final = "/expectations/"
_ANSWER_SECONDS_MAX: Final = 30
_MEANINGS: Final = {
    HTTPStatus.UNAUTHORIZED: "the key is not one of the endpoint's expectations: keys",
    HTTPStatus.NOT_FOUND: "no such endpoint, or its configuration has no expectations:",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "more than 4,096 bytes; give fewer or shorter terms",
}


async def announce(
    url: str,
    key: str,
    *,
    endpoint: str,
    transaction_id: str,
    deadline: datetime | None,
    terms: Mapping[str, Any] | None = None,
) -> None:
    """Return when the ingress has stored the expectation, with the provider's own `terms`.

    Raises:
        Broken: the ingress refuses it; the message says what to change.
        Unavailable: the ingress does not answer, or cannot store it now.
    """
    target = url.rstrip("/") + _ROAD + quote(endpoint, safe="")
    body = {**(terms or {}), "transaction_id": transaction_id}
    if deadline is not None:
        body["deadline"] = instant(deadline)
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS_MAX)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            # A redirect would carry the key to wherever it points.
            session.post(
                target, json=body, headers={"X-API-Key": key}, allow_redirects=False
            ) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"{target} does not answer ({type(error).__name__}); see --url") from None
    except ValueError:
        raise Broken("the key file holds what no header may: a line feed in the key?") from None
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        raise Unavailable(f"{target} answers {status}: it cannot store it now; try again")
    if status != HTTPStatus.ACCEPTED:
        meaning = _MEANINGS.get(HTTPStatus(status), "is this the ingress of Esito?")
        raise Broken(f"{target} answers {status}: {meaning}")
