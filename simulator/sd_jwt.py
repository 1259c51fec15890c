"""Issue and present SD-JWT credentials (RFC 9901): right ones, or with any fault wanted.

What a caller overrides is signed as it is, so every fault is one that the issuer's or the holder's
signature covers; a presentation is text, so every other fault is an edit of it. Own code, apart
from the verifier's.
"""

import hashlib
import json
import secrets
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding

from simulator.pki import Identity
from simulator.sign_jws import TokenKey, algorithm_of, encode, public_jwk, sign_token

_HASHES: Final = {"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512", "sha-1": "sha1"}


@dataclass(frozen=True, slots=True)
class Hidden:
    """A claim, or an array's element, that the holder may withhold."""

    value: Any


@dataclass(frozen=True, slots=True)
class SdJwt:
    """An issued credential: the issuer's JWT, and its disclosures by claim name or element."""

    compact: str
    disclosures: Mapping[str, str]
    hash_name: str

    def present(self, names: Collection[str] | None = None) -> str:
        """Return the SD-JWT with the disclosures of these names; default: all."""
        shown = self.disclosures if names is None else dict.fromkeys(names, 0)
        return "~".join([self.compact, *(self.disclosures[name] for name in shown), ""])


@dataclass(frozen=True, slots=True)
class Holder:
    """A wallet: the key that its credentials are bound to."""

    key: TokenKey = field(repr=False)

    @property
    def confirmation(self) -> dict[str, Any]:
        """Return the `cnf` claim of credentials bound to this wallet."""
        return {"jwk": public_jwk(self.key)}

    def bind(
        self,
        presentation: str,
        *,
        audience: str,
        nonce: str,
        now: datetime,
        hash_name: str = "sha-256",
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the presentation with a key binding JWT; `claims` and `header` come over its own.

        None takes a member away.
        """
        said = {
            "iat": int(now.timestamp()),
            "aud": audience,
            "nonce": nonce,
            "sd_hash": digest(presentation, hash_name),
            **(claims or {}),
        }
        said = {name: value for name, value in said.items() if value is not None}
        members = {"typ": "kb+jwt", "kid": None, **(header or {})}
        return presentation + sign_token(said, self.key, header=members)


def issue_sd_jwt(
    claims: Mapping[str, Any],
    signer: TokenKey | Identity,
    *,
    header: Mapping[str, Any] | None = None,
    hash_name: str | None = "sha-256",
    decoys: int = 0,
) -> SdJwt:
    """Return a credential with these claims, those in `Hidden` as digests; None drops a claim.

    A certificate's holder signs with x5c. `hash_name` None: no `_sd_alg`, which means SHA-256.
    """
    hiding = _Hiding(hash_name or "sha-256", decoys)
    given = {name: value for name, value in claims.items() if value is not None}
    payload = hiding.hide(given)
    if hash_name is not None:
        payload["_sd_alg"] = hash_name
    key = signer
    members: dict[str, Any] = {"typ": "dc+sd-jwt"}
    if isinstance(key, Identity):
        chain = [b64encode(one.public_bytes(Encoding.DER)).decode() for one in key.chain]
        members |= {"x5c": chain, "kid": None}
        key = TokenKey("", key.key, algorithm_of(key.key))
    compact = sign_token(payload, key, header={**members, **(header or {})})
    return SdJwt(compact, hiding.disclosures, hash_name or "sha-256")


def disclosure(*contents: Any) -> str:  # noqa: ANN401 - JSON holds any value
    """Return the disclosure of a salt, a name and a value, or of anything else."""
    return encode(json.dumps(contents).encode())


def digest(text: str, hash_name: str) -> str:
    """Return the base64url digest of a disclosure, or of a whole presentation."""
    return encode(hashlib.new(_HASHES[hash_name], text.encode()).digest())


class _Hiding:
    def __init__(self, hash_name: str, decoys: int) -> None:
        self.disclosures: dict[str, str] = {}
        self._hash_name = hash_name
        self._decoys = decoys

    def hide(self, given: Mapping[str, Any]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        digests = [digest(secrets.token_hex(), self._hash_name) for _ in range(self._decoys)]
        for name, value in given.items():
            if isinstance(value, Hidden):
                digests.append(self._digest(name, name, self._inside(value.value)))
            else:
                members[name] = self._inside(value)
        if digests:
            members["_sd"] = [*members.get("_sd", []), *sorted(digests)]
        return members

    def _inside(self, value: Any) -> Any:  # noqa: ANN401 - JSON holds any value
        match value:
            case Mapping():
                return self.hide(value)
            case list():
                return [self._element(item) for item in value]
            case _:
                return value

    def _element(self, item: Any) -> Any:  # noqa: ANN401 - JSON holds any value
        if not isinstance(item, Hidden):
            return self._inside(item)
        inside = self._inside(item.value)
        return {"...": self._digest(json.dumps(inside), inside)}

    def _digest(self, known_as: str, *contents: Any) -> str:  # noqa: ANN401 - JSON holds any value
        self.disclosures[known_as] = disclosure(secrets.token_urlsafe(16), *contents)
        return digest(self.disclosures[known_as], self._hash_name)
