"""SEPA Request-to-Pay callbacks: the answers of the payer's provider, as pain.014 and camt.029.

Checked: by the verifier, at least one of four schemes, and that who signed is who speaks; here,
that the message is one of the two, names its sender and its own id, and says one thing of each
transaction. Noted, and processed all the same: what departs from the EPC's profile. Not checked,
because the payload offers nothing to check it by: how old it is; the message's id is a witness
instead, so that the same id with another body is noticed.

Answers: 200 with an empty body, also for what was heard before, where pagoPA's own receiver says
400; the verifier judges later. 403 for a caller that does not prove who it is, in the EPC's error
model. Gateways of the scheme refuse the header `Version`, and so do we.
https://github.com/pagopa/cstar-securehub-infra-api-spec (src/srtp/api/epc: EPC133-22 v3.1, V4.0,
and the callback; read at f6e1915).
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import StringConstraints

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.iso20022.envelope import document_text, find_message, read_message, speaker_of
from contracts.iso20022.parties import normal_party
from contracts.iso20022.profile import FINDINGS_MAX, findings_of, refused_by
from contracts.iso20022.profile_table import REASONS
from contracts.iso20022.telling import Telling, transaction_ids
from contracts.lifecycle import Status, lifecycle
from contracts.payload import Payload, validate
from contracts.provider import Answers, Door, Provider, SignedFields
from contracts.update import Finding, Reason, Scheme, Statement, Witness


class Native(StrEnum):
    """The statuses of a request to pay: ISO's words, the EPC's codes, and one data set's name."""

    REPR = "REPR"
    RCVD = "RCVD"
    PDNG = "PDNG"
    REDIRECT = "REDIRECT"
    ACTC = "ACTC"
    RJCR = "RJCR"
    ALAC = "ALAC"
    ACCP = "ACCP"
    ACWC = "ACWC"
    ACSP = "ACSP"
    ACSC = "ACSC"
    ACCC = "ACCC"
    RJCT = "RJCT"
    ARFR = "ARFR"
    ARJR = "ARJR"
    AEXR = "AEXR"
    CNCL = "CNCL"
    CANC = "CANC"
    IRNR = "IRNR"


# https://github.com/pagopa/cstar-securehub-infra-api-spec (src/srtp/api/epc, read at f6e1915):
# TxSts ACTC, ACCP, ACWC, RJCT, the reasons of DS-16, and of camt.029 (DS-12) CNCL and RJCR.
# REDIRECT is the data set whose TxSts may be empty: the payer must be sent to a page.
# https://www.iso20022.org/ (external code sets, ExternalPaymentTransactionStatus1Code): RCVD, PDNG,
# ACSP, ACSC, ACCC, CANC. Of these pagoPA's developer portal names ACSC as the end, and no EPC list.
# ACTC is not `accepted`: the payer's provider has taken the request, the payer has not answered.
STATUSES: Final[Mapping[str, Status]] = {
    Native.REPR: Status.PENDING,
    Native.RCVD: Status.PENDING,
    Native.PDNG: Status.PENDING,
    Native.REDIRECT: Status.PROCESSING,
    Native.ACTC: Status.PROCESSING,
    Native.RJCR: Status.PROCESSING,
    Native.ALAC: Status.ACCEPTED,
    Native.ACCP: Status.ACCEPTED,
    Native.ACWC: Status.ACCEPTED,
    Native.ACSP: Status.ACCEPTED,
    Native.ACSC: Status.COMPLETED,
    Native.ACCC: Status.COMPLETED,
    Native.RJCT: Status.REJECTED,
    Native.ARFR: Status.REJECTED,
    Native.ARJR: Status.REJECTED,
    Native.AEXR: Status.EXPIRED,
    Native.CNCL: Status.CANCELLED,
    Native.CANC: Status.CANCELLED,
    Native.IRNR: Status.FAILED,
}

# 1. The open statuses are a ladder, REPR to ACSP: a higher one moves, a lower one is older news.
#    Nobody waits for ACTC: ACCP may come first (pagoPA's own tests).
# 2. RJCR refuses to cancel and leaves the request where it is, so it moves only what the payer has
#    not answered; that a request may be cancelled again after it, CNCL shows.
# 3. Once the payer has accepted, a refusal contradicts; expiry and cancellation do not (pagoPA).
# 4. Two ends exclude each other, but for their synonyms: RJCT does not say who refused, ARFR (the
#    payer) and ARJR (the provider) do; CNCL is CANC; ACSC and ACCC are the two sides' money.
# 5. Money in always wins: a person is told, and it is never taken back.
# 6. IRNR ("initial request not received") is what one says who has not seen the request. Whatever
#    shows that it was seen is stronger, and a person is told of both.
LIFECYCLE: Final = lifecycle(
    """
             REPR RCVD PDNG REDIRECT ACTC RJCR ALAC ACCP ACWC ACSP ACSC ACCC RJCT ARFR ARJR AEXR CNCL CANC IRNR
    (none)   +    +    +    +        +    +    +    +    +    +    +    +    +    +    +    +    +    +    +
    REPR     =    +    +    +        +    +    +    +    +    +    +    +    +    +    +    +    +    +    x
    RCVD     -    =    +    +        +    +    +    +    +    +    +    +    +    +    +    +    +    +    x
    PDNG     -    -    =    +        +    +    +    +    +    +    +    +    +    +    +    +    +    +    x
    REDIRECT -    -    -    =        +    +    +    +    +    +    +    +    +    +    +    +    +    +    x
    ACTC     -    -    -    -        =    +    +    +    +    +    +    +    +    +    +    +    +    +    x
    RJCR     -    -    -    -        -    =    +    +    +    +    +    +    +    +    +    +    +    +    +
    ALAC     -    -    -    -        -    -    =    +    +    +    +    +    x    x    x    +    +    +    x
    ACCP     -    -    -    -        -    -    -    =    +    +    +    +    x    x    x    +    +    +    x
    ACWC     -    -    -    -        -    -    -    -    =    +    +    +    x    x    x    +    +    +    x
    ACSP     -    -    -    -        -    -    -    -    -    =    +    +    x    x    x    +    +    +    x
    ACSC     -    -    -    -        -    -    -    -    -    -    =    =    x    x    x    x    x    x    x
    ACCC     -    -    -    -        -    -    -    -    -    -    =    =    x    x    x    x    x    x    x
    RJCT     -    -    -    -        -    -    x    x    x    x    !    !    =    =    =    x    x    x    x
    ARFR     -    -    -    -        -    -    x    x    x    x    !    !    =    =    x    x    x    x    x
    ARJR     -    -    -    -        -    -    x    x    x    x    !    !    =    x    =    x    x    x    x
    AEXR     -    -    -    -        -    -    -    -    -    -    !    !    x    x    x    =    x    x    x
    CNCL     -    -    -    -        -    -    -    -    -    -    !    !    x    x    x    x    =    =    x
    CANC     -    -    -    -        -    -    -    -    -    -    !    !    x    x    x    x    =    =    x
    IRNR     !    !    !    !        !    -    !    !    !    !    !    !    !    !    !    !    !    !    =
    """,  # noqa: E501 - a table is read by its columns
    statuses=STATUSES,
    final={
        Native.ACSC,
        Native.ACCC,
        Native.RJCT,
        Native.ARFR,
        Native.ARJR,
        Native.AEXR,
        Native.CNCL,
        Native.CANC,
        Native.IRNR,
    },
)

# Reasons that are a status where no TxSts stands: the answer to "where does it stand?" (DS-16).
REPORTED: Final = REASONS["DS16RTP"]


class Registration(Payload):
    """What our own side may register of a transaction: which service provider was asked."""

    service_provider: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] = ""


def terms(fields: SignedFields) -> dict[str, str]:
    """Return who alone may answer, where our own side registered it.

    Raises:
        Rejected: `payload_invalid`.
    """
    asked = validate(Registration, fields.members).service_provider
    return {"signer": asked} if asked else {}


def translate(fields: SignedFields) -> tuple[Statement | Witness, ...]:
    """Return one statement for each transaction of the message, and the witness of its id.

    Raises:
        Rejected: `document_unknown`; `payload_invalid`; `payload_contradictory` when one
            transaction is told two things: another status, reason or amount.
    """
    found = find_message(fields.members, fields.document)
    message, sender = read_message(found), speaker_of(found)
    findings = tuple(dict.fromkeys((*fields.findings, *findings_of(found))))[:FINDINGS_MAX]
    references = {"message_id": message.identifier, "sender": sender}
    said: dict[str, Statement] = {}
    for identifier, telling in zip(transaction_ids(message), message.tellings, strict=True):
        statement = _statement(identifier, telling, references, findings)
        if _content(said.setdefault(identifier, statement)) != _content(statement):
            raise Rejected(
                RejectionCode.PAYLOAD_CONTRADICTORY, "one transaction is told two things"
            )
    return (*said.values(), _witness(sender, message.identifier, fields.signed.sha256))


def speaker(fields: SignedFields) -> str:
    """Return the BIC or the LEI in whose name the message speaks.

    Raises:
        Rejected: `document_unknown`, `payload_invalid`.
    """
    return speaker_of(find_message(fields.members, fields.document))


def _statement(
    identifier: str, told: Telling, common: Mapping[str, str], findings: tuple[Finding, ...]
) -> Statement:
    native = _native(told)
    references = {
        **common,
        "original_message": told.original_name,
        "instruction_id": told.instruction_id,
        "end_to_end_id": told.end_to_end_id,
        "status_id": told.status_id,
    }
    if native == Native.RJCT:
        references["refused_by"] = refused_by(told.reason, decided=told.decided_by_payer)
    return Statement(
        transaction_id=identifier,
        native_status=native,
        fact=native,
        reason=Reason(code=told.reason) if told.reason else None,
        amount=told.amount,
        occurred_at=told.occurred_at,
        references={name: value for name, value in references.items() if value is not None},
        findings=findings,
    )


def _content(statement: Statement) -> tuple[object, ...]:
    return statement.native_status, statement.reason, statement.amount


def _native(told: Telling) -> str:
    """Return the provider's word for the status: TxSts, or what stands in its place."""
    if told.status:
        return told.status
    if told.reason is None:
        # An empty TxSts beside a text: the text is the page that the payer is sent to.
        if told.status is not None and told.annotated:
            return Native.REDIRECT
        raise Rejected(RejectionCode.PAYLOAD_INVALID, "TxSts, StsRsnInf.Rsn: neither is there")
    if told.reasons_differ:
        # Where a reason is the status, a list of them says several things of one transaction.
        raise Rejected(RejectionCode.PAYLOAD_CONTRADICTORY, "two reasons where one is the status")
    if told.reason in STATUSES and told.reason not in REPORTED:
        raise Rejected(RejectionCode.PAYLOAD_CONTRADICTORY, "a status stands as a reason")
    return told.reason


def _witness(sender: str, identifier: str, mark: str) -> Witness:
    digest = hashlib.sha256(f"{normal_party(sender)}\n{identifier}".encode()).hexdigest()
    # Longer than any id of a message may be, so it can be no transaction's.
    return Witness(transaction_id=f"witness:message:{digest}", mark=mark)


PROVIDER: Final = Provider(
    name="srtp",
    documentation="https://github.com/pagopa/cstar-securehub-infra-api-spec",
    door=Door(
        provider="srtp",
        media_types=("application/json", "application/xml", "text/xml"),
        credentials=(),
        offered=("api_key", "client_certificate"),
        kept_headers=(
            "x-srtp-signature",
            "x-srtp-signature-certificate",
            "x-srtp-signature-certificate-chain",
            "x-srtp-signature-algorithm-digest",
            "x-jws-signature",
            "x-request-id",
            "idempotency-key",
            "location",
        ),
        forbidden_headers=("version",),
        answers=Answers(accepted=200, unauthenticated=403, error_model="epc"),
    ),
    lifecycle=LIFECYCLE,
    translate=translate,
    signatures=(Scheme.XMLDSIG, Scheme.DETACHED_SIGNATURE, Scheme.DETACHED_JWS),
    one_signer=True,
    terms=terms,
    document=document_text,
    speaker=speaker,
)
