"""Tax ids: made here by the decree's own table, with and without omocodia."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.send.taxes import (
    RecipientType,
    normal_tax_id,
    organisation_check_digit,
    person_check_letter,
    tax_id_fault,
)

# DM 23 December 1976, odd places, written out as the decree has it.
ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21] * 1
        + [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22]
        + [25, 24, 23],
        strict=True,
    )
)
OMOCODIA = str.maketrans("0123456789", "LMNPQRSTUV")
DIGIT_PLACES = (6, 7, 9, 10, 12, 13, 14)


def letter_by_the_decree(fifteen: str) -> str:
    odd = sum(ODD[one] for one in fifteen[::2])
    even = sum(int(one) if one.isdigit() else ord(one) - 65 for one in fifteen[1::2])
    return chr(65 + (odd + even) % 26)


@st.composite
def persons(draw: st.DrawFn) -> str:
    letters = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    name = "".join(draw(letters) for _ in range(6))
    month, place = draw(st.sampled_from("ABCDEHLMPRST")), draw(letters)
    digits = [f"{draw(st.integers(0, 9))}" for _ in DIGIT_PLACES]
    digits = [one.translate(OMOCODIA) if draw(st.booleans()) else one for one in digits]
    year, day, code = "".join(digits[:2]), "".join(digits[2:4]), "".join(digits[4:])
    fifteen = name + year + month + day + place + code
    return fifteen + letter_by_the_decree(fifteen)


@given(persons())
def test_a_persons_id_with_any_omocodia_is_valid(tax_id: str) -> None:
    assert tax_id_fault(tax_id, "PF") == ""
    assert person_check_letter(tax_id[:15]) == tax_id[15]


@given(persons(), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_another_check_letter_is_wrong(tax_id: str, letter: str) -> None:
    fault = tax_id_fault(tax_id[:15] + letter, "PF")

    assert (fault == "") == (letter == tax_id[15])


@given(persons())
def test_blanks_and_lower_case_do_not_matter(tax_id: str) -> None:
    assert tax_id_fault(f" {tax_id[:6].lower()}\t{tax_id[6:]}\r\n", "PF") == ""


@given(st.from_regex(r"[0-9]{10}", fullmatch=True))
def test_an_organisations_number_with_its_check_digit_is_valid(digits: str) -> None:
    number = digits + organisation_check_digit(digits)

    valid = [one for one in "0123456789" if tax_id_fault(digits + one, "PG") == ""]

    assert tax_id_fault(number, "PG") == ""
    assert valid == [number[-1]]


@given(st.from_regex(r"[0-9]{11}", fullmatch=True))
def test_organisations_are_checked_as_luhn_has_it(number: str) -> None:
    """Of every second digit doubled, the digits are added; the sum ends in 0."""
    doubled = [f"{2 * int(one)}" if at % 2 else one for at, one in enumerate(number)]
    total = sum(int(digit) for digit in "".join(doubled))

    assert (tax_id_fault(number, "PG") == "") == (total % 10 == 0)


@pytest.mark.parametrize(
    ("tax_id", "kind", "fault"),
    [
        ("12345678903", "PF", "not a codice fiscale of 16 characters"),  # a provisional one
        ("VRDLNZ80A41F205X", "PG", "not 11 digits"),
        ("1234567890", "PG", "not 11 digits"),
        ("12345678904", "PG", "the check digit is wrong"),
        ("VRDLNZ80F41F205X", "PF", "not a codice fiscale of 16 characters"),  # no month F
        ("VRDLNZ8AA41F205X", "PF", "not a codice fiscale of 16 characters"),  # A is no omocodia
        ("", "PF", "not a codice fiscale of 16 characters"),
        ("\u0661" * 11, "PG", "not 11 digits"),  # digits of another script
    ],
)
def test_wrong_id_is_told_by_its_rule(tax_id: str, kind: RecipientType, fault: str) -> None:
    assert tax_id_fault(tax_id, kind) == fault


@pytest.mark.parametrize("tax_id", ["MRORSS00A00A000U", "00000000000"])
def test_what_no_calendar_and_no_register_knows_is_valid_all_the_same(tax_id: str) -> None:
    """SEND's own test values: day 00 and a number of zeros pass the check digit."""
    assert tax_id_fault(tax_id, "PG" if tax_id.isdigit() else "PF") == ""


def test_normal_form_has_no_blanks_and_capitals() -> None:
    assert normal_tax_id(" mro\trss\r\n00") == "MRORSS00"
