"""Say of a verified token what can be told without a word of what it says about a person."""

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from contracts.provider import VerifiedToken

# The claims that say how a token came to be. Whatever else a token has is what was presented.
_PROTOCOL_CLAIMS: Final = frozenset(
    {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "jwks_uri", "verification_id"}
)
# The weakest first: a token is bound to its holder as its weakest presentation is.
_BINDINGS: Final = ("none", "gateway-attested", "verified")
_REFERENCE_CHARACTERS_MAX: Final = 500  # as `contracts.update.ShortText`
_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)

Digest = Callable[[str], str]


def presents_something(token: VerifiedToken) -> bool:
    """Tell whether the token says anything: by a credential we verified, or a claim of its own.

    A credential of which everything was withheld says nothing, and then `vp_token` is no claim.
    """
    told = {*_PROTOCOL_CLAIMS, "vp_token"} if token.presentations else _PROTOCOL_CLAIMS
    presented = [value for name, value in token.claims.items() if name not in told]
    return any(one.claim_names for one in token.presentations) or _says_something(presented)


def claims_digest(token: VerifiedToken, digest: Digest) -> str:
    """Return the keyed digest of all claims of the token, the same however it was encoded.

    Keyed, because a birth date or a yes is guessed in no time where everybody can compute it.
    """
    return digest(_CANONICAL.encode(token.claims))


def evidence(token: VerifiedToken, digest: Digest) -> dict[str, str]:
    """Return the references that tell a subscriber what kind of thing was presented, and how bound.

    Where the endpoint verifies no presentation, the word of the gateway is all there is.
    """
    presentations = token.presentations
    if not presentations:
        return {
            "claims_digest": claims_digest(token, digest),
            "holder_binding": "gateway-attested",
        }
    digests = [one.claims_digest for one in presentations]
    told = {
        "claims_digest": digests[0] if len(digests) == 1 else digest("\n".join(digests)),
        "holder_binding": min((one.holder_binding for one in presentations), key=_strength),
        "credential_type": _words(one.credential_type for one in presentations),
        "credential_issuer": _words(one.issuer for one in presentations),
    }
    return {name: text for name, text in told.items() if len(text) <= _REFERENCE_CHARACTERS_MAX}


def _says_something(value: Any) -> bool:  # noqa: ANN401 - JSON holds any value
    if isinstance(value, dict):
        return any(_says_something(member) for member in value.values())
    if isinstance(value, list):
        return any(_says_something(item) for item in value)
    return value is not None and value != ""


def _strength(binding: str) -> int:
    return _BINDINGS.index(binding) if binding in _BINDINGS else 0


def _words(texts: Iterable[str]) -> str:
    return " ".join(sorted(set(texts)))
