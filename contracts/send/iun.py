"""Make an IUN, the number that SEND gives an accepted notification, from a raw record's place.

Kafka gives a place (partition, offset) once. A keyed permutation spreads places over the numbers,
so that neighbours are not guessed, and a bijection writes a number as twelve letters: two places
never share an IUN in one month, and one place has the same IUN on every replay. No state.

https://github.com/pagopa/pn-delivery (IunGenerator): three segments of four letters, the month
(UTC), a check letter, and the version 1.
"""

import hmac
import re
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from contracts.errors import Broken
from contracts.instants import Instant

ALPHABET: Final = "ADEGHJKLMNPQRTUVWXYZ"
FORBIDDEN_PAIRS: Final = frozenset({"UV", "VU", "HN", "NH", "LJ"})
IUN: Final = re.compile(r"[A-Z]{4}-[A-Z]{4}-[A-Z]{4}-[0-9]{6}-[A-Z]-[0-9]")
_VERSION: Final = "1"
_SEGMENT_LETTERS: Final = 4
_SEGMENTS: Final = 3

# 2^10 partitions of 2^40 offsets each: a partition that takes 10,000 records a second is full
# after three years. Two halves of 2^50 fit into the 131,934^3 = 2.296e15 > 2^51 = 2.252e15 forms.
OFFSET_BITS: Final = 40
PARTITION_BITS: Final = 10
_NUMBER_BITS: Final = OFFSET_BITS + PARTITION_BITS
_HALF_BITS: Final = _NUMBER_BITS // 2
_HALF_MASK: Final = (1 << _HALF_BITS) - 1
# NIST SP 800-38G takes ten rounds for FF1, which is a Feistel network of an HMAC's kind as well.
_ROUNDS: Final = 10


def iun_of(place: tuple[int, int], received_at: Instant, *, key: bytes, half: int = 0) -> str:
    """Return the IUN of the request whose raw record lies at `place` (partition, offset).

    `half` is 1 where the raw topic was created anew within the month: its offsets begin again.

    Raises:
        Broken: the place is beyond what an IUN can number.
    """
    partition, offset = place
    if partition >> PARTITION_BITS or offset >> OFFSET_BITS:
        raise Broken(f"partition {partition}, offset {offset}: an IUN numbers no such place")
    month = received_at[0:4] + received_at[5:7]
    number = _permuted((partition << OFFSET_BITS) + offset, key, month)
    letters = letters_of((half << _NUMBER_BITS) + number)
    segments = [letters[at : at + _SEGMENT_LETTERS] for at in range(0, len(letters), 4)]
    return "-".join([*segments, month, check_letter(letters, month), _VERSION])


def is_iun(text: str) -> bool:
    """Tell whether `text` is an IUN: its form, its letters, its pairs and its check letter."""
    if not IUN.fullmatch(text):
        return False
    *segments, month, check, _ = text.split("-")
    letters = "".join(segments)
    if not set(letters) <= set(ALPHABET) or not "01" <= month[4:] <= "12":
        return False
    spaced = all(_follows(one, other) for part in segments for one, other in pairwise(part))
    return spaced and check == check_letter(letters, month)


def check_letter(letters: str, month: str) -> str:
    """Return the check letter of twelve letters and a month of six digits."""
    total = sum(ALPHABET.index(letter) + 1 for letter in letters) + sum(map(int, month))
    return ALPHABET[total % len(ALPHABET)]


def letters_of(number: int) -> str:
    """Return the twelve letters that `number` stands for; different numbers, different letters."""
    parts = []
    for _ in range(_SEGMENTS):
        number, rest = divmod(number, SEGMENT_FORMS)
        parts.append(_segment(rest))
    if number:
        raise Broken("a number beyond what twelve letters can hold")
    return "".join(reversed(parts))


def _round(key: bytes, month: str, turn: int, half: int) -> int:
    message = f"iun {month} {turn} {half}".encode()
    return int.from_bytes(hmac.digest(key, message, "sha256")[:4], "big") & _HALF_MASK


def _permuted(number: int, key: bytes, month: str) -> int:
    """Return the number that `number` becomes: a Feistel network, which no round can make lossy."""
    left, right = number >> _HALF_BITS, number & _HALF_MASK
    for turn in range(_ROUNDS):
        left, right = right, left ^ _round(key, month, turn, right)
    return (left << _HALF_BITS) | right


def _follows(one: str, other: str) -> bool:
    return one != other and one + other not in FORBIDDEN_PAIRS


_NEXT: Final[Mapping[str, str]] = MappingProxyType(
    {"": ALPHABET}
    | {one: "".join(other for other in ALPHABET if _follows(one, other)) for one in ALPHABET}
)


def _counts() -> list[dict[str, int]]:
    """Return, by how many letters are still to come, in how many ways they can follow a letter."""
    counts = [dict.fromkeys(_NEXT, 1)]
    for _ in range(_SEGMENT_LETTERS):
        counts.append({one: sum(counts[-1][other] for other in _NEXT[one]) for one in _NEXT})
    return counts


_WAYS: Final = _counts()
SEGMENT_FORMS: Final = _WAYS[_SEGMENT_LETTERS][""]


def _segment(rank: int) -> str:
    """Return the segment of this rank among all that are allowed, in the alphabet's order."""
    letters, last = "", ""
    for left in reversed(range(_SEGMENT_LETTERS)):
        for letter in _NEXT[last]:
            ways = _WAYS[left][letter]
            if rank < ways:
                letters, last = letters + letter, letter
                break
            rank -= ways
    return letters
