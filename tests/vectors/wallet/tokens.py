"""Sign the tokens of the wallet's vectors, with claims as they must be unless told otherwise."""

from typing import Any, Final

from simulator.sign_jws import sign_token
from tests.vectors.wallet.keys import token_key

NOW: Final = 1_795_262_400  # the second in which every vector is received
ISSUER: Final = "https://wallet.example.org"
CLAIMS: Final[dict[str, Any]] = {
    "iss": ISSUER,
    "jwks_uri": f"{ISSUER}/jwks.json",
    "aud": "esito",
    "iat": NOW - 5,
    "exp": NOW + 300,
    "verification_id": "v-1",
    "presented": {"family_name": "Quaranta", "birth_date": "1987-06-05"},
}


def token(kid: str = "rsa", *, header: dict[str, Any] | None = None, **changes: object) -> str:
    """Return a token with claims changed; `...` takes one away."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return sign_token(claims, token_key(kid), header=header)
