"""Verify that the holder of an SD-JWT presented it: the key binding JWT (RFC 9901 §7.3). Pure."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.json_object import read_json
from runtime.token_configuration import JwsAlgorithm
from workers.verifier.jwk import Jwk, parse_jwk
from workers.verifier.jws import read_compact, verify_jws
from workers.verifier.presentation_policy import (
    GATEWAY_ATTESTED,
    NO_BINDING,
    VERIFIED,
    PresentationPolicy,
    check_life,
    numeric_date,
)
from workers.verifier.sd_jwt_disclosures import digest_of

# RFC 8725 §3.2: asymmetric, of today's strength. "none" and HMAC are not among them.
ALGORITHMS: Final[frozenset[str]] = frozenset(get_args(JwsAlgorithm))
_TYPE: Final = "kb+jwt"


@dataclass(frozen=True, slots=True)
class KeyBinding:
    """A key binding JWT as it came (None: none came), and the text that it must be about.

    `covered` is the issuer's JWT and the disclosures exactly as sent, with the last tilde;
    `nonce` is what the request contained, where the token repeats it.
    """

    compact: str | None
    covered: str
    hash_name: str
    nonce: str | None


def check_binding(
    binding: KeyBinding, issued: Mapping[str, Any], policy: PresentationPolicy, *, at: datetime
) -> str:
    """Return who vouches that the holder presented the credential with these issued claims.

    Whether a proof is demanded is the policy's to say, never the sender's (RFC 9901 §7.3, step 1).
    What there is of a proof must be right in any case. Only a demanded one is held to its age, as a
    gateway that vouches for it may call back much later.

    Raises:
        Rejected: `presentation_binding_missing` or `presentation_binding_invalid`.
    """
    demanded = policy.holder_binding == "verified"
    if demanded and not (policy.audience and binding.nonce):
        raise _missing("without audience and nonce, a replay cannot be told apart")
    if binding.compact is None:
        if demanded:
            raise _missing("no key binding JWT")
        return NO_BINDING
    claims = _verified_claims(binding.compact, issued)
    _check_target(claims, binding, policy)
    _check_age(claims, policy, at=at, demanded=demanded)
    return VERIFIED if demanded else GATEWAY_ATTESTED


def _verified_claims(compact: str, issued: Mapping[str, Any]) -> dict[str, Any]:
    key = _holder_key(issued)
    try:
        jws = read_compact(compact)
        verify_jws(jws, key, algorithms=ALGORITHMS)
        claims = read_json(jws.payload)
    except Rejected as error:
        raise _invalid(f"{error.code}") from None
    if jws.header.get("typ") != _TYPE:
        raise _invalid(f"typ: not {_TYPE}")
    return claims


def _holder_key(issued: Mapping[str, Any]) -> Jwk:
    """Return the key that the issuer bound the credential to (RFC 7800 §3.2)."""
    confirmation = issued.get("cnf")
    members = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    if not isinstance(members, dict):
        raise _missing("the credential has no cnf with jwk")
    try:
        return parse_jwk(members)
    except ValueError as error:
        raise _invalid(f"cnf: {error}") from None


def _check_target(
    claims: Mapping[str, Any], binding: KeyBinding, policy: PresentationPolicy
) -> None:
    """Return if the proof is about this presentation, for us, in answer to this request."""
    expected = {
        "sd_hash": digest_of(binding.covered, binding.hash_name),
        "aud": policy.audience,
        "nonce": binding.nonce,
    }
    for name, value in expected.items():
        given = claims.get(name)
        if not isinstance(given, str) or not given:
            raise _invalid(f"{name}: absent, or not text")
        if value is not None and not hmac.compare_digest(given.encode(), value.encode()):
            raise _invalid(f"{name}: another")


def _check_age(
    claims: Mapping[str, Any], policy: PresentationPolicy, *, at: datetime, demanded: bool
) -> None:
    try:
        made = numeric_date(claims, "iat")
        check_life(claims, at=at, leeway=policy.leeway)
    except Rejected as error:
        raise _invalid(error.detail) from None
    if made is None:
        raise _invalid("iat: absent")
    if demanded and made < (at - policy.binding_age_max - policy.leeway).timestamp():
        raise _invalid("iat: too old")


def _missing(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_BINDING_MISSING, rule)


def _invalid(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_BINDING_INVALID, f"key binding: {rule}")
