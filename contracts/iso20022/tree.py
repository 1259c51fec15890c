"""Read members as both syntaxes give them: a JSON tree, or an XML document in the same shape.

Rules: null and an empty list are absent; a list of one is that one, and one is a
list of one; an element with attributes is read by its `#text`. Fields that no decision needs are
read leniently: what cannot be read is absent here, and a finding elsewhere.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from pydantic import BeforeValidator, StringConstraints

from contracts.payload import decimal_text
from contracts.update import Amount

TEXT: Final = "#text"
# The standard says 35; providers send UUIDs of 36, and put a word before them: 43.
IDENTIFIER_CHARACTERS_MAX: Final = 70
# An instant with nine digits and an offset has 35; as many as a statement takes.
INSTANT_CHARACTERS_MAX: Final = 40
# Shorter than what identifies a person or an account: a fiscal code has 16, an IBAN 15 or more.
REASON_CHARACTERS_MAX: Final = 12

_SPACE: Final = " \t\r\n"
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9T:.+Z-]+")
_REASON: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
# The SEPA schemes know one currency, and their JSON has no place for it (EPC133-22).
_SEPA_CURRENCY: Final = "EUR"
# What providers call the number where they write an amount as an object.
_AMOUNT_NAMES: Final = (TEXT, "ActiveOrHistoricCurrencyAndAmount", "value")


@dataclass(frozen=True, slots=True)
class Why:
    """The first code of a list of reasons; of the text beside it, only that there is one.

    `differ`: the list has other codes too.
    """

    code: str | None = None
    annotated: bool = False
    differ: bool = False


def many(value: object) -> list[object]:
    """Return `value` as a list, without what is absent."""
    if isinstance(value, list):
        return [item for item in value if item is not None]
    return [] if value is None else [value]


def reach(value: object, *names: str) -> object:
    """Return what stands under `names`, the first wherever there are many; None: nothing."""
    for name in names:
        value = first(value)
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return first(value)


def first(value: object) -> object:
    """Return `value`, or the first thing in a list of them; None: there is nothing."""
    return next(iter(many(value)), None) if isinstance(value, list) else value


def text(value: object) -> str | None:
    """Return the text of a leaf without the space around it; None where it is none."""
    given = value.get(TEXT) if isinstance(value, dict) else value
    return given.strip(_SPACE) if isinstance(given, str) else None


def text_at(value: object, *names: str) -> str | None:
    """Return the text under `names`; None where there is none."""
    return text(reach(value, *names))


def plain_decimal(value: object) -> str | None:
    """Return a number, or the text of one, as decimal text; None where it is neither."""
    try:
        return decimal_text(value.strip(_SPACE) if isinstance(value, str) else value)
    except ValueError:
        return None


def _one(value: object) -> object:
    if isinstance(value, dict) and TEXT not in value:
        return value
    found = _many(value)
    if len(found) > 1:
        raise ValueError("more than one")
    return found[0] if found else None


def _many(value: object) -> list[object]:
    if isinstance(value, dict) and TEXT not in value:
        return [value]
    # An XML element without content is given as empty text: a structure of nothing.
    empty: dict[str, object] = {}
    return [empty if text(item) == "" else item for item in many(value)]


def _leaf(value: object) -> object:
    if isinstance(value, str):
        return value.strip(_SPACE)
    found = many(value)
    if len(found) > 1:
        raise ValueError("more than one")
    return text(found[0]) if found else None


def _reference(value: object) -> str | None:
    found = text(first(value))
    if not found or len(found) > IDENTIFIER_CHARACTERS_MAX or not found.isprintable():
        return None
    return found


def _moment(value: object) -> str | None:
    found = _reference(value)
    if found is None or len(found) > INSTANT_CHARACTERS_MAX or not _INSTANT.fullmatch(found):
        return None
    return found


def _why(value: object) -> Why:
    informations = many(value)
    # V4.0 has one reason as bare text: `"Rsn": "URLN/ATS010"` (DS-04b).
    found = (
        given or ""
        for reason in (reach(information, "Rsn") for information in informations)
        for given in (text_at(reason, "Cd"), text_at(reason, "Prtry"), text(reason))
    )
    codes = [one for one in found if len(one) <= REASON_CHARACTERS_MAX and _REASON.fullmatch(one)]
    return Why(
        next(iter(codes), None),
        annotated=any(text_at(information, "AddtlInf") for information in informations),
        differ=len(set(codes)) > 1,
    )


def _amount(value: object) -> Amount | None:
    given = reach(value, "Amt", "InstdAmt")
    currency = _SEPA_CURRENCY
    if isinstance(given, dict):
        currency = text(given.get("@Ccy", given.get("Ccy", _SEPA_CURRENCY))) or ""
        given = next((given[name] for name in _AMOUNT_NAMES if name in given), None)
    number = plain_decimal(given)
    if number is None or not _CURRENCY.fullmatch(currency):
        return None
    return Amount(value=number, currency=currency)


T = TypeVar("T")
One = Annotated[T | None, BeforeValidator(_one)]
"""A structure that stands once, or not at all."""
Many = Annotated[list[T], BeforeValidator(_many)]
"""A structure that may stand many times."""
Word = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{0,35}$")] | None,
    BeforeValidator(_leaf),
]
"""A status in the provider's words; empty text is not the same as none."""
Identifier = Annotated[
    str,
    StringConstraints(min_length=1, max_length=IDENTIFIER_CHARACTERS_MAX, pattern=r"^[!-~]+$"),
    BeforeValidator(_leaf),
]
"""An id that a decision needs."""
Reference = Annotated[str | None, BeforeValidator(_reference)]
"""An id that helps a person to find the rest."""
Moment = Annotated[str | None, BeforeValidator(_moment)]
"""The provider's own instant, as given."""
Reasons = Annotated[Why, BeforeValidator(_why)]
"""A list of reasons."""
InstructedAmount = Annotated[Amount | None, BeforeValidator(_amount)]
"""The amount in a copy of the original transaction."""
