"""Make the EPC's data sets by hand, one of each, as JSON bodies and as what an XML one decodes to.

Written from provider sheet A1 to A3; ids, names and accounts are made up. All conform to the
profile, so that each test may break one rule.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final
from xml.sax.saxutils import escape

from contracts.json_object import read_json
from contracts.provider import Form, SignedFields
from tests.signed_bytes import signed

Tree = dict[str, Any]

RTP: Final = "ab85fbb7a48a4a669b5436ee5b497036"
DASHED: Final = "AB85FBB7-A48A-4A66-9B54-36EE5B497036"
NOTICE: Final = "302001234876234678"
BANK: Final = "MOCKSP04"
MESSAGE_ID: Final = "8d2c1f0e7b5a4c3d9e6f1a2b3c4d5e6f"
CREATED: Final = "2026-11-02T11:59:58.120Z"
DECIDED: Final = "2026-11-02T11:59:40.000Z"
PAIN: Final = "urn:iso:std:iso:20022:tech:xsd:pain.014.001."
CAMT: Final = "urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"
# What no record, detail or finding may show.
PERSONAL: Final = (
    "Mario Rossi",
    "RSSMRA80A01H501U",
    "IT60X0542811101000000123456",
    "TARI 2026",
    "Comune di Prova",
    "ATS005",
)


def report(
    status: str | None,
    reason: str | None = None,
    *,
    decided: bool = False,
    notes: list[str] | str | None = None,
    listed: bool = False,
    one_payment: bool = False,
    payer_refused: bool = False,
) -> Tree:
    """Return the members of CdtrPmtActvtnReqStsRpt; `listed`: TxInfAndSts is a list."""
    one = transaction(status, reason, decided=decided, notes=notes)
    if payer_refused:
        one["StsRsnInf"]["Orgtr"] = _payer()
    payment: Tree = {"OrgnlPmtInfId": NOTICE, "TxInfAndSts": [one] if listed else one}
    return {
        "GrpHdr": {
            "MsgId": MESSAGE_ID,
            "CreDtTm": CREATED,
            "InitgPty": {"Id": {"OrgId": {"AnyBIC": BANK}}},
        },
        "OrgnlGrpInfAndSts": {
            "OrgnlMsgId": RTP,
            "OrgnlMsgNmId": "pain.013.001.10",
            "OrgnlCreDtTm": "2026-11-01T09:00:00.000Z",
        },
        "OrgnlPmtInfAndSts": payment if one_payment else [payment],
    }


def transaction(
    status: str | None,
    reason: str | None = None,
    *,
    decided: bool = False,
    notes: list[str] | str | None = None,
) -> Tree:
    """Return one TxInfAndSts."""
    information: Tree = {"Orgtr": {"Id": {"OrgId": {"AnyBIC": BANK}}}}
    if reason is not None:
        information["Rsn"] = {"Cd": reason}
    if notes is not None:
        information["AddtlInf"] = notes
    one: Tree = {"StsId": "9b9e6b24ba434545", "OrgnlInstrId": RTP, "OrgnlEndToEndId": NOTICE}
    if status is not None:
        one["TxSts"] = status
    one["StsRsnInf"] = information
    if decided:
        one["DbtrDcsnDtTm"] = DECIDED
    one["OrgnlTxRef"] = _reference()
    return one


def resolution(confirmation: str, status: str, reason: str | None, *, listed: bool) -> Tree:
    """Return the members of RsltnOfInvstgtn; `listed`: TxInfAndSts is a list."""
    why: Tree = {
        "Orgtr": {"Id": {"OrgId": {"AnyBIC": BANK}}},
        "AddtlInf": ["ATS005/ 2026-11-02"],
    }
    if reason is not None:
        why["Rsn"] = {"Cd": reason}
    reference = _reference()
    reference["Cdtr"] = {"Pty": reference["Cdtr"]}
    del reference["XpryDt"]
    one = {
        "CxlStsId": "5f6e7d8c9b0a",
        "OrgnlGrpInf": {
            "OrgnlMsgId": RTP,
            "OrgnlMsgNmId": "pain.013.001.10",
            "OrgnlCreDtTm": "2026-11-01T09:00:00.000Z",
        },
        "OrgnlInstrId": RTP,
        "OrgnlEndToEndId": NOTICE,
        "TxCxlSts": status,
        "CxlStsRsnInf": why,
        "OrgnlTxRef": reference,
    }
    return {
        "Assgnmt": {
            "Id": MESSAGE_ID,
            "Assgnr": {"Pty": {"Id": {"OrgId": {"Othr": {"Id": "15376371009"}}}}},
            "Assgne": {"Agt": {"FinInstnId": {"BICFI": BANK}}},
            "CreDtTm": CREATED,
        },
        "Sts": {"Conf": confirmation},
        "CxlDtls": {"TxInfAndSts": [one] if listed else one},
    }


def name_of(message: Tree) -> str:
    """Return the message's name: the member that it stands under."""
    return "RsltnOfInvstgtn" if "Assgnmt" in message else "CdtrPmtActvtnReqStsRpt"


def direct(message: Tree) -> Tree:
    """Return the body of DS-04b: the message directly in its envelope."""
    return {"resourceId": "r-1", _envelope(message): {name_of(message): deepcopy(message)}}


def under_document(message: Tree) -> Tree:
    """Return the body of the other data sets: the message under Document in its envelope."""
    envelope = {"resourceId": "r-1", "Document": {name_of(message): deepcopy(message)}}
    links = {"initialSepaRequestToPayUri": {"href": "https://example.org/rtp", "templated": False}}
    return {"resourceId": "r-1", _envelope(message): envelope, "_links": links}


def bare(message: Tree) -> Tree:
    """Return the body of a status update: the message under Document alone."""
    return {"Document": {name_of(message): deepcopy(message)}}


SHAPES: Final[tuple[Callable[[Tree], Tree], ...]] = (direct, under_document, bare)


def as_json(body: Tree) -> SignedFields:
    """Return the fields of a JSON body, decoded as the verifier does."""
    text = json.dumps(body).encode()
    return SignedFields(read_json(text), signed(text, signer=BANK))


def as_xml(message: Tree, namespace: str = "") -> SignedFields:
    """Return the fields that the verifier decodes from the same message in XML."""
    known = namespace or (CAMT if name_of(message) == "RsltnOfInvstgtn" else f"{PAIN}07")
    members = {"Document": {name_of(message): _xml_shape(message)}}
    return SignedFields(members, signed(b"<Document/>", Form.XML, signer=BANK), known)


def xml_body(message: Tree) -> bytes:
    """Return the message as an XML document, indented as people write it."""
    namespace = CAMT if name_of(message) == "RsltnOfInvstgtn" else f"{PAIN}07"
    return (
        f'<Document xmlns="{namespace}">{_element(message, name_of(message))}</Document>'.encode()
    )


def _element(value: Any, name: str) -> str:  # noqa: ANN401 - JSON holds any value
    match value:
        case list():
            return "".join(_element(one, name) for one in value)
        case dict():
            inner = "".join(_element(one, key) for key, one in value.items())
            return f"\n<{name}>{inner}\n</{name}>"
        case _:
            currency = ' Ccy="EUR"' if name == "InstdAmt" else ""
            return f"\n<{name}{currency}>{escape(str(value))}</{name}>"


def _envelope(message: Tree) -> str:
    if name_of(message) == "RsltnOfInvstgtn":
        return "SepaRequestToPayCancellationResponse"
    return "AsynchronousSepaRequestToPayResponse"


def _reference() -> Tree:
    bank = {"FinInstnId": {"BICFI": BANK}}
    return {
        "Amt": {"InstdAmt": 130.25},
        "ReqdExctnDt": {"Dt": "2026-12-04"},
        "XpryDt": {"Dt": "2026-12-04"},
        "PmtTpInf": {"SvcLvl": {"Cd": "SRTP"}, "LclInstrm": {"Prtry": "PAGOPA"}},
        "RmtInf": {"Ustrd": "TARI 2026"},
        "DbtrAgt": deepcopy(bank),
        "CdtrAgt": deepcopy(bank),
        "Cdtr": {
            "Nm": "Comune di Prova",
            "Id": {"OrgId": {"Othr": {"Id": "02438750586", "SchmeNm": {"Cd": "BOID"}}}},
        },
        "CdtrAcct": {"Id": {"IBAN": "IT60X0542811101000000123456"}},
    }


def _payer() -> Tree:
    identity = {"Id": "RSSMRA80A01H501U", "SchmeNm": {"Cd": "POID"}}
    return {"Nm": "Mario Rossi", "Id": {"PrvtId": {"Othr": identity}}}


def _xml_shape(value: Any, name: str = "") -> Any:  # noqa: ANN401 - JSON holds any value
    match value:
        case dict():
            members = {key: _xml_shape(one, key) for key, one in value.items() if one is not None}
            return members or ""
        case [only]:
            return _xml_shape(only, name)
        case list():
            return [_xml_shape(one, name) for one in value]
        case bool():
            return "true" if value else "false"
        case int() | float() if name == "InstdAmt":
            return {"@Ccy": "EUR", "#text": str(value)}
        case _:
            return str(value)


REPORTS: Final[dict[str, Tree]] = {
    "DS04b": report("RJCT", "AC02"),
    "DS05": report("ACTC"),
    "REDIRECT": report("", notes="https://payer.example.org/Mario Rossi", listed=True),
    "DS08N": report("RJCT", "NOAR", decided=True, payer_refused=True),
    "DS08P": report("ACCP", decided=True, notes=["TARI 2026"], listed=True, one_payment=True),
    "DS16RTP": report(None, "ALAC", listed=True),
}
RESOLUTIONS: Final[dict[str, Tree]] = {
    "DS12P": resolution("CNCL", "ACCR", None, listed=True),
    "DS12N": resolution("RJCR", "RJCR", "ARJR", listed=False),
}
DATA_SETS: Final = {**REPORTS, **RESOLUTIONS}
