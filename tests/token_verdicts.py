"""Verify one token of tests/jose.py at noon, or name the code under which it is rejected."""

from datetime import datetime
from typing import Any

import pytest

from contracts.codes import RejectionCode
from contracts.errors import Rejected, Unavailable
from contracts.provider import VerifiedToken
from runtime.token_configuration import TokenIssuer
from tests.jose import (
    CLAIMS,
    ISSUER,
    NOON,
    issuer,
    jwk,
)
from workers.verifier.issuer_keys import Signer
from workers.verifier.jwk import Jwk
from workers.verifier.tokens import verify_token

CANARY = "canary-4711"


def verified(text: str, *, at: datetime = NOON, **settings: Any) -> VerifiedToken:  # noqa: ANN401 - settings of any type
    return verify_token(text, {ISSUER: issuer(**settings)}, key_of, at=at)


def key_of(_: TokenIssuer, kid: str | None, alg: str, at: datetime, __: Signer) -> Jwk:
    """Return the first key of the algorithm."""
    assert at.tzinfo is not None
    if kid == "unknown":
        raise Rejected(RejectionCode.TOKEN_KEY_UNKNOWN)
    if kid == "away":
        raise Unavailable
    return jwk(alg)


def code(text: str, *, at: datetime = NOON, **settings: Any) -> str:  # noqa: ANN401 - settings of any type
    """Return the code under which the token is rejected, with a detail that gives nothing away."""
    with pytest.raises(Rejected) as caught:
        verified(text, at=at, **settings)
    assert CANARY not in str(caught.value)
    return str(caught.value.code)


def claims(**changes: object) -> dict[str, object]:
    return {**CLAIMS, **changes}
