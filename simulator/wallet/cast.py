"""Make the wallet gateway's callbacks: paths of ours, tokens and presentations that are signed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from random import Random
from typing import Any, Final

from contracts.errors import Broken
from runtime.endpoint_configuration import Endpoint
from runtime.endpoint_keys import Keys
from runtime.path_token import PathToken, mint
from runtime.token_configuration import TokenIssuer
from simulator.people import Person, person, token, uuid
from simulator.pki import ec_key
from simulator.plan import Callback
from simulator.scene import Scene
from simulator.sd_jwt import Hidden, Holder, issue_sd_jwt
from simulator.sign_jws import TokenKey, key_set, sign_token
from simulator.wallet.files import (
    CREDENTIAL_ISSUER,
    CREDENTIAL_TYPE,
    WalletKeys,
    named,
    read_wallet_keys,
)

JSON: Final = "application/json"
_ACCEPTED: Final = 202
_LIFE: Final = timedelta(minutes=10)
_CREDENTIAL_LIFE: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Interaction:
    """What our own side has begun: its state and code, and the path that calls back about it."""

    state: str = field(repr=False)
    code: str = field(repr=False)
    path: PathToken

    @property
    def id(self) -> str:
        """Return the transaction's id."""
        return self.path.transaction_id


@dataclass(frozen=True)
class WalletCast:
    """The gateway, an issuer of credentials, a wallet, and our own side."""

    endpoint: Endpoint
    issuer: TokenIssuer
    keys: WalletKeys
    scene: Scene

    def begin(self, rng: Random) -> Interaction:
        """Return a new interaction."""
        state = uuid(rng)
        minted = mint(self._path_secret, endpoint=self.endpoint.name, state=state)
        return Interaction(state, token(rng)[:32], minted)

    def announcement(
        self, begun: Interaction, templates: list[str | int], **terms: object
    ) -> Callback:
        """Return what our own side posts once the interaction has begun."""
        members = {
            "transaction_id": begun.id,
            "state": begun.state,
            "code": begun.code,
            "templates": templates,
            **terms,
        }
        return Callback(
            json.dumps(members).encode(),
            answer=_ACCEPTED,
            endpoint=self.endpoint.name,
            path=f"/expectations/{self.endpoint.name}",
            headers=(("Content-Type", JSON), ("X-API-Key", self._own_key)),
        )

    def callback(
        self,
        begun: Interaction,
        members: Mapping[str, Any],
        *,
        segment: str = "",
        answer: int = 200,
    ) -> Callback:
        """Return a callback about the interaction: state and code beside `members`."""
        body = json.dumps({"state": begun.state, "code": begun.code, **members}).encode()
        return Callback(
            body,
            answer=answer,
            endpoint=self.endpoint.name,
            path=f"{self.endpoint.path}/{segment or begun.path.segment}",
            headers=(("Content-Type", JSON),),
        )

    def claims(self, rng: Random, presentation: str, **changes: object) -> dict[str, Any]:
        """Return the claims of a token that presents this; None takes a claim away."""
        now = self.scene.now
        members = {
            "iss": self.issuer.issuer,
            "jwks_uri": self.issuer.jwks_uri,
            "aud": self.issuer.audiences[0] if self.issuer.audiences else None,
            "verification_id": uuid(rng),
            "iat": int(now.timestamp()),
            "exp": int((now + _LIFE).timestamp()),
            "vp_token": {"pid": [presentation]},
            **changes,
        }
        return {name: value for name, value in members.items() if value is not None}

    def sign(self, claims: Mapping[str, Any], key: TokenKey | None = None) -> str:
        """Return the token of the gateway, or of another key."""
        return sign_token(claims, key or self.keys.gateway)

    def presentation(self, rng: Random) -> tuple[str, Person]:
        """Return an SD-JWT credential that its holder presents to the gateway, and the holder."""
        who, now = person(rng), self.scene.now
        credential = issue_sd_jwt(
            {
                "iss": CREDENTIAL_ISSUER,
                "vct": CREDENTIAL_TYPE,
                "iat": int(now.timestamp()),
                "exp": int((now + _CREDENTIAL_LIFE).timestamp()),
                "cnf": self._holder.confirmation,
                "given_name": Hidden(who.given_name),
                "family_name": Hidden(who.surname),
                "email": Hidden(who.email),
                "phone_number": Hidden(who.phone),
            },
            self.keys.credentials,
        )
        bound = self._holder.bind(
            credential.present(), audience="x509_hash:gateway", nonce=uuid(rng), now=now
        )
        return bound, who

    @cached_property
    def next_key(self) -> TokenKey:
        """Return the key that the gateway changes to in this scene."""
        return named(ec_key())

    @property
    def next_key_set(self) -> str:
        """Return the key set with both keys, as an issuer publishes it while it changes."""
        return key_set([self.keys.gateway, self.next_key]).decode()

    @cached_property
    def _holder(self) -> Holder:
        return Holder(named(ec_key()))

    @cached_property
    def _path_secret(self) -> bytes:
        return _secret(self.endpoint.path_token, "path_token")

    @cached_property
    def _own_key(self) -> str:
        return _secret(self.endpoint.expectations, "expectations").decode()


def wallet_cast_of(scene: Scene) -> WalletCast:
    """Return the cast of the first endpoint.

    Raises:
        Broken: the endpoint lacks what a wallet's interaction needs, or a key cannot be read.
    """
    endpoint = scene.first
    if endpoint.tokens is None or not endpoint.tokens.presentations.issuer_jwks_files:
        raise Broken(
            f"endpoint {endpoint.name}: tokens.presentations.issuer_jwks_files names no key set "
            "of the simulator's; esito up writes an installation that does"
        )
    file = next(iter(endpoint.tokens.presentations.issuer_jwks_files.values()))
    keys = read_wallet_keys(file.parent)
    return WalletCast(endpoint, endpoint.tokens.issuers[0], keys, scene)


def _secret(keys: Keys | None, section: str) -> bytes:
    if keys is None:
        raise Broken(f"the wallet's endpoint has no {section}: keys; the simulator needs one")
    file = keys.keys[0].file
    try:
        return file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise Broken(f"{file}: cannot be read ({error.strerror})") from None
