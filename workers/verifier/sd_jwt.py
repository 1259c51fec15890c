"""Verify an SD-JWT credential (RFC 9901 §7; SD-JWT VC) as its issuer signed it. Pure.

Not checked: revocation (`status`), for a status list is fetched and nothing here has a network.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.json_object import read_json
from workers.verifier.jws import OWN_KEY, CompactJws, read_compact
from workers.verifier.presentation_policy import (
    CLAIM_NAME_CHARACTERS_MAX,
    PRESENTATION_CHARACTERS_MAX,
    Disclosed,
    PresentationPolicy,
    check_life,
)
from workers.verifier.sd_jwt_binding import ALGORITHMS, KeyBinding, check_binding
from workers.verifier.sd_jwt_disclosures import DISCLOSURES_MAX, disclosed_payload, hash_name
from workers.verifier.sd_jwt_issuer import verify_issuer

FORMAT: Final = "dc+sd-jwt"
_TYPES: Final = frozenset({"dc+sd-jwt", "vc+sd-jwt"})  # the second until the drafts of 2024
# SD-JWT VC, section on registered claims: what a verifier decides by is never withheld. `iat` and
# `sub` may be; a disclosed `iat` is checked like any other.
_NEVER_DISCLOSED: Final = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "status"})
_ABOUT_THE_CREDENTIAL: Final = _NEVER_DISCLOSED | {"iat", "aud"}


def verify_sd_jwt(
    text: str, policy: PresentationPolicy, *, at: datetime, nonce: str | None = None
) -> Disclosed:
    """Return what the SD-JWT `text` discloses, if it holds at the moment `at`.

    1. Split it. 2. Verify that a trusted issuer signed it. 3. Put the disclosures in their place.
    4. Check its type, its life and its audience. 5. Check the holder's proof, as the policy says.

    Raises:
        Rejected: `presentation_*`, `algorithm_forbidden`.
    """
    # 1.
    compact, disclosures, binding = _split(text)
    jws = _read(compact)
    payload = _members(jws)
    # 2.
    issuer = verify_issuer(jws, payload, policy, at)
    # 3.
    claims = disclosed_payload(payload, disclosures)
    if (claims.keys() - payload.keys()) & _NEVER_DISCLOSED:
        raise Rejected(
            RejectionCode.PRESENTATION_DISCLOSURE_INVALID, "a claim that is never withheld"
        )
    # 4.
    credential_type = _credential_type(claims, policy)
    if policy.expiry_required and "exp" not in claims:
        raise Rejected(RejectionCode.PRESENTATION_CLAIM_MISSING, "exp")
    check_life(claims, at=at, leeway=policy.leeway)
    _check_audience(claims, policy)
    # 5.
    covered = text[: len(text) - len(binding or "")]
    proof = KeyBinding(binding, covered, hash_name(payload), nonce)
    holder_binding = check_binding(proof, payload, policy, at=at)
    said = {name: one for name, one in claims.items() if name not in _ABOUT_THE_CREDENTIAL}
    return Disclosed(FORMAT, credential_type, issuer, said, frozenset(_paths(said)), holder_binding)


def _split(text: str) -> tuple[str, list[str], str | None]:
    """Return the issuer's JWT, the disclosures, and the key binding JWT (RFC 9901 §4)."""
    if len(text) > PRESENTATION_CHARACTERS_MAX:
        raise _malformed(f"more than {PRESENTATION_CHARACTERS_MAX} characters")
    if not text.isascii():
        raise _malformed("not ASCII")
    compact, *disclosures = text.split("~", DISCLOSURES_MAX + 2)
    if not disclosures:
        raise _malformed("no tilde")
    binding = disclosures.pop()
    return compact, disclosures, binding or None


def _read(compact: str) -> CompactJws:
    try:
        jws = read_compact(compact, forbidden=OWN_KEY - {"x5c"})
    except Rejected as error:
        raise _malformed(f"{error.code}: {error.detail}") from None
    kind = jws.header.get("typ")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES:
        raise _malformed("typ: not dc+sd-jwt")
    if jws.algorithm not in ALGORITHMS:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "alg: not one that is allowed")
    return jws


def _members(jws: CompactJws) -> dict[str, Any]:
    try:
        return read_json(jws.payload)
    except Rejected as error:
        raise _malformed(f"{error.code}") from None


def _credential_type(claims: Mapping[str, Any], policy: PresentationPolicy) -> str:
    credential_type = claims.get("vct")
    if not isinstance(credential_type, str):
        raise Rejected(RejectionCode.PRESENTATION_CLAIM_MISSING, "vct: absent, or not text")
    if credential_type not in policy.credential_types:
        raise Rejected(RejectionCode.PRESENTATION_TYPE_WRONG, "vct: not one that is taken")
    return credential_type


def _check_audience(claims: Mapping[str, Any], policy: PresentationPolicy) -> None:
    # RFC 7519 §4.1.3: what is meant for others is refused, also where the endpoint names nobody.
    if "aud" not in claims:
        return
    given = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if policy.audience is None or policy.audience not in given:
        raise Rejected(
            RejectionCode.PRESENTATION_UNTRUSTED, "SD-JWT: aud: it was issued for somebody else"
        )


def _paths(value: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON holds any value
    """Yield the path of everything said: names, never values. An empty list or object says nothing.

    It is what a list is of which everything was withheld. Paths are cut while they are made: one
    long name above many others would otherwise be copied for each of them.
    """
    path = path[:CLAIM_NAME_CHARACTERS_MAX]
    match value:
        case dict():
            for name, member in value.items():
                yield from _paths(member, f"{path}/{name}" if path else name)
        case list():
            for item in value:
                yield from _paths(item, f"{path}/*")
        case _:
            yield path


def _malformed(rule: str) -> Rejected:
    return Rejected(RejectionCode.PRESENTATION_MALFORMED, f"SD-JWT: {rule}")
