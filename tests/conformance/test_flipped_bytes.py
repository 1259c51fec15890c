"""One flipped bit of what is signed, or one security header less, and nobody believes it.

`python -m tests.conformance.flips` does the same for every bit; here one bit of each byte is tried,
and of long parts only so many bytes, drawn by the vector's name.
"""

from functools import cache

import pytest

from tests.conformance.flipped_presentations import accepted_presentations, flip_presentation
from tests.conformance.flips import (
    accepted_vectors,
    change_headers,
    flip_vector,
    outcome_of,
    said,
)
from tests.conformance.protected import Part, parts_of
from tests.conformance.road import Road
from tests.conformance.tally import Outcome, Tally
from tests.conformance.vector import Vector

BYTES_MAX = 300  # of one part: a header, or a body; all of them take four times as long
PRESENTATION_BYTES_MAX = 50
PRESENTATIONS = accepted_presentations()
ACCEPTED = accepted_vectors()
NAMES = [vector.name for vector in ACCEPTED]


@cache
def road(provider: str) -> Road:
    return Road(provider)


def road_of(vector: Vector) -> Road:
    return road(vector.name.split("/")[0])


@pytest.mark.parametrize("vector", ACCEPTED, ids=NAMES)
def test_flipped_bit_of_what_is_signed_is_rejected(
    vector: Vector, flip_tallies: list[Tally]
) -> None:
    tally = flip_vector(road_of(vector), vector, bytes_max=BYTES_MAX)

    flip_tallies.append(tally)
    assert tally.wrong == []
    assert tally.flips[Outcome.REJECTED] > 0


@pytest.mark.parametrize("name", PRESENTATIONS)
def test_flipped_bit_of_a_presentation_adds_and_changes_no_claim(
    name: str, flip_tallies: list[Tally]
) -> None:
    tally = flip_presentation(name, PRESENTATIONS[name], bytes_max=PRESENTATION_BYTES_MAX)

    flip_tallies.append(tally)
    assert tally.wrong == []
    assert tally.flips[Outcome.REJECTED] > 0


@pytest.mark.parametrize("vector", ACCEPTED, ids=NAMES)
def test_security_header_that_is_removed_emptied_or_doubled_is_rejected(
    vector: Vector, flip_tallies: list[Tally]
) -> None:
    tally = Tally(vector.name, vector.endpoint)

    change_headers(road_of(vector), vector, tally)

    flip_tallies.append(tally)
    assert tally.wrong == []


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("pivot/accepted/payment-paid", b"bca0b57a"),
        ("srtp/accepted/tls-settled", b'CSC"'),
        ("wallet/accepted/issued", b"abc123"),
    ],
)
def test_flipped_bit_of_what_nobody_signs_is_seen_to_change_what_is_said(
    name: str, word: bytes
) -> None:
    """The other tests would prove nothing if a change could not be told from none."""
    vector = ACCEPTED[NAMES.index(name)]
    place = vector.body.index(word)
    part = Part(where="body", start=place, end=place + len(word))
    way = road_of(vector)

    outcome = outcome_of(way, part.flipped(vector, place, 1), said(way, vector))

    assert outcome is Outcome.CHANGED


def test_body_is_protected_wherever_an_endpoint_has_a_signature_over_it() -> None:
    unprotected = {
        vector.endpoint
        for vector in ACCEPTED
        if "body" not in {one.where for one in _parts(vector)}
    }

    assert unprotected == {"pivot-id", "send-it", "srtp-tls"}


def _parts(vector: Vector) -> list[Part]:
    way = road_of(vector)
    return parts_of(vector, way.endpoint(vector), way.provider.door)
