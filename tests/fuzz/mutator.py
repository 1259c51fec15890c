"""Change inputs at random, without looking at what the code does with them.

For machines that the coverage engine is not built for, and for the gate, which has no time for it.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from tests.fuzz.target import BYTES_MAX

CHANGES_MAX: Final = 4  # of one input: with more, hardly anything is left that is read
# Numbers at the edges of what fits in a byte, a word, a length, a date.
_NUMBERS: Final = (b"0", b"-1", b"255", b"65536", b"2147483648", b"9" * 20, b"1e999", b"0.1")
_BYTES: Final = (0x00, 0x0A, 0x20, 0x22, 0x26, 0x3C, 0x5C, 0x7B, 0x7F, 0x80, 0xC3, 0xFF)

Change = Callable[[bytearray, Random], None]


class Mutator:
    """Changed copies of the seeds, the same ones for the same seed of chance."""

    def __init__(self, seeds: Sequence[bytes], tokens: Sequence[bytes], random: Random) -> None:
        """Begin with `seeds`, of which one at least is needed."""
        self._seeds = seeds
        self._tokens = (*tokens, *_NUMBERS)
        self._random = random

    def next(self) -> bytes:
        """Return the next input."""
        random = self._random
        data = bytearray(random.choice(self._seeds))
        for _ in range(random.randint(1, CHANGES_MAX)):
            random.choice(self._changes())(data, random)
        return bytes(data[:BYTES_MAX])

    def _changes(self) -> tuple[Change, ...]:
        return (*_CHANGES, self._insert_token, self._cross)

    def _insert_token(self, data: bytearray, random: Random) -> None:
        place = random.randint(0, len(data))
        data[place:place] = random.choice(self._tokens)

    def _cross(self, data: bytearray, random: Random) -> None:
        other = random.choice(self._seeds)
        place = random.randint(0, len(data))
        data[place:] = other[random.randint(0, len(other)) :]


def _flip(data: bytearray, random: Random) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _replace(data: bytearray, random: Random) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice(_BYTES)


def _delete(data: bytearray, random: Random) -> None:
    begin, end = _slice(data, random)
    del data[begin:end]


def _repeat(data: bytearray, random: Random) -> None:
    begin, end = _slice(data, random)
    data[begin:begin] = data[begin:end] * random.randint(1, 3)


def _move(data: bytearray, random: Random) -> None:
    begin, end = _slice(data, random)
    taken = data[begin:end]
    del data[begin:end]
    place = random.randint(0, len(data))
    data[place:place] = taken


def _slice(data: bytearray, random: Random) -> tuple[int, int]:
    begin = random.randint(0, len(data))
    return begin, min(len(data), begin + random.choice((1, 2, 8, 64, 512)))


_CHANGES: Final[tuple[Change, ...]] = (_flip, _replace, _delete, _repeat, _move)
