"""Flip bits of accepted vectors: `python -m tests.conformance.flips` does every bit of every byte.

The property: whatever is signed, or proves who calls, cannot change by one bit, nor can a security
header go, come twice or be empty, without the callback being refused or rejected. A few bytes are
sent and yet protected by nobody (`Part.free`; protected.py says which and why): there
the verified updates may also be the same as before, but for the digest of the raw body that they
keep. Both outcomes are counted; a third one is a failure.
"""

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from contracts.errors import Rejected
from contracts.providers import provider_names
from ingress.authenticate import Refused
from tests.conformance.flipped_presentations import accepted_presentations, flip_presentation
from tests.conformance.protected import Part, parts_of, security_headers
from tests.conformance.road import Road
from tests.conformance.tally import Outcome, Tally, lines
from tests.conformance.vector import Vector, vectors_of

_BITS: Final = range(8)


def accepted_vectors() -> list[Vector]:
    """Return every accepted vector of every provider."""
    found = [vector for provider in provider_names() for vector in vectors_of(provider)]
    return [vector for vector in found if vector.verdict == "accepted"]


def flip_vector(road: Road, vector: Vector, *, bytes_max: int | None) -> Tally:
    """Flip one bit of each protected byte, of `bytes_max` drawn ones in a longer part.

    None: all bits of all bytes.
    """
    parts = parts_of(vector, road.endpoint(vector), road.provider.door)
    tally = Tally(vector.name, vector.endpoint, vectors=1)
    original = said(road, vector)
    drawing = random.Random(vector.name)  # noqa: S311 - which bits to try, no secret
    for part in parts:
        for offset in _offsets(part, bytes_max, drawing):
            tally.bytes_flipped += 1
            for bit in _BITS if bytes_max is None else [drawing.randrange(len(_BITS))]:
                changed = part.flipped(vector, offset, 1 << bit)
                outcome = outcome_of(road, changed, original)
                tally.flips[outcome] += 1
                harmless = outcome is Outcome.IDENTICAL and offset in part.free
                if outcome is not Outcome.REJECTED and not harmless:
                    tally.wrong.append(f"{part.where} byte {offset} bit {bit}: {outcome}")
    return tally


def change_headers(road: Road, vector: Vector, tally: Tally) -> None:
    """Remove, empty and double each security header of `vector`."""
    original = said(road, vector)
    for name, optional in security_headers(vector, road.endpoint(vector), road.provider.door):
        for how, changed in _header_changes(vector, name):
            outcome = outcome_of(road, changed, original)
            tally.headers[outcome] += 1
            harmless = optional and how == "removed" and outcome is Outcome.IDENTICAL
            if outcome is not Outcome.REJECTED and not harmless:
                tally.wrong.append(f"{name} {how}: {outcome}")


def outcome_of(road: Road, vector: Vector, original: list[Any]) -> Outcome:
    """Return what became of a changed vector whose original says `original`.

    An exception that is none of our rejections goes through: it would be a poisoned record.
    """
    try:
        found = said(road, vector)
    except (Refused, Rejected):
        return Outcome.REJECTED
    return Outcome.IDENTICAL if found == original else Outcome.CHANGED


def said(road: Road, vector: Vector) -> list[Any]:
    """Return what is said, by whom and proven how, without the digest of the raw body.

    Raises:
        Refused: by the ingress.
        Rejected: by the verifier.
    """
    found = []
    for update in road.verify(road.raw_record(vector)):
        value = json.loads(update.value or b"")
        del value["origin"]["sha256"]
        value["what"].pop("mark", None)  # of a witness of SRTP: the same digest
        found.append((update.key, value))
    return found


def _offsets(part: Part, bytes_max: int | None, drawing: random.Random) -> list[int]:
    every = range(part.start, part.end)
    if bytes_max is None or len(every) <= bytes_max:
        return list(every)
    return sorted(drawing.sample(every, bytes_max))


def _header_changes(vector: Vector, name: str) -> Iterator[tuple[str, Vector]]:
    others = [one for one in vector.fields if one[0].lower() != name]
    own = [one for one in vector.fields if one[0].lower() == name]
    yield "removed", replace(vector, fields=others)
    yield "emptied", replace(vector, fields=[*others, (name, b"")])
    yield "doubled", replace(vector, fields=[*vector.fields, *own])


def main() -> int:
    """Flip every bit and print the table; return 1 if one change went through.

    Arguments are parts of names: only vectors and presentations that have one are tried.
    """
    parts = sys.argv[1:] or [""]
    roads = {provider: Road(provider) for provider in provider_names()}
    tallies = []
    for vector in (one for one in accepted_vectors() if any(map(one.name.__contains__, parts))):
        road = roads[vector.name.split("/")[0]]
        tally = flip_vector(road, vector, bytes_max=None)
        change_headers(road, vector, tally)
        tallies.append(tally)
    tallies += [
        flip_presentation(name, one)
        for name, one in accepted_presentations().items()
        if any(map(name.__contains__, parts))
    ]
    for tally in tallies:
        for one in tally.wrong:
            sys.stdout.write(f"{tally.name}: {one}\n")
    sys.stdout.write("".join(f"{line}\n" for line in lines(tallies)))
    return 1 if any(tally.wrong for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
