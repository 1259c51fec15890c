"""What waits is bounded per endpoint first and then for all, and the books always balance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RefusalCode
from ingress.authenticate import Refused
from ingress.waiting import Room, Waiting


def refusal_of(waiting: Waiting, size: int) -> RefusalCode | None:
    try:
        waiting.reserve(size)
    except Refused as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    ("own", "shared", "code"),
    [
        (Room(1, 10), Room(1, 10), None),
        (Room(0, 10), Room(1, 10), RefusalCode.ENDPOINT_FULL),
        (Room(1, 9), Room(1, 10), RefusalCode.ENDPOINT_FULL),
        (Room(1, 10), Room(0, 10), RefusalCode.INGRESS_FULL),
        (Room(1, 10), Room(1, 9), RefusalCode.INGRESS_FULL),
        (Room(0, 0), Room(0, 0), RefusalCode.ENDPOINT_FULL),
    ],
)
def test_reserve_is_refused_by_the_endpoint_first(
    own: Room, shared: Room, code: RefusalCode | None
) -> None:
    assert refusal_of(Waiting(own, shared), 10) == code


def test_refused_reservation_takes_nothing() -> None:
    own, shared = Room(5, 100), Room(0, 100)

    refusal_of(Waiting(own, shared), 10)

    assert (own.callbacks, own.bytes, shared.callbacks, shared.bytes) == (0, 0, 0, 0)


def test_noisy_endpoint_fills_its_own_share_and_not_the_others() -> None:
    shared = Room(10, 1_000)
    noisy, quiet = Waiting(Room(3, 1_000), shared), Waiting(Room(3, 1_000), shared)

    outcomes = [refusal_of(noisy, 1) for _ in range(5)]

    assert outcomes == [None] * 3 + [RefusalCode.ENDPOINT_FULL] * 2
    assert refusal_of(quiet, 1) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 60), st.integers(0, 60), st.booleans()),
        max_size=60,
    )
)
def test_whatever_comes_and_goes_the_books_balance(
    callbacks: list[tuple[int, int, int, bool]],
) -> None:
    """Each callback names its endpoint, what it reserves, what it turns out to be, if it stays."""
    shared = Room(6, 200)
    own = (Room(4, 120), Room(4, 120))
    endpoints = [Waiting(room, shared) for room in own]
    held: list[tuple[Waiting, int]] = []

    for endpoint, reserved, size, stays in callbacks:
        actual = min(reserved, size)
        if refusal_of(endpoints[endpoint], reserved) is None:
            endpoints[endpoint].settle(reserved, actual)
            held.append((endpoints[endpoint], actual))
        if not stays and held:
            waiting, held_size = held.pop(0)
            waiting.release(held_size)
        for room in (*own, shared):
            assert 0 <= room.callbacks <= room.callbacks_max
            assert 0 <= room.bytes <= room.bytes_max
        assert sum(room.bytes for room in own) == shared.bytes == sum(size for _, size in held)
        assert sum(room.callbacks for room in own) == shared.callbacks == len(held)

    for waiting, size in held:
        waiting.release(size)
    assert [(room.callbacks, room.bytes) for room in (*own, shared)] == [(0, 0)] * 3
