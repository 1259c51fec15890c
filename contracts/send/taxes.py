"""Check Italian tax ids: the codice fiscale of a person, the partita IVA of an organisation.

As SEND does (https://github.com/pagopa/pn-commons, ValidateUtils): the form and the check digit, no
calendar and no table of birthplaces. Digits of a codice fiscale may be letters where two people
would have had the same (omocodia).
"""

import re
from typing import Final, Literal

RecipientType = Literal["PF", "PG"]

_BLANKS: Final = re.compile(r"[ \t\r\n]")
_DIGIT: Final = "[0-9LMNPQRSTUV]"
PERSON: Final = re.compile(
    f"[A-Z]{{6}}{_DIGIT}{{2}}[ABCDEHLMPRST]{_DIGIT}{{2}}[A-Z]{_DIGIT}{{3}}[A-Z]"
)
ORGANISATION: Final = re.compile(r"[0-9]{11}")
# DM 23 December 1976: what a character counts at the places 1, 3, 5 …, as letters from A = 0.
# Digits and the letters A to J count the same.
_ODD_PLACES: Final = "BAFHJNPRTVCESULDGIMOQKWZYX"


def normal_tax_id(text: str) -> str:
    """Return `text` in upper case, without blanks."""
    return _BLANKS.sub("", text).upper()


def tax_id_fault(text: str, recipient_type: RecipientType) -> str:
    """Return what is wrong with a tax id, in words without its value; empty: nothing.

    A person has a codice fiscale of 16 characters, an organisation a number of 11 digits.
    """
    tax_id = normal_tax_id(text)
    if recipient_type == "PG":
        if not ORGANISATION.fullmatch(tax_id):
            return "not 11 digits"
        return "" if _luhn(tax_id) == 0 else "the check digit is wrong"
    if not PERSON.fullmatch(tax_id):
        return "not a codice fiscale of 16 characters"
    return "" if person_check_letter(tax_id[:15]) == tax_id[15] else "the check letter is wrong"


def person_check_letter(characters: str) -> str:
    """Return the check letter of the first fifteen characters of a codice fiscale."""
    total = 0
    for place, character in enumerate(characters):
        number = int(character) if character.isdigit() else ord(character) - ord("A")
        # Counted from 0, so that the even ones are what the decree calls odd places.
        total += number if place % 2 else ord(_ODD_PLACES[number]) - ord("A")
    return chr(ord("A") + total % 26)


def organisation_check_digit(digits: str) -> str:
    """Return the check digit of the first ten digits of a partita IVA."""
    return str(-_luhn(digits + "0") % 10)


def _luhn(digits: str) -> int:
    total = 0
    for place, digit in enumerate(map(int, digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 - Luhn's own
    return total % 10
