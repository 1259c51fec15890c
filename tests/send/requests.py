"""Make notification requests of SEND for tests, and what was found of all that they need."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final

from contracts.needs import AddressFound, AddressNeed, FileFacts, FileNeed, PdfFacts
from contracts.provider import SignedBytes, SignedFields
from contracts.raw import RawCallback, Source
from contracts.send.iun import iun_of
from contracts.send.rules import BodyRules, SendRules
from contracts.send.taxes import organisation_check_digit, person_check_letter
from contracts.update import Proof, Scheme

REQUEST_ID: Final = "b3BhcXVlLCBub3QgZGVyaXZlZDsgdGVzdHM="
RECEIVED: Final = "2026-11-05T09:56:41.250000Z"
PERSON: Final = "VRDLNZ80A41F205" + person_check_letter("VRDLNZ80A41F205")
ORGANISATION: Final = "0123456789" + organisation_check_digit("0123456789")
COMUNE: Final = BodyRules(id="comune", tax_id="77777777777")
RULES: Final = SendRules(
    bodies={"comune": COMUNE, "other": BodyRules(id="other", tax_id="80016350821")},
    pdf_bytes_max=1_000,
    iun_key_of=lambda _: b"k" * 32,
)
IUN: Final = iun_of((2, 40), RECEIVED, key=b"k" * 32)
OTHER_IUN: Final = iun_of((2, 41), RECEIVED, key=b"k" * 32)
F24: Final = (
    b'{"f24Simplified": {"taxPayer": {"taxCode": "12345678903"}, "payments": {"records": [{'
    b'"applyCost": true, "section": "EL", "municipality": "F205", "taxType": "3955"}]}}}'
)


def sha256_of(content: bytes) -> str:
    """Return a digest as requests have it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def attachment(name: str = "one") -> dict[str, Any]:
    """Return a PDF as a request names it; another name is another file."""
    return {
        "digests": {"sha256": sha256_of(name.encode())},
        "contentType": "application/pdf",
        "ref": {"key": f"PN_NOTIFICATION_ATTACHMENTS-{name}.pdf", "versionToken": "v1"},
    }


def metadata(content: bytes = F24) -> dict[str, Any]:
    """Return a file of F24 metadata as a request names it."""
    return {
        "digests": {"sha256": sha256_of(content)},
        "contentType": "application/json",
        "ref": {"key": "PN_F24_META-one.json", "versionToken": "v1"},
    }


def pago_pa(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    """Return a payment by pagoPA."""
    payment = {
        "noticeCode": "302000100000019421",
        "creditorTaxId": "77777777777",
        "applyCost": False,
        **changes,
    }
    return {"pagoPa": payment}


def f24(*, apply_cost: bool = True) -> dict[str, Any]:
    """Return a payment by F24."""
    return {
        "f24": {"title": "F24", "applyCost": apply_cost, "metadataAttachment": metadata()},
    }


def address(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    """Return a physical address."""
    given = {"address": "VIA ROMA 1", "municipality": "MILANO", "zip": "20100", "province": "MI"}
    return _changed(given, changes)


def recipient(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    """Return a recipient; a member that is `...` is left out."""
    given = {
        "recipientType": "PF",
        "taxId": PERSON,
        "denomination": "Verdi Lorenza",
        "physicalAddress": address(),
    }
    return _changed(given, changes)


def request(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    """Return a request; a member that is `...` is left out."""
    given = {
        "paProtocolNumber": "2026-0001",
        "subject": "Notice",
        "recipients": [recipient()],
        "documents": [attachment()],
        "physicalCommunicationType": "AR_REGISTERED_LETTER",
        "notificationFeePolicy": "FLAT_RATE",
        "senderDenomination": "Comune di prova",
        "senderTaxId": "77777777777",
        "taxonomyCode": "010101P",
    }
    return _changed(given, changes)


def element(category: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    """Return an element of a timeline."""
    return {
        "notificationRequestId": REQUEST_ID,
        "element": {
            "elementId": f"{category}.IUN_X",
            "timestamp": "2026-11-05T10:00:00Z",
            "category": category,
        },
        **changes,
    }


def fields(
    members: Mapping[str, Any],
    evidence: Mapping[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - members of RawCallback and of SignedFields
) -> SignedFields:
    """Return the fields of a request's raw record."""
    raw = {
        "body": b"",
        "callback_id": "019a0000-0000-7000-8000-000000000000",
        "endpoint": "send-it",
        "source": Source.REQUEST,
        "received_at": RECEIVED,
        "method": "POST",
        "target_uri": "https://send.example.org/delivery/v2.6/requests",
        "principal": "api_key:comune.2026-11",
        "transaction_id": REQUEST_ID,
    }
    rules, place = changes.pop("rules", RULES), changes.pop("place", (2, 40))
    proof = Proof(scheme=Scheme.API_KEY, algorithm="none-over-body", key_id="x", signer="send-it")
    signed = SignedBytes(b"", "", proof, RawCallback(**{**raw, **changes}))
    return SignedFields(members, signed, evidence=evidence or {}, settings=rules, place=place)


def found(needs: Mapping[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any facts
    """Return evidence by which nothing is wrong, but for what `changes` say (`file_0=…`)."""
    evidence = {name: _as_it_should_be(need) for name, need in needs.items()}
    return evidence | {name.replace("_", ":"): facts for name, facts in changes.items()}


def file_facts(need: FileNeed, **changes: Any) -> FileFacts:  # noqa: ANN401 - members of FileFacts
    """Return the facts of a file that is as it should be, but for what `changes` say."""
    facts = {
        "outcome": "found",
        "sha256": need.sha256,
        "bytes_total": 1_000,
        "pdf": PdfFacts(fault="", pages=1) if need.kind == "pdf" else None,
        "content": F24 if need.kind == "json" else None,
    }
    return FileFacts(**{**facts, **changes})


def _as_it_should_be(need: object) -> FileFacts | AddressFound:
    if isinstance(need, FileNeed):
        return file_facts(need)
    assert isinstance(need, AddressNeed)
    return AddressFound("found", need.address or address())


def _changed(given: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**given, **changes}.items() if value is not ...}
