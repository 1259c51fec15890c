"""Say what F24 metadata is made of: the four forms of an Italian tax payment, as closed tables.

https://github.com/pagopa/pn-f24 (schemas-f24.yaml, at 0480575). Patterns hold for a whole text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.send.taxes import ORGANISATION, PERSON


@dataclass(frozen=True, slots=True)
class Text:
    """A text of this form."""

    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Cents:
    """A whole number of 32 bits."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A truth value."""


@dataclass(frozen=True, slots=True)
class Section:
    """An object with these members and no others."""

    members: Mapping[str, "Kind"]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """A list of objects."""

    of: Section


Kind = Text | Cents | Flag | Section | Records


def _text(pattern: str) -> Text:
    return Text(re.compile(pattern))


def _record(members: Mapping[str, Kind], required: tuple[str, ...] = ()) -> Records:
    """Return the rows of a form: each says whether the costs of the notification are added."""
    return Records(Section({"applyCost": Flag(), **members}, ("applyCost", *required)))


_TAX_CODE: Final = _text(f"{PERSON.pattern}|{ORGANISATION.pattern}")
_YEAR: Final = _text("[12][0-9]{3}")
_INSTALLMENT: Final = _text("[A-Z0-9]{0,4}")
_CODE_4: Final = _text("[0-9A-Z]{4}")
_OFFICE: Final = _text("[A-Z0-9]{3}")
_DOCUMENT: Final = _text("[0-9]{11}")
_PROVINCE: Final = _text("[A-Z]{2}")
_OPERATION: Final = _text("[A-Z0-9]{18}")
_MONTH_OF_YEAR: Final = _text("[0-9]{6}")
_AMOUNTS: Final[Mapping[str, Kind]] = {"debit": Cents(), "credit": Cents()}
_TAX: Final[Mapping[str, Kind]] = {
    "taxType": _CODE_4,
    "installment": _INSTALLMENT,
    "year": _YEAR,
    **_AMOUNTS,
}
_PERIOD: Final = Section({"startDate": _MONTH_OF_YEAR, "endDate": _MONTH_OF_YEAR})

_PERSONAL_DATA: Final = Section(
    {
        "surname": _text("[ -~]{1,24}"),
        "name": _text("[ -~]{1,20}"),
        "birthDate": _text("[0-9]{2}-[0-9]{2}-[0-9]{4}"),
        "sex": _text("[FM]"),
        "birthPlace": _text("[ -~]{1,40}"),
        "birthProvince": _PROVINCE,
    },
    ("surname", "name", "birthDate", "sex"),
)
_TAX_ADDRESS: Final = Section(
    {
        "municipality": _text("[ -~]{1,40}"),
        "province": _PROVINCE,
        "address": _text("[ -~]{1,35}"),
    }
)
_COMPANY_NAME: Final = _text("[ -~]{1,60}")
_PAYER_ID: Final[Mapping[str, Kind]] = {
    "taxCode": _TAX_CODE,
    "relativePersonTaxCode": _TAX_CODE,
    "id": _text("[A-Z0-9]{2}"),
}
_PAYER_ELID: Final[Mapping[str, Kind]] = {
    **_PAYER_ID,
    "person": Section({"personalData": _PERSONAL_DATA, "taxAddress": _TAX_ADDRESS}),
    "company": Section({"name": _COMPANY_NAME, "taxAddress": _TAX_ADDRESS}, ("name",)),
}
_PAYER: Final = Section({**_PAYER_ELID, "isNotTaxYear": Flag()}, ("taxCode",))
_PAYER_SIMPLIFIED: Final = Section(
    {
        **_PAYER_ID,
        "personalData": _PERSONAL_DATA,
        "company": Section({"name": _COMPANY_NAME}, ("name",)),
        "document": _DOCUMENT,
        "office": _OFFICE,
    },
    ("taxCode",),
)

_TREASURY: Final = Section({"records": _record(_TAX), "office": _OFFICE, "document": _DOCUMENT})
_INPS: Final = Section(
    {
        "records": _record(
            {
                "office": _text("[0-9]{3,4}"),
                "reason": _text("[A-Z-]{3,4}"),
                "inps": _text("[ -~]{0,17}"),
                "period": _PERIOD,
                **_AMOUNTS,
            }
        )
    }
)
_REGION: Final = Section({"records": _record({"region": _text("[0-9]{2}"), **_TAX})})
_LOCAL: Final[Mapping[str, Kind]] = {
    "municipality": _CODE_4,
    "reconsideration": Flag(),
    "propertiesChanges": Flag(),
    "advancePayment": Flag(),
    "fullPayment": Flag(),
    "numberOfProperties": _text("[0-9]{3}"),
    **_TAX,
}
_LOCAL_TAX: Final = Section(
    {
        "operationId": _OPERATION,
        "records": _record(_LOCAL, ("municipality", "taxType")),
        "deduction": _text("[0-9]{3,15}"),
    }
)
_SOCIAL_SECURITY: Final = Section(
    {
        "records": _record(
            {
                "office": _text("[0-9]{5}"),
                "company": _text("[0-9]{8}"),
                "control": _text("[0-9]{2}"),
                "refNumber": _text("[0-9]{6}"),
                "reason": _text("[A-Z0-9]"),
                **_AMOUNTS,
            }
        ),
        "socSecRecords": _record(
            {
                "institution": _text("[0-9]{4}"),
                "office": _text("[0-9A-Z]{5}"),
                "reason": _text("[0-9A-Z]{3,4}"),
                "position": _text("[0-9]{9}"),
                "period": _PERIOD,
                **_AMOUNTS,
            }
        ),
    }
)
_EXCISE: Final = Section(
    {
        "records": _record(
            {
                "institution": _text("[A-Z]{2}"),
                "province": _PROVINCE,
                "id": _text("[A-Z0-9]{17}"),
                "taxType": _CODE_4,
                "installment": _INSTALLMENT,
                "month": _text("[01][0-9]"),
                "year": _YEAR,
                "debit": Cents(),
            }
        ),
        "office": _OFFICE,
        "document": _DOCUMENT,
    }
)
_TREASURY_ELID: Final = Section(
    {
        "office": _OFFICE,
        "document": _DOCUMENT,
        "records": _record(
            {
                "type": _text("[A-Z]"),
                "id": _text("[A-Z0-9]{17}"),
                "taxType": _CODE_4,
                "year": _YEAR,
                "debit": Cents(),
            }
        ),
    }
)
_SIMPLIFIED: Final = Section(
    {
        "operationId": _OPERATION,
        "records": _record(
            {"section": _text("ER|RG|EL"), **_LOCAL}, ("section", "municipality", "taxType")
        ),
    }
)

STANDARD: Final = "f24Standard"
FORMS: Final = Section(
    {
        STANDARD: Section(
            {
                "taxPayer": _PAYER,
                "treasury": _TREASURY,
                "inps": _INPS,
                "region": _REGION,
                "localTax": _LOCAL_TAX,
                "socialSecurity": _SOCIAL_SECURITY,
            },
            ("taxPayer",),
        ),
        "f24Simplified": Section({"taxPayer": _PAYER_SIMPLIFIED, "payments": _SIMPLIFIED}),
        "f24Excise": Section(
            {
                "taxPayer": _PAYER,
                "treasury": _TREASURY,
                "inps": _INPS,
                "region": _REGION,
                "localTax": _LOCAL_TAX,
                "excise": _EXCISE,
            }
        ),
        "f24Elid": Section(
            {"taxPayer": Section(_PAYER_ELID, ("taxCode",)), "treasury": _TREASURY_ELID}
        ),
    }
)
