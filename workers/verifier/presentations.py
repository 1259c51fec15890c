"""Verify the credential presentations inside a verified token: `vp_token` (OpenID4VP §8). Pure."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.provider import Presentation
from workers.verifier.mdoc import verify_mdoc
from workers.verifier.presentation_policy import (
    CLAIM_NAME_CHARACTERS_MAX,
    Disclosed,
    PresentationPolicy,
)
from workers.verifier.sd_jwt import verify_sd_jwt

PRESENTATIONS_MAX: Final = 10  # a request for more credentials than a person has is none of ours
CLAIM_NAMES_MAX: Final = 50
_CLAIM: Final = "vp_token"


def verify_presentations(
    claims: Mapping[str, Any],
    policy: PresentationPolicy,
    *,
    at: datetime,
    digest: Callable[[bytes], str],
) -> tuple[Presentation, ...]:
    """Return every presentation of a token with these verified claims.

    `vp_token` is one presentation, a list of them, or an object of them by the query's id. All of
    them hold or the token is rejected: OpenID4VP §8.6 discards a presentation that fails, and then
    what was asked for is not there. `digest` is keyed: the plain hash of a birth date is the date.

    Raises:
        Rejected: `presentation_*`, `algorithm_forbidden`.
    """
    if policy.policy == "off":
        return ()
    presented = _presented(claims.get(_CLAIM))
    if not presented and policy.policy == "required":
        raise Rejected(RejectionCode.PRESENTATION_MISSING, _CLAIM)
    nonce = _nonce(claims, policy)
    return tuple(
        _summary(one, digest)
        for text in presented
        for one in _disclosed(text, policy, at=at, nonce=nonce)
    )


def _presented(given: object) -> list[str]:
    match given:
        case None:
            found: list[object] = []
        case str():
            found = [given]
        case list():
            found = given
        case dict():
            found = [one for answer in given.values() for one in _answers(answer)]
        case _:
            raise _malformed("neither text, nor a list, nor an object")
    if len(found) > PRESENTATIONS_MAX:
        raise _malformed(f"more than {PRESENTATIONS_MAX}")
    texts = [one for one in found if isinstance(one, str) and one]
    if len(texts) != len(found):
        raise _malformed("a presentation that is no text")
    return texts


def _answers(answer: object) -> list[object]:
    """Return the presentations that answer one query; drafts before 1.0 had no list around one."""
    if not isinstance(answer, list):
        return [answer]
    if not answer:
        raise _malformed("a query without a presentation")
    return answer


def _nonce(claims: Mapping[str, Any], policy: PresentationPolicy) -> str | None:
    nonce = claims.get(policy.nonce_claim) if policy.nonce_claim else None
    return nonce if isinstance(nonce, str) and nonce else None


def _disclosed(
    text: str, policy: PresentationPolicy, *, at: datetime, nonce: str | None
) -> tuple[Disclosed, ...]:
    # Neither character is in base64url, and no SD-JWT is without both.
    if "~" in text or "." in text:
        return (verify_sd_jwt(text, policy, at=at, nonce=nonce),)
    return verify_mdoc(text, policy, at=at)


def _summary(one: Disclosed, digest: Callable[[bytes], str]) -> Presentation:
    """Return the presentation without what it says; of very many names the first in order."""
    names = sorted(_short(name) for name in one.names)
    return Presentation(
        format=one.format,
        credential_type=one.credential_type,
        issuer=one.issuer,
        claim_names=tuple(dict.fromkeys(names))[:CLAIM_NAMES_MAX],
        claims_digest=digest(_canonical(one.claims)),
        holder_binding=one.holder_binding,
    )


def _short(name: str) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in name)
    return shown[:CLAIM_NAME_CHARACTERS_MAX]


def _canonical(claims: Mapping[str, Any]) -> bytes:
    """Return the claims as JSON, the same for the same claims; a Decimal is written as text."""
    text = json.dumps(
        claims,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        default=str,
    )
    return text.encode()


def _malformed(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_MALFORMED, f"{_CLAIM}: {rule}")
