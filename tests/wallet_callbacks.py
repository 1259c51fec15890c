"""Make the wallet's callbacks as the verifier hands them over, and what follows the verifier."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from contracts.provider import Presentation, SignedBytes, SignedFields, VerifiedToken
from contracts.providers.wallet import PROVIDER
from contracts.raw import RawCallback, Source
from contracts.update import Expectation, Statement, VerifiedUpdate, Witness
from tests.updates import at, said
from workers.state_machine.decision import Rules

STATE: Final = "Zk3vQ0Yw7pV1cX8uTn5mRg"
CODE: Final = "abc123"
ISSUER: Final = "https://wallet.example.org"
ONE: Final = "1f" * 16
OTHER: Final = "2e" * 16
PERSONAL: Final = {"family_name": "Quaranta", "birth_date": "1987-06-05", "age_over_18": True}
WALLET: Final = Rules(provider=PROVIDER, early_milliseconds=60_000)
PRESENTATION: Final = Presentation(
    format="dc+sd-jwt",
    credential_type="urn:eudi:pid:1",
    issuer="https://pid.example.org",
    claim_names=("family_name",),
    claims_digest="0a" * 16,
    holder_binding="verified",
)


def digest_of(transaction: str, text: str) -> str:
    """Return what the verifier's digest of `text` is under the path of `transaction`."""
    return hmac.new(b"made up", f"{transaction}\n{text}".encode(), hashlib.sha256).hexdigest()[:32]


def token(verification_id: object = "v-1", **claims: object) -> VerifiedToken:
    """Return a verified token that presents a person's claims, unless other claims are given."""
    presented = claims or PERSONAL
    protocol = {"iss": ISSUER, "jwks_uri": f"{ISSUER}/jwks", "verification_id": verification_id}
    return VerifiedToken({**protocol, **presented}, ISSUER, key_id="k1", algorithm="ES256")


def verification(
    *, code: object = CODE, state: object = STATE, **statuses: object
) -> dict[str, Any]:
    """Return the members of a verification callback: `t1="COMPLETED"` is template 1."""
    entries = {
        name.removeprefix("t"): {"token": f"token-{name}", "status": status}
        for name, status in statuses.items()
    }
    return {"state": state, "code": code, "tokens": entries}


def issuance(
    template: object = 1, *, status: object = "Issued", completed: object = True, code: str = CODE
) -> dict[str, Any]:
    """Return the members of an issuance callback."""
    return {
        "state": STATE,
        "code": code,
        "template_id": template,
        "status": status,
        "completed": completed,
    }


def fields(
    members: Mapping[str, Any],
    tokens: Mapping[str, VerifiedToken] | None = None,
    *,
    transaction: str = ONE,
) -> SignedFields:
    """Return the members as the verifier hands them over, with the tokens it has verified."""
    if tokens is None:
        names = PROVIDER.tokens(members) if PROVIDER.tokens else {}
        tokens = {name: token(claim=name) for name in names}
    callback = RawCallback(
        body=b"",
        callback_id="019a0000-0000-7000-8000-000000000000",
        endpoint="shop",
        source=Source.CALLBACK,
        received_at=at(),
        method="POST",
        target_uri=f"https://callbacks.example.org/wallet/{transaction}",
        principal="path_token:k1",
        http={},
    )
    return SignedFields(
        members,
        SignedBytes(b"", "ab" * 32, said("VERIFIED").proof, callback),
        tokens=tokens,
        transaction_id=transaction,
        digest=lambda text: digest_of(transaction, text),
    )


def updates(
    members: Mapping[str, Any],
    tokens: Mapping[str, VerifiedToken] | None = None,
    *,
    transaction: str = ONE,
    seconds: float = 0,
) -> list[VerifiedUpdate]:
    """Return the update that one callback leads to, and those behind it: the statement's first."""
    (found,) = PROVIDER.translate(fields(members, tokens, transaction=transaction))
    return [update_of(one, seconds=seconds) for one in reversed(unwrapped(found))]


def unwrapped(what: Statement | Witness | Expectation | None) -> list[Statement | Witness]:
    """Return witnesses in the order they are asked, and last the statement behind them."""
    found: list[Statement | Witness] = []
    while isinstance(what, Witness):
        found.append(what)
        what = what.then
    return [*found, what] if isinstance(what, Statement) else found


def statement(
    members: Mapping[str, Any],
    tokens: Mapping[str, VerifiedToken] | None = None,
    *,
    transaction: str = ONE,
) -> Statement:
    """Return what one callback says about its transaction."""
    (found,) = PROVIDER.translate(fields(members, tokens, transaction=transaction))
    *_, said_of = unwrapped(found)
    assert isinstance(said_of, Statement)
    return said_of


def terms(*templates: object, transaction: str = ONE, **members: object) -> dict[str, str]:
    """Return the terms of a registration of these templates."""
    assert PROVIDER.terms is not None
    registration = {"state": STATE, "code": CODE, "templates": list(templates), **members}
    return dict(PROVIDER.terms(fields(registration, {}, transaction=transaction)))


def registered(
    *templates: object, transaction: str = ONE, seconds: float = 0, **members: object
) -> VerifiedUpdate:
    """Return the update in which our own side announces an interaction with these templates."""
    announced = terms(*templates, transaction=transaction, **members)
    what = Expectation(transaction_id=transaction, terms=announced)
    return update_of(what, seconds=seconds, source=Source.EXPECTATION)


def update_of(
    what: Statement | Witness | Expectation,
    *,
    seconds: float = 0,
    source: Source = Source.CALLBACK,
) -> VerifiedUpdate:
    """Return the update that carries `what`."""
    change = {"provider": "wallet", "what": what, "source": source, "received_at": at(seconds)}
    return said("VERIFIED").model_copy(update=change)
