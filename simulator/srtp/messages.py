"""Write what SRTP callbacks say: pain.014 and camt.029 as members, not yet in a body. Pure.

EPC133-22 v3.1 (API specification) and the ISO 20022 schemas: the members stand in the order that
the schemas prescribe for elements. All that is about a person is invented (`simulator.people`).
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simulator.people import Person, digits, person
from simulator.pki_files import BANK_A, Bank
from simulator.srtp.bodies import CANCELLATION, REPORT

CREDITOR_BIC: Final = "ESTCITMM"
_EPOCH: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
_CREDITOR_ACCOUNT: Final = "IT96K999999999900SRTPPAGOPA"  # what pagoPA fills in
_CENTS: Final = 100
_DAY: Final = timedelta(days=1)
_DECIDED: Final = frozenset({"ACCP", "ACWC"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to pay that a payer's bank answers; `id` is the MsgId of its pain.013."""

    id: str
    notice: str
    cents: int
    payer: Person
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Who speaks, and under which id of its own."""

    id: str
    created: datetime
    speaker: Bank = BANK_A

    def again(self, **changes: Any) -> "Message":  # noqa: ANN401 - the fields above
        """Return the message with something changed."""
        return replace(self, **changes)


def new_request(rng: random.Random) -> Request:
    """Return a request to pay, as pagoPA writes it: a UUID without dashes, an 18 digits notice."""
    return Request(
        id=f"{rng.getrandbits(128):032x}",
        notice=digits(rng, 18),
        cents=rng.randrange(100, 500_000),
        payer=person(rng),
        created=_EPOCH + timedelta(milliseconds=rng.randrange(10**9)),
    )


def new_message(rng: random.Random, *, speaker: Bank = BANK_A) -> Message:
    """Return a new message id and time."""
    created = _EPOCH + _DAY + timedelta(milliseconds=rng.randrange(10**9))
    return Message(id=f"{rng.getrandbits(128):032x}", created=created, speaker=speaker)


def report(
    message: Message,
    request: Request,
    *,
    status: str | None,
    reason: str | None = None,
    **more: object,
) -> dict[str, Any]:
    """Return {CdtrPmtActvtnReqStsRpt: …} with one transaction; `more` are members of TxInfAndSts.

    Without `status` it is a status response (DS-16), which has a reason alone.
    """
    return _report(message, request, [transaction(message, request, status, reason, **more)])


def report_of_many(
    message: Message, told: Sequence[tuple[Request, str, str | None]]
) -> dict[str, Any]:
    """Return a report with many transactions of one request: (request, status, reason) each.

    Their OrgnlMsgId is that of the first.
    """
    listed = [transaction(message, *one) for one in told]
    return _report(message, told[0][0], listed)


def report_of_group(message: Message, request: Request, *, status: str) -> dict[str, Any]:
    """Return a report that speaks of the group alone (GrpSts), as the XML schema allows."""
    found = _report(message, request, [])
    members = found[REPORT]
    members["OrgnlGrpInfAndSts"]["GrpSts"] = status
    del members["OrgnlPmtInfAndSts"]
    return found


def transaction(
    message: Message, request: Request, status: str | None, reason: str | None, **more: object
) -> dict[str, Any]:
    """Return one TxInfAndSts in the order of the schema."""
    why = {} if reason is None else {"Rsn": {"Cd": reason}}
    members = {
        "StsId": message.id,
        "OrgnlInstrId": request.id,
        "OrgnlEndToEndId": request.notice,
        "TxSts": status,
        "StsRsnInf": {"Orgtr": _payer(request.payer), **why},
        "PmtCondSts": None,
        "DbtrDcsnDtTm": written(message.created) if status in _DECIDED else None,
        "OrgnlTxRef": _reference(message, request),
        **more,
    }
    return {name: value for name, value in members.items() if value is not None}


def cancellation(message: Message, request: Request, *, confirmation: str) -> dict[str, Any]:
    """Return {RsltnOfInvstgtn: …} (camt.029): CNCL or RJCR; the speaker is the assignee."""
    outcome = {"CNCL": "ACCR"}.get(confirmation, "RJCR")
    reference = _reference(message, request)
    del reference["XpryDt"], reference["Dbtr"], reference["DbtrAcct"]
    members = {
        "Assgnmt": {
            "Id": message.id,
            "Assgnr": {"Agt": _agent(CREDITOR_BIC)},
            "Assgne": {"Agt": _agent(message.speaker.bic)},
            "CreDtTm": written(message.created),
        },
        "Sts": {"Conf": confirmation},
        "CxlDtls": {
            "TxInfAndSts": [
                {
                    "CxlStsId": message.id,
                    "OrgnlGrpInf": _original(request),
                    "OrgnlInstrId": request.id,
                    "OrgnlEndToEndId": request.notice,
                    "TxCxlSts": outcome,
                    "CxlStsRsnInf": {"Orgtr": _bank(message.speaker)},
                    "OrgnlTxRef": reference,
                }
            ]
        },
    }
    return {CANCELLATION: members}


def private_texts(requests: Iterable[Request]) -> frozenset[str]:
    """Return what must never be seen outside the raw topic: names, fiscal codes, accounts."""
    return frozenset(
        text
        for one in requests
        for text in (_full_name(one.payer), _fiscal_code(one.payer), _account(one.payer))
    )


def written(moment: datetime) -> str:
    """Return an instant as EPC133-22 v4.0 prescribes it: three digits of the second, UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _report(
    message: Message, request: Request, transactions: list[dict[str, Any]]
) -> dict[str, Any]:
    members = {
        "GrpHdr": {
            "MsgId": message.id,
            "CreDtTm": written(message.created),
            "InitgPty": _bank(message.speaker),
        },
        "OrgnlGrpInfAndSts": _original(request),
        "OrgnlPmtInfAndSts": [{"OrgnlPmtInfId": request.notice, "TxInfAndSts": transactions}],
    }
    return {REPORT: members}


def _original(request: Request) -> dict[str, Any]:
    return {
        "OrgnlMsgId": request.id,
        "OrgnlMsgNmId": "pain.013.001.07",
        "OrgnlCreDtTm": written(request.created),
    }


def _reference(message: Message, request: Request) -> dict[str, Any]:
    payer, due = request.payer, f"{request.created + 30 * _DAY:%Y-%m-%d}"
    return {
        "Amt": {"InstdAmt": request.cents / _CENTS},
        "ReqdExctnDt": {"Dt": due},
        "XpryDt": {"Dt": due},
        "PmtTpInf": {"SvcLvl": {"Cd": "SRTP"}, "LclInstrm": {"Prtry": "PAGOPA"}},
        "RmtInf": {"Ustrd": [f"{payer.surname} dues/{request.notice}"]},
        "Dbtr": _payer(payer),
        "DbtrAcct": {"Id": {"IBAN": _account(payer)}},
        "DbtrAgt": _agent(message.speaker.bic),
        "CdtrAgt": _agent(CREDITOR_BIC),
        "Cdtr": {"Nm": "Example Town", "Id": _other("OrgId", "80012345678", "BOID")},
        "CdtrAcct": {"Id": {"IBAN": _CREDITOR_ACCOUNT}},
    }


def _bank(bank: Bank) -> dict[str, Any]:
    return {"Id": {"OrgId": {"AnyBIC": bank.bic}}}


def _agent(bic: str) -> dict[str, Any]:
    return {"FinInstnId": {"BICFI": bic}}


def _payer(payer: Person) -> dict[str, Any]:
    return {"Nm": _full_name(payer), "Id": _other("PrvtId", _fiscal_code(payer), "POID")}


def _other(kind: str, identifier: str, scheme: str) -> dict[str, Any]:
    return {kind: {"Othr": [{"Id": identifier, "SchmeNm": {"Prtry": scheme}}]}}


def _full_name(payer: Person) -> str:
    return f"{payer.given_name} {payer.surname}"


def _fiscal_code(payer: Person) -> str:
    return f"{payer.surname[:6]}{payer.phone[:10]}".upper()


def _account(payer: Person) -> str:
    return f"IT60X{payer.account}{payer.phone[:7]}"
