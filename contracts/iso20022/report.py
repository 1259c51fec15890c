"""Read a status report (pain.014, versions .07, .08 and .10; EPC data sets DS-04b to DS-16).

Statuses stand on three levels; a transaction without one has that of its payment, or of the group.
"""

from collections.abc import Iterator
from itertools import chain

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


class Header(Payload):
    """GrpHdr: the message itself."""

    identifier: Identifier = Field(alias="MsgId")
    created_at: Moment = Field(None, alias="CreDtTm")


class Transaction(Payload):
    """TxInfAndSts: one transaction."""

    status_id: Reference = Field(None, alias="StsId")
    instruction_id: Reference = Field(None, alias="OrgnlInstrId")
    end_to_end_id: Reference = Field(None, alias="OrgnlEndToEndId")
    status: Word = Field(None, alias="TxSts")
    why: Reasons = Field(Why(), alias="StsRsnInf")
    decided_at: Moment = Field(None, alias="DbtrDcsnDtTm")
    accepted_at: Moment = Field(None, alias="AccptncDtTm")
    amount: InstructedAmount = Field(None, alias="OrgnlTxRef")


class Payment(Payload):
    """OrgnlPmtInfAndSts: the transactions of one payment."""

    status: Word = Field(None, alias="PmtInfSts")
    why: Reasons = Field(Why(), alias="StsRsnInf")
    transactions: Many[Transaction] = Field([], alias="TxInfAndSts")


class Group(Payload):
    """OrgnlGrpInfAndSts: the original message; the developer portal nests the payments in it."""

    original_id: Identifier = Field(alias="OrgnlMsgId")
    original_name: Reference = Field(None, alias="OrgnlMsgNmId")
    count: Reference = Field(None, alias="OrgnlNbOfTxs")
    status: Word = Field(None, alias="GrpSts")
    why: Reasons = Field(Why(), alias="StsRsnInf")
    payments: Many[Payment] = Field([], alias="OrgnlPmtInfAndSts")


class Report(Payload):
    """CdtrPmtActvtnReqStsRpt."""

    header: One[Header] = Field(alias="GrpHdr")
    group: One[Group] = Field(alias="OrgnlGrpInfAndSts")
    payments: Many[Payment] = Field([], alias="OrgnlPmtInfAndSts")


def read_report(members: Members) -> Message:
    """Return what the report tells of each transaction.

    Raises:
        Rejected: `payload_invalid`; `payload_contradictory` when payments stand in two places.
    """
    report = validate(Report, members)
    if report.header is None or report.group is None:
        raise Rejected(RejectionCode.PAYLOAD_INVALID, "GrpHdr, OrgnlGrpInfAndSts: missing")
    if report.payments and report.group.payments:
        raise Rejected(
            RejectionCode.PAYLOAD_CONTRADICTORY, "OrgnlPmtInfAndSts stands in two places"
        )
    payments = report.payments or report.group.payments or [Payment()]
    told = chain.from_iterable(_of_payment(report.header, report.group, one) for one in payments)
    count = report.group.count or ""
    several = count.isascii() and count.isdigit() and int(count) > 1
    return Message(report.header.identifier, tuple(told), several=several)


def _of_payment(header: Header, group: Group, payment: Payment) -> Iterator[Telling]:
    for one in payment.transactions or [Transaction()]:
        status, reason = first_word(
            [
                (one.status, one.why.code),
                (payment.status, payment.why.code),
                (group.status, group.why.code),
            ]
        )
        yield Telling(
            original_id=group.original_id,
            original_name=group.original_name,
            instruction_id=one.instruction_id,
            end_to_end_id=one.end_to_end_id,
            status_id=one.status_id,
            status=status,
            reason=reason,
            annotated=one.why.annotated,
            reasons_differ=one.why.differ,
            decided_by_payer=one.decided_at is not None,
            amount=one.amount,
            occurred_at=one.decided_at or one.accepted_at or header.created_at,
        )
