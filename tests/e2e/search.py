"""Search many values, in every spelling that a program might give them, through many bytes at once.

A spelling is found wherever it begins with its first few bytes: so all spellings of all values are
looked for in one pass over the bytes.
"""

import hashlib
import html
import json
from base64 import b32encode, b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

# Somebody who is in no body, with what each spelling changes: capitals, accents, blanks, a dot.
CANARY: Final = "Ornitho Rýnchus&Co. 4711"
# Shorter values occur by chance in ids, digests, ports and words.
CHARACTERS_MIN: Final = 5
DIGITS_MIN: Final = 8
_ENCODED_MIN: Final = 8
# Of a long value a part may leak: a log cuts its texts, a detail quotes a beginning.
_PIECE: Final = 24
_PIECES_MAX: Final = 500
_WHOLE_MAX: Final = 2 * _PIECE
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Hit(NamedTuple):
    """One value that was found: the spelling, and the name of the place."""

    value: str
    spelling: str
    place: str


class Search:
    """All the spellings of a set of values, ready to be looked for."""

    def __init__(self, values: Iterable[str]) -> None:
        """Spell every value in every way."""
        exact: dict[bytes, list[tuple[bytes, str, str]]] = defaultdict(list)
        folded: dict[bytes, list[tuple[bytes, str, str]]] = defaultdict(list)
        self.values = frozenset(value for value in values if is_searchable(value))
        self.spellings = 0
        for value in self.values:
            for spelling, text in spellings_of(value):
                into = exact if spelling.startswith("base64") else folded
                needle = text if into is exact else text.lower()
                into[needle[:CHARACTERS_MIN]].append((needle, spelling, value))
                self.spellings += 1
        self._exact, self._folded = dict(exact), dict(folded)

    def hits(self, places: Mapping[str, bytes]) -> set[Hit]:
        """Return every value found in the places, each spelling and place once."""
        return {
            Hit(value, spelling, place)
            for place, found in places.items()
            for value, spelling in (
                *_found(self._exact, found),
                *_found(self._folded, found.lower()),
            )
        }


def is_searchable(value: str) -> bool:
    """Tell whether a value is long enough to be found by more than chance."""
    least = DIGITS_MIN if value.replace(".", "").isdigit() else CHARACTERS_MIN
    return len(value.encode("utf-8", "surrogatepass")) >= least


def spellings_of(value: str) -> Iterator[tuple[str, bytes]]:
    """Yield each spelling with its name; of a long value its pieces, plain and in base64."""
    raw = value.encode("utf-8", "surrogatepass")
    if len(raw) > _WHOLE_MAX:
        last = min(len(raw) - _PIECE, _PIECE * _PIECES_MAX)
        for start in range(0, last + 1, _PIECE):
            piece = raw[start : start + _PIECE]
            if len(set(piece)) > 1:  # zeros and padding are everybody's
                yield "piece", piece
                yield from _base64(piece)
        return
    yield "plain", raw
    yield "hex", raw.hex().encode()
    yield "percent, all of it", "".join(f"%{byte:02x}" for byte in raw).encode()
    yield "sha256", hashlib.sha256(raw).hexdigest().encode()
    for spelling, text in {
        "json": json.dumps(value)[1:-1].encode(),
        "percent": quote(raw, safe="").encode(),
        "form": quote_plus(raw).encode(),
        "html": html.escape(value).encode("utf-8", "surrogatepass"),
        "repr": repr(raw)[2:-1].encode(),
    }.items():
        if text != raw:
            yield spelling, text
    if len(b32 := b32encode(raw).rstrip(b"=")) > _ENCODED_MIN:
        yield "base32", b32[: len(raw) * 8 // 5]
    yield from _base64(raw)


def _base64(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what no neighbour changes of the value in base64, for each place it can begin at."""
    for offset, begins in ((0, 0), (1, 2), (2, 3)):
        whole = (offset + len(raw)) // 3 * 4
        text = b64encode(bytes(offset) + raw)[begins:whole]
        if len(text) >= _ENCODED_MIN:
            yield f"base64, from byte {offset}", text
            if (safe := text.translate(_URL_SAFE)) != text:
                yield f"base64url, from byte {offset}", safe


def _found(
    needles: Mapping[bytes, list[tuple[bytes, str, str]]], place: bytes
) -> Iterator[tuple[str, str]]:
    for at in range(len(place) - CHARACTERS_MIN + 1):
        beginning = place[at : at + CHARACTERS_MIN]
        if beginning in needles:
            for needle, spelling, value in needles[beginning]:
                if place.startswith(needle, at):
                    yield value, spelling
