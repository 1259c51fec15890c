"""The issuers, wallets and policies that the presentations of the tests are made by: new each run.

Nothing is recorded: no key here opens anything.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from cbor2 import CBORTag

from contracts.codes import RejectionCode
from simulator.credential_issuers import DOCUMENT_SIGNER, new_issuer
from simulator.mdoc import Mdoc, Request, device_response, issue_mdoc
from simulator.pki import Identity, Life, lasting, new_authority, new_root
from simulator.sd_jwt import Hidden, Holder, SdJwt, issue_sd_jwt
from simulator.sign_jws import TokenKey, key_set, new_token_key
from workers.verifier.certificates import Trust
from workers.verifier.jwk import parse_jwks
from workers.verifier.presentation_policy import PresentationPolicy

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
DAY: Final = timedelta(days=1)
LEEWAY: Final = 60 * SECOND
ISSUER: Final = "https://issuer.example.org"
PINNED: Final = "https://pinned.example.org/credentials"
CREDENTIAL: Final = "urn:eudi:pid:1"
DOCUMENT: Final = "eu.europa.ec.eudi.pid.1"
AUDIENCE: Final = "x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk"
NONCE: Final = "n-0S6_WzA2Mj"
MALFORMED: Final = RejectionCode.PRESENTATION_MALFORMED
UNTRUSTED: Final = RejectionCode.PRESENTATION_UNTRUSTED
ALGORITHM: Final = RejectionCode.ALGORITHM_FORBIDDEN
DISCLOSURE: Final = RejectionCode.PRESENTATION_DISCLOSURE_INVALID
MISSING: Final = RejectionCode.PRESENTATION_CLAIM_MISSING
WRONG_TYPE: Final = RejectionCode.PRESENTATION_TYPE_WRONG
EXPIRED: Final = RejectionCode.PRESENTATION_EXPIRED
TOO_EARLY: Final = RejectionCode.PRESENTATION_NOT_YET_VALID
UNBOUND: Final = RejectionCode.PRESENTATION_BINDING_MISSING


class Variant(NamedTuple):
    """A vp_token, and the code it is rejected with (None: it is accepted).

    `demanded`: under a policy that demands a verified holder; else the gateway attests it.
    `binding` is what an accepted one must report. `nonce` is what the token repeats.
    """

    vp_token: Any
    code: RejectionCode | None = None
    demanded: bool = False
    binding: str = "none"
    nonce: str | None = NONCE

    @property
    def policy(self) -> PresentationPolicy:
        """Return the policy it is verified under."""
        return demanding() if self.demanded else attested()

    @property
    def claims(self) -> dict[str, Any]:
        """Return the claims of the token that carries it."""
        return {"vp_token": self.vp_token, "request_nonce": self.nonce}


Named = Iterator[tuple[str, Variant]]


@dataclass(frozen=True, slots=True)
class Issuers:
    """Who issues: roots, an issuer of SD-JWTs, one of mdocs, and the key of one that is pinned."""

    root: Identity
    authority: Identity
    issuer: Identity
    signer: Identity
    pinned: TokenKey
    stranger: Identity
    holder: Holder


@cache
def issuers() -> Issuers:
    """Return the issuers of this run."""
    root = new_root("Credential root", now=NOW)
    authority = new_authority(root, "Credential authority", now=NOW)
    foreign = new_root("Credential root", now=NOW)
    return Issuers(
        root=root,
        authority=authority,
        issuer=issuer_of(authority, uris=[ISSUER]),
        signer=signer_of(authority),
        pinned=new_token_key("pinned-1"),
        stranger=issuer_of(foreign, uris=[ISSUER], purposes=[DOCUMENT_SIGNER]),
        holder=Holder(new_token_key("holder")),
    )


def issuer_of(authority: Identity, **wanted: Any) -> Identity:  # noqa: ANN401 - as new_issuer
    """Return an issuer's identity, valid now unless `wanted` says otherwise."""
    return new_issuer(authority, "Issuer", **{"life": lasting(NOW), **wanted})


def signer_of(authority: Identity, **wanted: Any) -> Identity:  # noqa: ANN401 - as new_issuer
    """Return a document signer's identity, valid now unless `wanted` says otherwise."""
    return issuer_of(authority, **{"purposes": [DOCUMENT_SIGNER], **wanted})


def life_of_a_month() -> Life:
    """Return the life of a credential that was issued within the life of its issuer."""
    return Life(NOW - 3600 * SECOND, NOW + 30 * DAY)


@cache
def attested() -> PresentationPolicy:
    """Return a policy that lets the gateway attest the holder."""
    pinned = parse_jwks(key_set([issuers().pinned]))
    trust = Trust(
        roots=(issuers().root.certificate,),
        pinned={},
        intermediates=(),
        crls=(),
        reject_unknown=False,
        skew=LEEWAY,
    )
    return PresentationPolicy(
        policy="required",
        trust=trust,
        issuer_keys={PINNED: pinned},
        credential_types=frozenset({CREDENTIAL, DOCUMENT}),
    )


@cache
def demanding() -> PresentationPolicy:
    """Return a policy that demands a verified holder."""
    return replace(
        attested(), holder_binding="verified", audience=AUDIENCE, nonce_claim="request_nonce"
    )


REQUEST = Request(AUDIENCE, NONCE, "https://gateway.example.org/response")
ELEMENTS = {
    "given_name": "Specimen",
    "birth_date": CBORTag(1004, "1990-01-01"),
    "portrait": bytes(40),
    "age_over_18": True,
    "height": 1.75,
    "nationality": ["IT", {"since": CBORTag(0, "2008-01-01T00:00:00Z"), 1: None}],
    "seen": CBORTag(30_000, [1, {"a": [2]}]),
}


def credential(
    signer: TokenKey | Identity | None = None,
    *,
    header: dict[str, Any] | None = None,
    hash_name: str | None = "sha-256",
    decoys: int = 0,
    **claims: Any,  # noqa: ANN401 - JSON holds any value
) -> SdJwt:
    """Return a credential of the usual issuer; `claims` come over the usual ones."""
    usual = {
        "iss": ISSUER,
        "vct": CREDENTIAL,
        "iat": seconds(-3600),
        "exp": seconds(86_400),
        "cnf": issuers().holder.confirmation,
        "given_name": Hidden("Specimen"),
        "birthdate": Hidden("1990-01-01"),
        "address": Hidden({"locality": Hidden("Roma"), "country": "IT"}),
        "nationalities": [Hidden("IT"), Hidden("DE")],
        "age_over_18": True,
    }
    signer = signer or issuers().issuer
    given = {**usual, **claims}
    return issue_sd_jwt(given, signer, header=header, hash_name=hash_name, decoys=decoys)


def seconds(after_now: float) -> int:
    """Return a NumericDate this long after now."""
    return int(NOW.timestamp() + after_now)


def mdoc(signer: Identity | None = None, **options: Any) -> Mdoc:  # noqa: ANN401 - as issue_mdoc
    """Return a credential of the usual document signer; `options` come over the usual ones."""
    usual: dict[str, Any] = {"elements": {DOCUMENT: ELEMENTS}, "life": life_of_a_month()}
    return issue_mdoc(DOCUMENT, signer=signer or issuers().signer, **{**usual, **options})


def document(issued: Mdoc | None = None) -> dict[str, Any]:
    """Return a whole document."""
    return (issued or mdoc()).present(REQUEST)


def response(issued: Mdoc | None = None) -> str:
    """Return a response with one document."""
    return device_response([document(issued)])


def header_of(compact: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(decoded(compact.partition(".")[0]))
    return header


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
