"""Namirial Wallet callbacks: verification (a JWT for each template) and issuance (unsigned).

Checked: the path made for one transaction, `state` against that path, `code`, the kind of
interaction and its templates against what was registered, the JWT of every completed template, and
that a `verification_id` serves one transaction. Not checked, because nothing signs it: `state`,
`code`, `status`, `completed`, and which template a token stands under. So a failed verification and
any issuance are as trustworthy as path and code are secret.

Not documented, and so assumed: no retries, no order, every other status is a failure, the templates
of one verification may share its id, an API key may be sent (an endpoint may demand it).
Answers: 200 when stored, 404 to a stranger.
https://docs.namirial.app/products/wallet/api-guide/callback (read 2026-11)
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Final

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.lifecycle import Status, lifecycle
from contracts.payload import validate
from contracts.presented import Digest, claims_digest, evidence, presents_something
from contracts.provider import (
    Answers,
    Breach,
    Door,
    Provider,
    SignedFields,
    Standing,
    VerifiedToken,
)
from contracts.terms import check_same, check_within, members_of
from contracts.update import Reason, Statement, Witness
from contracts.wallet_payload import (
    COMPLETED,
    Issuance,
    Registration,
    Verification,
    entries_of,
    read_callback,
    state_of,
    tokens_of,
)


class Native(StrEnum):
    """What is said of a verification (the first two), or of a credential to be issued."""

    VERIFIED = "VERIFIED"
    FAILED = "FAILED"
    PENDING = "PENDING"
    ISSUED_OPEN = "ISSUED_OPEN"
    ISSUED = "ISSUED"
    NOT_ISSUED = "NOT_ISSUED"


# https://docs.namirial.app/products/wallet/api-guide/callback (read 2026-11). The words are ours:
# VERIFIED if every template is COMPLETED; of a credential, by (status is Issued, completed):
# ISSUED (yes, yes), ISSUED_OPEN (yes, no), NOT_ISSUED (no, yes), PENDING (no, no).
STATUSES: Final[Mapping[str, Status]] = {
    Native.VERIFIED: Status.COMPLETED,
    Native.FAILED: Status.FAILED,
    Native.PENDING: Status.PENDING,
    Native.ISSUED_OPEN: Status.PROCESSING,
    Native.ISSUED: Status.COMPLETED,
    Native.NOT_ISSUED: Status.FAILED,
}

# A verification has one callback, whose status nobody signs: whoever turns FAILED into VERIFIED
# beside an old token, or back, is not believed. ISSUED_OPEN follows itself: a fact names its
# credential, so it is said of the next one. An end is never taken back, and a credential issued
# after NOT_ISSUED is for a person to look at.
LIFECYCLE: Final = lifecycle(
    """
             VERIFIED FAILED
    (none)   +        +
    VERIFIED =        x
    FAILED   x        =
    """,
    """
                PENDING ISSUED_OPEN ISSUED NOT_ISSUED
    (none)      +       +           +      +
    PENDING     =       +           +      +
    ISSUED_OPEN -       +           +      +
    ISSUED      -       -           =      x
    NOT_ISSUED  -       x           x      =
    """,
    statuses=STATUSES,
    final={Native.VERIFIED, Native.FAILED, Native.ISSUED, Native.NOT_ISSUED},
)

_VERIFICATION_ID: Final = re.compile(r"[ -~]{1,512}")  # a UUID has 36
_REFERENCE: Final = re.compile(r"[!-~]{1,100}")
_ISSUED: Final = "Issued"
_OUTCOME: Final = ".outcome"


def terms(fields: SignedFields) -> dict[str, str]:
    """Return what the callbacks of a registered interaction must keep to; `code` as a digest.

    Raises:
        Rejected: `payload_invalid`; `principal_missing`: no path was made for the transaction.
    """
    registered = validate(Registration, fields.members)
    digest = _keyed(fields)
    return {
        "code": digest(registered.code),
        "interaction": registered.interaction,
        **{f"template:{one}": "" for one in registered.templates},
        **{f"verification_id:{digest(one)}": "" for one in registered.verification_ids},
    }


def translate(fields: SignedFields) -> tuple[Statement | Witness, ...]:
    """Return the statement about the transaction, behind a witness of each verification.

    Raises:
        Rejected: as `tokens_of` and `terms`; `payload_contradictory`: one token for two templates;
            `token_claim_missing`; `token_issuer_unknown`: the endpoint verifies no tokens.
    """
    payload = read_callback(fields.members)
    if isinstance(payload, Issuance):
        return (_credential(payload, fields),)
    return (_verification(payload, fields),)


def _verification(payload: Verification, fields: SignedFields) -> Statement | Witness:
    """Return the statement, behind a witness of each verification that it rests on."""
    digest = _keyed(fields)
    entries = entries_of(payload)
    presented = {
        template: _presented(fields.tokens.get(template))
        for template, entry in entries.items()
        if entry.status == COMPLETED
    }
    if len(presented) > 1 and _some_alike(presented.values(), digest):
        raise Rejected(RejectionCode.PAYLOAD_CONTRADICTORY, "tokens: one for two templates")
    whole = bool(entries) and len(presented) == len(entries)
    outcomes = {one: "completed" if one in presented else "failed" for one in entries}
    ids = {(one.issuer, str(one.claims["verification_id"])) for one in presented.values()}
    said: Statement | Witness = Statement(
        transaction_id=fields.transaction_id,
        native_status=Native.VERIFIED if whole else Native.FAILED,
        fact=Native.VERIFIED if whole else Native.FAILED,
        reason=None if whole else Reason(code="template_failed"),
        references={
            **{f"{template}{_OUTCOME}": outcome for template, outcome in outcomes.items()},
            **(_evidence(presented, digest) if whole else {}),
        },
        terms={
            "code": digest(payload.code),
            "interaction": "verification",
            **{f"template:{template}": outcome for template, outcome in outcomes.items()},
            **{f"verification_id:{digest(one)}": "" for _, one in sorted(ids)},
        },
    )
    for issuer, one in sorted(ids):
        used = hashlib.sha256(f"{issuer}\n{one}".encode()).hexdigest()
        name = f"witness:verification:{used}"
        said = Witness(transaction_id=name, mark=fields.transaction_id, then=said)
    return said


def _some_alike(tokens: Collection[VerifiedToken], digest: Digest) -> bool:
    return len({claims_digest(token, digest) for token in tokens}) != len(tokens)


def _presented(token: VerifiedToken | None) -> VerifiedToken:
    """Pass only a verified token that names its verification and presents something."""
    if token is None:
        raise Rejected(RejectionCode.TOKEN_ISSUER_UNKNOWN, "no issuer is configured")
    identifier = token.claims.get("verification_id")
    if not isinstance(identifier, str) or not _VERIFICATION_ID.fullmatch(identifier):
        raise Rejected(RejectionCode.TOKEN_CLAIM_MISSING, "verification_id: printable text")
    if not presents_something(token):
        raise Rejected(RejectionCode.TOKEN_CLAIM_MISSING, "nothing is presented")
    return token


def _evidence(presented: Mapping[str, VerifiedToken], digest: Digest) -> dict[str, str]:
    found: dict[str, str] = {}
    for template, token in presented.items():
        identifier = str(token.claims["verification_id"])
        told = {"verification_id": identifier} if _REFERENCE.fullmatch(identifier) else {}
        told |= evidence(token, digest)
        found |= {f"{template}.{name}": text for name, text in told.items()}
    return found


def _credential(payload: Issuance, fields: SignedFields) -> Statement:
    match payload.status == _ISSUED, payload.completed:
        case True, True:
            native = Native.ISSUED
        case True, False:
            native = Native.ISSUED_OPEN
        case False, True:
            native = Native.NOT_ISSUED
        case _:
            native = Native.PENDING
    digest = _keyed(fields)
    return Statement(
        transaction_id=fields.transaction_id,
        native_status=native,
        fact=f"{native}:{payload.template_id}",
        references={"template_id": str(payload.template_id)},
        terms={
            "code": digest(payload.code),
            "interaction": "issuance",
            f"template:{payload.template_id}": native,
        },
    )


def keep(standing: Standing, statement: Statement) -> Statement:
    """Return what the statement means for the transaction that was registered with its terms.

    A template that was asked for and not answered counts as failed. An issuance is over when the
    gateway says so, and ISSUED once every credential registered was, in whatever order they came.

    Raises:
        Breach: another code or kind, a template or a verification that was not registered.
    """
    terms, facts = standing.terms, standing.facts
    check_same("code", terms, statement.terms)
    check_same("interaction", terms, statement.terms)
    missing = check_within("template", terms, statement.terms)
    if statement.terms["interaction"] == "issuance":
        return _kept_credential(members_of("template", terms), facts, statement)
    if members_of("verification_id", terms):
        unheard = check_within("verification_id", terms, statement.terms)
        if unheard and not missing and statement.native_status == Native.VERIFIED:
            raise Breach("verification_id: one that was registered is absent")
    return _kept_verification(missing, statement) if missing else statement


def _kept_verification(missing: Iterable[str], statement: Statement) -> Statement:
    """Return it as failed, and so without a word about what was presented."""
    outcomes = {
        name: text for name, text in statement.references.items() if name.endswith(_OUTCOME)
    } | {f"{template}{_OUTCOME}": "missing" for template in sorted(missing)}
    update = {
        "native_status": Native.FAILED.value,
        "reason": Reason(code="template_missing"),
        "references": outcomes,
    }
    return statement.model_copy(update=update)


def _kept_credential(
    asked: frozenset[str], facts: Collection[str], statement: Statement
) -> Statement:
    if statement.native_status not in {Native.ISSUED, Native.ISSUED_OPEN}:
        return statement
    heard = [*facts, statement.fact]
    last = members_of(Native.ISSUED, heard)
    issued = last | members_of(Native.ISSUED_OPEN, heard)
    native = Native.ISSUED if last and asked <= issued else Native.ISSUED_OPEN
    return statement.model_copy(update={"native_status": native.value})


def _keyed(fields: SignedFields) -> Digest:
    if fields.digest is None or not fields.transaction_id:
        raise Rejected(RejectionCode.PRINCIPAL_MISSING, "no path was made for the transaction")
    return fields.digest


PROVIDER: Final = Provider(
    name="wallet",
    documentation="https://docs.namirial.app/products/wallet/api-guide/callback",
    door=Door(
        provider="wallet",
        credentials=("path_token",),
        offered=("api_key",),
        media_types=("application/json",),
        answers=Answers(accepted=200, unauthenticated=404),
    ),
    lifecycle=LIFECYCLE,
    translate=translate,
    tokens=tokens_of,
    path_state=state_of,
    terms=terms,
    keep=keep,
)
