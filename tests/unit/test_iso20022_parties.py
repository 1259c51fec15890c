"""Which names are one party's."""

import pytest

from contracts.iso20022.parties import normal_party


@pytest.mark.parametrize(
    ("text", "party"),
    [
        ("UNCRITMM", "UNCRITMM"),
        ("UNCRITMMXXX", "UNCRITMM"),
        ("uncritmmxxx", "UNCRITMM"),
        ("UNCRITMM123", "UNCRITMM123"),
        ("XXXXITXX", "XXXXITXX"),
        ("549300TRUWO2CD2G5XXX", "549300TRUWO2CD2G5XXX"),
        ("", ""),
    ],
)
def test_head_office_is_the_same_party_with_and_without_its_branch_code(
    text: str, party: str
) -> None:
    assert normal_party(text) == party
