"""Say what an endpoint demands of presentations, and what verifying one gives. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from workers.verifier.certificates import Trust
from workers.verifier.jwk import Jwk

VERIFIED: Final = "verified"
GATEWAY_ATTESTED: Final = "gateway-attested"
NO_BINDING: Final = "none"

PRESENTATION_CHARACTERS_MAX: Final = 1_048_576  # a PID with its portrait has 50 to 300 kB
CLAIM_NAME_CHARACTERS_MAX: Final = 100
LEEWAY: Final = timedelta(seconds=60)  # what the token issuers of the configuration have by default


@dataclass(frozen=True, slots=True)
class PresentationPolicy:
    """What an endpoint demands: the section `tokens.presentations`, its files read.

    `trust` holds the roots of issuers that send their certificates along, `issuer_keys` the pinned
    keys of SD-JWT issuers by their `iss`. `expiry_required` false takes an SD-JWT without `exp`; no
    configuration does (RFC 9901 §9.7: what a policy relies on must be demanded).
    """

    policy: Literal["required", "if_present", "off"]
    trust: Trust | None = None
    issuer_keys: Mapping[str, tuple[Jwk, ...]] = field(default_factory=dict)
    credential_types: frozenset[str] = frozenset()
    holder_binding: Literal["verified", "gateway_attested"] = "gateway_attested"
    audience: str | None = None
    nonce_claim: str | None = None
    binding_age_max: timedelta = timedelta(seconds=600)
    leeway: timedelta = LEEWAY
    expiry_required: bool = True


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One verified credential: `claims` are what it says, `names` their paths without values.

    `holder_binding` is `verified`, `gateway-attested` (there is a proof of the holder that we could
    not check to its end) or `none` (there is no proof to attest).
    """

    format: str
    credential_type: str
    issuer: str
    claims: Mapping[str, Any] = field(repr=False)
    names: frozenset[str]
    holder_binding: str


def check_life(claims: Mapping[str, Any], *, at: datetime, leeway: timedelta) -> None:
    """Return if `exp`, `nbf` and `iat` (RFC 7519 §4.1), where they are, allow the moment `at`.

    Raises:
        Rejected: `presentation_claim_missing` (not a number), `presentation_expired` or
            `presentation_not_yet_valid`.
    """
    expires = numeric_date(claims, "exp")
    if expires is not None and expires <= (at - leeway).timestamp():
        raise Rejected(RejectionCode.PRESENTATION_EXPIRED, "exp")
    for name in ("nbf", "iat"):
        begins = numeric_date(claims, name)
        if begins is not None and begins > (at + leeway).timestamp():
            raise Rejected(RejectionCode.PRESENTATION_NOT_YET_VALID, name)


def numeric_date(claims: Mapping[str, Any], name: str) -> int | Decimal | None:
    """Return a NumericDate (RFC 7519 §2), or None where the claim is absent.

    Raises:
        Rejected: `presentation_claim_missing`: it is there, and no number.
    """
    given = claims.get(name)
    if name in claims and (isinstance(given, bool) or not isinstance(given, int | Decimal)):
        raise Rejected(RejectionCode.PRESENTATION_CLAIM_MISSING, f"{name}: not a number")
    return given
