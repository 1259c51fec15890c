"""Verify a JWT inside a payload: who issued it, for whom, and whether it is still good. Pure.

The issuer, the key's id and the algorithm are read unverified, to find the key; every other claim
only once the signature holds. RFC 7519, with the checks of RFC 8725.
"""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.json_object import read_json
from contracts.provider import VerifiedToken
from runtime.token_configuration import TokenIssuer
from workers.verifier.issuer_keys import Signer
from workers.verifier.jwk import Jwk
from workers.verifier.jws import CompactJws, read_compact, signer_among, verify_jws

KeyOf = Callable[[TokenIssuer, str | None, str, datetime, Signer], Jwk]
"""Issuer, kid, alg, received_at, who signed it → key; Unavailable, or Rejected `token_key_unknown`.

Where there is no kid, the last is asked which of the keys it is.
"""

_DATE_SECONDS_MAX: Final = 253_402_300_799  # the end of the year 9999: nothing is dated later
_DATES: Final = ("exp", "nbf", "iat")
_TEXTS: Final = ("iss", "sub", "jti")


def verify_token(
    text: str, issuers: Mapping[str, TokenIssuer], key_of: KeyOf, *, at: datetime
) -> VerifiedToken:
    """Return the claims of a token that one of `issuers` (by `iss`) signed and that holds at `at`.

    1. It is a compact JWS with a header that names neither a key of its own nor anything critical.
    2. `iss` is an issuer of ours, `alg` one that it may use, `typ` one that it writes.
    3. A key of that issuer signed it.
    4. Its claims: `jwks_uri`, the required ones, `exp`, `nbf`, `iat`, `aud`.

    Raises:
        Rejected: `token_*`, `algorithm_forbidden`, `signature_malformed`, `signature_mismatch`.
        Unavailable: the issuer's keys are away.
    """
    # 1
    jws = read_compact(text)
    claims = _unverified_claims(jws)
    # 2
    issuer = _issuer(claims, issuers)
    if jws.algorithm not in issuer.algorithms:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "alg: not one of the issuer's")
    _check_type(jws, issuer)
    # 3
    signer = partial(signer_among, jws=jws, algorithms=issuer.algorithms)
    key = key_of(issuer, jws.kid, jws.algorithm, at, signer)
    verify_jws(jws, key, algorithms=issuer.algorithms)
    # 4
    _check_key_source(claims, issuer)
    _check_shapes(claims, issuer)
    _check_dates(claims, issuer, at=at.timestamp())
    _check_audience(claims, issuer)
    return VerifiedToken(
        claims=claims,
        issuer=issuer.issuer,
        key_id=key.thumbprint if key.kid is None else key.kid,
        algorithm=jws.algorithm,
    )


def _unverified_claims(jws: CompactJws) -> dict[str, Any]:
    try:
        return read_json(jws.payload)
    except Rejected as error:
        raise Rejected(RejectionCode.TOKEN_MALFORMED, f"payload: {error.code}") from None


def _issuer(claims: Mapping[str, Any], issuers: Mapping[str, TokenIssuer]) -> TokenIssuer:
    name = claims.get("iss")
    if not isinstance(name, str):
        raise _missing("iss: text")
    issuer = issuers.get(name)
    if issuer is None:
        raise Rejected(RejectionCode.TOKEN_ISSUER_UNKNOWN, "iss: not one of the endpoint's")
    return issuer


def _check_type(jws: CompactJws, issuer: TokenIssuer) -> None:
    given = jws.header.get("typ", "JWT")
    # RFC 7515 §4.1.9: "application/" may be left out, and case does not count.
    taken = {one.lower().removeprefix("application/") for one in issuer.types}
    if not isinstance(given, str) or given.lower().removeprefix("application/") not in taken:
        raise Rejected(RejectionCode.TOKEN_TYPE_WRONG, "typ: not one of the issuer's")


def _check_key_source(claims: Mapping[str, Any], issuer: TokenIssuer) -> None:
    # Keys from a file have no address that the claim could differ from.
    if issuer.jwks_uri is None or "jwks_uri" not in claims:
        return
    if claims["jwks_uri"] != issuer.jwks_uri:
        raise Rejected(RejectionCode.TOKEN_KEY_SOURCE_WRONG, "jwks_uri: not the pinned one")


def _check_shapes(claims: Mapping[str, Any], issuer: TokenIssuer) -> None:
    """Refuse a required claim that is absent, null or empty, and a known one of another shape."""
    for name in issuer.required_claims:
        if claims.get(name) in (None, "", [], {}):
            raise _missing(f"{name}: required")
    for name in _TEXTS:
        if name in claims and not isinstance(claims[name], str):
            raise _missing(f"{name}: text")
    for name in _DATES:
        if name in claims and not _is_date(claims[name]):
            raise _missing(f"{name}: seconds since 1970")
    if "aud" in claims and not _audiences(claims["aud"]):
        raise _missing("aud: text, or a list of texts")


def _is_date(value: object) -> bool:
    # A bool is an int to Python, and a Decimal may be no number at all.
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not math.isfinite(value):
        return False
    return 0 <= value <= _DATE_SECONDS_MAX


def _audiences(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    return ()


def _check_dates(claims: Mapping[str, Any], issuer: TokenIssuer, *, at: float) -> None:
    leeway = issuer.leeway_seconds
    # RFC 7519 §4.1.4: "on or after which the JWT MUST NOT be accepted".
    if "exp" in claims and claims["exp"] <= at - leeway:
        raise Rejected(RejectionCode.TOKEN_EXPIRED, "exp")
    for name in ("nbf", "iat"):
        if name in claims and claims[name] > at + leeway:
            raise Rejected(RejectionCode.TOKEN_NOT_YET_VALID, name)
    oldest = at - leeway - (issuer.age_seconds_max or 0)
    if issuer.age_seconds_max is not None and claims["iat"] < oldest:
        raise Rejected(RejectionCode.TOKEN_TOO_OLD, "iat")


def _check_audience(claims: Mapping[str, Any], issuer: TokenIssuer) -> None:
    # A token that names somebody else is refused also where the endpoint names nobody.
    if "aud" not in claims and not issuer.audiences:
        return
    if not set(_audiences(claims.get("aud"))) & set(issuer.audiences):
        raise Rejected(RejectionCode.TOKEN_AUDIENCE_WRONG, "aud: none of the endpoint's")


def _missing(rule: str) -> Rejected:
    return Rejected(RejectionCode.TOKEN_CLAIM_MISSING, rule)
