"""How much may wait: of one public body, and of all of them."""

import pytest

from intake.problems import Problem
from intake.room import Room, Rooms


def rooms(shared: Room, *, requests: int = 2, bytes_max: int = 100) -> Rooms:
    return Rooms(shared, body_requests_max=requests, body_bytes_max=bytes_max)


def test_room_is_held_during_the_block_and_given_back_whatever_happens() -> None:
    shared = Room(10, 1_000)
    every = rooms(shared)

    with pytest.raises(ZeroDivisionError), every.reserved("e", "a", 60):
        _ = 1 / (shared.bytes - 60)

    assert (shared.requests, shared.bytes) == (0, 0)


@pytest.mark.parametrize(("size", "requests"), [(41, 5), (1, 1)])
def test_full_body_hears_429_and_another_one_does_not(size: int, requests: int) -> None:
    shared = Room(10, 1_000)
    every = rooms(shared, requests=requests)

    with every.reserved("e", "a", 60), every.reserved("e", "b", 100):
        again = every.reserved("e", "a", size)
        with pytest.raises(Problem) as refused, again:
            """No room is left for this one."""

    assert refused.value.status == 429
    assert (shared.requests, shared.bytes) == (0, 0)


def test_all_bodies_together_fill_the_room_of_the_process() -> None:
    every = rooms(Room(10, 100))

    with every.reserved("e", "a", 60), pytest.raises(Problem), every.reserved("e", "b", 60):
        pass
