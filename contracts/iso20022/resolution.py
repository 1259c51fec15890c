"""Read a resolution of a cancellation (camt.029, version .09; EPC data sets DS-12P and DS-12N).

The same message also answers a question about a cancellation (DS-16 RFC): that says nothing of the
request to pay, and is refused as a document that we do not know.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import Field

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.iso20022.telling import Members, Message, Telling, first_word
from contracts.iso20022.tree import (
    Identifier,
    InstructedAmount,
    Many,
    Moment,
    One,
    Reasons,
    Reference,
    Why,
    Word,
)
from contracts.payload import Payload, validate

# A transaction's word for what the whole message calls by another (EPC133-22, DS-12P).
_CONFIRMATIONS: Final[Mapping[str, str]] = {"ACCR": "CNCL"}


class Assignment(Payload):
    """Assgnmt: the message itself."""

    identifier: Identifier = Field(alias="Id")
    created_at: Moment = Field(None, alias="CreDtTm")


class Outcome(Payload):
    """Sts: the outcome of the whole."""

    confirmation: Word = Field(None, alias="Conf")


class Original(Payload):
    """OrgnlGrpInf: the message that asked for the transaction."""

    original_id: Identifier = Field(alias="OrgnlMsgId")
    original_name: Reference = Field(None, alias="OrgnlMsgNmId")


class Transaction(Payload):
    """TxInfAndSts: one transaction."""

    original: One[Original] = Field(None, alias="OrgnlGrpInf")
    status_id: Reference = Field(None, alias="CxlStsId")
    instruction_id: Reference = Field(None, alias="OrgnlInstrId")
    end_to_end_id: Reference = Field(None, alias="OrgnlEndToEndId")
    status: Word = Field(None, alias="TxCxlSts")
    why: Reasons = Field(Why(), alias="CxlStsRsnInf")
    amount: InstructedAmount = Field(None, alias="OrgnlTxRef")


class Payment(Payload):
    """OrgnlPmtInfAndSts: read where CxlDtls has no transactions of its own."""

    original: One[Original] = Field(None, alias="OrgnlGrpInf")
    status: Word = Field(None, alias="PmtInfCxlSts")
    why: Reasons = Field(Why(), alias="CxlStsRsnInf")
    transactions: Many[Transaction] = Field([], alias="TxInfAndSts")


class Group(Original):
    """OrgnlGrpInfAndSts: the original message, with a status of its own."""

    status: Word = Field(None, alias="GrpCxlSts")
    why: Reasons = Field(Why(), alias="CxlStsRsnInf")


class Details(Payload):
    """CxlDtls."""

    group: One[Group] = Field(None, alias="OrgnlGrpInfAndSts")
    payments: Many[Payment] = Field([], alias="OrgnlPmtInfAndSts")
    transactions: Many[Transaction] = Field([], alias="TxInfAndSts")


class Resolution(Payload):
    """RsltnOfInvstgtn."""

    assignment: One[Assignment] = Field(alias="Assgnmt")
    outcome: One[Outcome] = Field(None, alias="Sts")
    details: Many[Details] = Field(alias="CxlDtls")


def read_resolution(members: Members) -> Message:
    """Return what the resolution tells of each transaction: `CNCL`, `RJCR`, or another word.

    Raises:
        Rejected: `payload_invalid`; `payload_contradictory` when the whole and a transaction have
            different outcomes; `document_unknown` when it has none.
    """
    resolution = validate(Resolution, members)
    if resolution.assignment is None:
        raise Rejected(RejectionCode.PAYLOAD_INVALID, "Assgnmt: missing")
    whole = resolution.outcome.confirmation if resolution.outcome else None
    told = tuple(
        _telling(resolution.assignment, whole, *found)
        for details in resolution.details
        for found in _transactions(details)
    )
    if not told:
        raise Rejected(RejectionCode.PAYLOAD_INVALID, "CxlDtls: no transaction")
    return Message(resolution.assignment.identifier, told)


def _transactions(details: Details) -> Iterator[tuple[Transaction, Payment, Group | None]]:
    for one in details.transactions:
        yield one, Payment(), details.group
    if details.transactions:
        return
    for payment in details.payments or ([Payment()] if details.group else []):
        for one in payment.transactions or [Transaction()]:
            yield one, payment, details.group


def _telling(
    assignment: Assignment,
    whole: str | None,
    one: Transaction,
    payment: Payment,
    group: Group | None,
) -> Telling:
    original = one.original or payment.original or group
    if original is None:
        raise Rejected(RejectionCode.PAYLOAD_INVALID, "OrgnlGrpInf: missing")
    words = [(one.status, one.why.code), (payment.status, payment.why.code)]
    if group is not None:
        words.append((group.status, group.why.code))
    own, reason = first_word(words)
    own = _CONFIRMATIONS.get(own or "", own)
    if not own and not whole:
        raise Rejected(RejectionCode.DOCUMENT_UNKNOWN, "camt.029 without an outcome")
    if own and whole and own != whole:
        raise Rejected(RejectionCode.PAYLOAD_CONTRADICTORY, "Sts.Conf and TxCxlSts disagree")
    return Telling(
        original_id=original.original_id,
        original_name=original.original_name,
        instruction_id=one.instruction_id,
        end_to_end_id=one.end_to_end_id,
        status_id=one.status_id,
        status=own or whole,
        reason=reason,
        amount=one.amount,
        occurred_at=assignment.created_at,
    )
