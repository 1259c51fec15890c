"""Callback ids are UUIDs of version 7 that sort by the time of receipt."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from runtime.identifiers import uuid7

MILLISECONDS = st.integers(0, 2**48 - 1)


@given(MILLISECONDS)
def test_uuid7_is_one_and_carries_the_time(milliseconds: int) -> None:
    parsed = uuid.UUID(uuid7(milliseconds))

    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == milliseconds


@given(MILLISECONDS, MILLISECONDS)
def test_uuid7_sorts_by_time(one: int, other: int) -> None:
    if one != other:
        assert (uuid7(one) < uuid7(other)) == (one < other)


def test_uuid7_of_one_millisecond_differ() -> None:
    assert len({uuid7(1) for _ in range(1_000)}) == 1_000


def test_uuid7_every_random_bit_is_used() -> None:
    """74 of 128 bits are random: each must be seen both set and unset."""
    numbers = [uuid.UUID(uuid7(0)).int for _ in range(200)]
    ones, zeros = 0, 0
    for number in numbers:
        ones |= number
        zeros |= ~number

    assert (ones & zeros & (2**128 - 1)).bit_count() == 74
