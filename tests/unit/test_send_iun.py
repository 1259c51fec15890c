"""IUNs: their form, and that no two places share one."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Broken
from contracts.send.iun import (
    ALPHABET,
    FORBIDDEN_PAIRS,
    OFFSET_BITS,
    PARTITION_BITS,
    SEGMENT_FORMS,
    check_letter,
    is_iun,
    iun_of,
    letters_of,
)

KEY = b"0123456789abcdef0123456789abcdef"
AT = "2026-11-05T09:56:41.250000Z"
FORM = re.compile(r"^[A-Z]{4}-[A-Z]{4}-[A-Z]{4}-[0-9]{6}-[A-Z]{1}-[0-9]{1}$")
PLACES = st.tuples(st.integers(0, 2**PARTITION_BITS - 1), st.integers(0, 2**OFFSET_BITS - 1))


def allowed(segment: str) -> bool:
    pairs = [one + other for one, other in itertools.pairwise(segment)]
    return not any(pair in FORBIDDEN_PAIRS or pair[0] == pair[1] for pair in pairs)


def test_segments_are_as_many_as_the_rules_of_letters_allow() -> None:
    """Counted here by trying all 160,000, not by the arithmetic of the module."""
    counted = sum(allowed("".join(four)) for four in itertools.product(ALPHABET, repeat=4))

    assert counted == SEGMENT_FORMS == 131_934
    assert SEGMENT_FORMS**3 > 2**51


def test_every_segment_is_made_once() -> None:
    made = {letters_of(number)[8:] for number in range(SEGMENT_FORMS)}

    assert len(made) == SEGMENT_FORMS
    assert all(allowed(segment) for segment in made)


def test_a_number_beyond_twelve_letters_is_our_fault() -> None:
    with pytest.raises(Broken, match="twelve letters"):
        letters_of(SEGMENT_FORMS**3)


@given(st.lists(st.integers(0, SEGMENT_FORMS**3 - 1), unique=True, max_size=50))
def test_different_numbers_have_different_letters(numbers: list[int]) -> None:
    assert len({letters_of(number) for number in numbers}) == len(numbers)


@given(PLACES, st.sampled_from([0, 1]))
def test_iun_has_the_published_form_and_its_own_check_letter(
    place: tuple[int, int], half: int
) -> None:
    iun = iun_of(place, AT, key=KEY, half=half)

    assert FORM.fullmatch(iun)
    assert is_iun(iun)
    assert iun[15:21] == "202611"
    assert iun.endswith("-1")
    assert set(iun[:14]) <= {*ALPHABET, "-"}


@given(PLACES)
def test_iun_is_the_same_on_every_replay(place: tuple[int, int]) -> None:
    assert iun_of(place, AT, key=KEY) == iun_of(place, "2026-11-30T23:59:59.999999Z", key=KEY)


def test_a_hundred_thousand_places_have_as_many_iuns() -> None:
    places = itertools.product(range(20), range(5_000))

    made = {iun_of(place, AT, key=KEY) for place in places}

    assert len(made) == 100_000


@given(st.lists(PLACES, unique=True, max_size=30))
def test_no_two_places_share_an_iun_in_either_half(places: list[tuple[int, int]]) -> None:
    made = {iun_of(place, AT, key=KEY, half=half) for place in places for half in (0, 1)}

    assert len(made) == 2 * len(places)


def test_neighbours_key_and_month_change_the_letters() -> None:
    first, next_one = iun_of((0, 0), AT, key=KEY), iun_of((0, 1), AT, key=KEY)
    other_key = iun_of((0, 0), AT, key=KEY[::-1])
    other_month = iun_of((0, 0), "2026-12-01T00:00:00.000000Z", key=KEY)

    assert len({one[:14] for one in (first, next_one, other_key, other_month)}) == 4


@pytest.mark.parametrize("place", [(2**PARTITION_BITS, 0), (0, 2**OFFSET_BITS), (-1, 0)])
def test_a_place_that_no_iun_can_number_is_our_fault(place: tuple[int, int]) -> None:
    with pytest.raises(Broken, match="numbers no such place"):
        iun_of(place, AT, key=KEY)


# Of pagoPA's public test data.
@pytest.mark.parametrize("iun", ["AJMN-TXUA-MHGP-202309-Z-1", "EWEU-VWQE-DQTL-202501-R-1"])
def test_published_iun_is_one(iun: str) -> None:
    assert is_iun(iun)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AJMN-TXUA-MHGP-202309-A-1",  # check letter
        "AAMN-TXUA-MHGP-202309-Z-1",  # two equal letters
        "AUVN-TXUA-MHGP-202309-Z-1",  # a forbidden pair
        "BJMN-TXUA-MHGP-202309-Z-1",  # not in the alphabet
        "AJMN-TXUA-MHGP-202300-Z-1",  # no such month
        "AJMN-TXUA-MHGP-202313-Z-1",
        "AJMN-TXUA-MHGP-202309-Z-A",
        "AJMN-TXUA-MHGP-202309-Z-1\n",
        "AJMNTXUAMHGP202309Z1",
    ],
)
def test_what_is_no_iun_is_none(text: str) -> None:
    assert not is_iun(text)


def test_pairs_are_forbidden_within_a_segment_alone() -> None:
    letters = "AJMUVXUAAHGP"  # UV and AA stand across segments

    assert is_iun(f"AJMU-VXUA-AHGP-202309-{check_letter(letters, '202309')}-1")


def test_check_letter_by_hand() -> None:
    """Twelve letters A (1 each) and 2+0+2+6+1+1 = 12: 24 mod 20 = 4, the fifth letter."""
    assert check_letter("A" * 12, "202611") == ALPHABET[4] == "H"
