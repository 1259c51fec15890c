"""Write notification requests of made-up bodies to made-up people. Pure.

https://github.com/pagopa/pn-delivery (NewNotificationRequestV26).
"""

import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from contracts.send.taxes import organisation_check_digit, person_check_letter
from simulator.people import digits, person
from simulator.send.acts import File, Stored

TAXONOMY: Final = "010101P"
_LETTERS: Final = "BCDFGHLMNPRSTVZ"
_MONTHS: Final = "ABCDEHLMPRST"
_PLACES: Final = (
    ("VIA ROMA", "00184", "ROMA", "RM"),
    ("CORSO ITALIA", "20122", "MILANO", "MI"),
    ("PIAZZA MAGGIORE", "40124", "BOLOGNA", "BO"),
)


def person_tax_id(rng: Random, first: str = "") -> str:
    """Return the tax id of nobody; the local registry of addresses looks at its `first` letter."""
    letters = first + "".join(rng.choice(_LETTERS) for _ in range(6 - len(first)))
    born = f"{rng.randrange(100):02}{rng.choice(_MONTHS)}{rng.randrange(1, 29):02}"
    place = f"F{rng.randrange(1000):03}"
    return (code := letters + born + place) + person_check_letter(code)


def organisation_tax_id(ten_digits: str) -> str:
    """Return a number with its check digit."""
    return ten_digits + organisation_check_digit(ten_digits)


def recipient(rng: Random, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    """Return a person; a member that is None is left out."""
    one = person(rng)
    street, postal_code, town, province = rng.choice(_PLACES)
    given = {
        "recipientType": "PF",
        "taxId": person_tax_id(rng),
        "denomination": f"{one.surname} {one.given_name}",
        "digitalDomicile": {"type": "PEC", "address": one.email},
        "physicalAddress": {
            "address": f"{street} {rng.randrange(1, 300)}",
            "zip": postal_code,
            "municipality": town,
            "province": province,
        },
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def document(file: File) -> dict[str, Any]:
    """Return a file as a request names it."""
    return {
        "digests": {"sha256": file.sha256},
        "contentType": file.media_type,
        "ref": Stored(file.name),
    }


def pago_pa(rng: Random, creditor: str, *, apply_cost: bool = False) -> dict[str, Any]:
    """Return a payment by pagoPA."""
    notice = "3" + digits(rng, 17)
    return {"pagoPa": {"noticeCode": notice, "creditorTaxId": creditor, "applyCost": apply_cost}}


def f24(file: File, *, apply_cost: bool = False) -> dict[str, Any]:
    """Return a payment by F24, whose metadata is `file`."""
    members = {"title": "F24", "applyCost": apply_cost, "metadataAttachment": document(file)}
    return {"f24": members}


def f24_metadata(*, apply_cost: bool = False, municipality: str = "F205") -> bytes:
    """Return the metadata of a simplified F24."""
    record = {
        "section": "EL",
        "municipality": municipality,
        "taxType": "3955",
        "applyCost": apply_cost,
        "debit": 12_300,
        "year": "2026",
    }
    form = {
        "taxPayer": {"taxCode": organisation_tax_id("1234567890")},
        "payments": {"records": [record]},
    }
    return json.dumps({"f24Simplified": form}).encode()


def request(
    name: str,
    *,
    sender: tuple[str, str],
    recipients: Sequence[dict[str, Any]],
    documents: Sequence[File],
    **changes: Any,  # noqa: ANN401 - a value of JSON
) -> dict[str, Any]:
    """Return the request with the protocol number `name` of `sender` (denomination, tax id)."""
    given = {
        "paProtocolNumber": name,
        "idempotenceToken": f"token-{name}",
        "subject": "A notice of the simulator",
        "abstract": "What the simulator has to say to nobody",
        "recipients": list(recipients),
        "documents": [document(one) for one in documents],
        "physicalCommunicationType": "AR_REGISTERED_LETTER",
        "notificationFeePolicy": "FLAT_RATE",
        "senderDenomination": sender[0],
        "senderTaxId": sender[1],
        "taxonomyCode": TAXONOMY,
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}
