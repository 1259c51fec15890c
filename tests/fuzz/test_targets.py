"""Run every target over some of its seeds and a fixed number of changes, so that none can rot.

It looks for nothing new: `make fuzz` does. It needs neither the coverage engine nor its machine.
"""

from collections.abc import Callable, Collection
from functools import partial
from random import Random

import pytest

from contracts.errors import Rejected
from contracts.providers import provider_names
from tests.fuzz.mutator import Mutator
from tests.fuzz.target import Target, outcome
from tests.fuzz.targets import (
    all_targets,
    documents,
    roads,
    signatures,
    target_named,
)

SEEDS_MAX = 25
CHANGES = 80
REACHED = (
    *("xml-signed", "token-signed", "translate-pivot", "raw-record"),
    *("verdict-pivot", "verdict-srtp", "verdict-uaepass", "verdict-wallet"),
)
GENUINE: dict[str, Callable[[], Collection[object]]] = {
    "xml-signature": documents.genuine_bodies,
    "detached-signature": signatures.genuine_requests,
    "detached-jws": signatures.genuine_values,
    "token": signatures.genuine_tokens,
    "verdict-uaepass": partial(roads.genuine_bodies, "uaepass"),
}


def some(seeds: list[bytes]) -> list[bytes]:
    """Return at most SEEDS_MAX of the seeds, from everywhere among them."""
    return seeds[:: max(1, -(-len(seeds) // SEEDS_MAX))]


@pytest.mark.parametrize("name", all_targets())
def test_target_lets_nothing_escape_of_its_seeds_and_their_changes(name: str) -> None:
    target = target_named(name)
    seeds = some(target.corpus())
    mutator = Mutator(seeds, target.tokens, Random(1))  # noqa: S311 - to be found again

    inputs = [*seeds, *(mutator.next() for _ in range(CHANGES))]
    found = {data: finding for data in inputs if (finding := outcome(target, data))}

    assert found == {}


@pytest.mark.parametrize("name", REACHED)
def test_target_takes_a_seed_to_its_end(name: str) -> None:
    """Seeds that are all refused at the door would be changed in vain."""
    target = target_named(name)

    assert any(is_taken(target, seed) for seed in target.corpus())


@pytest.mark.parametrize("name", GENUINE)
def test_verifier_accepts_a_seed_that_forgeries_are_told_apart_from(name: str) -> None:
    assert len(GENUINE[name]()) > 0


@pytest.mark.parametrize(
    ("target", "part", "instead", "code"),
    [
        ("verdict-pivot", b"pivot-id", b"x" * 1_001, "endpoint_unknown"),
        ("verdict-uaepass", b"https://callbacks.", b"https://callbacks[", "record_malformed"),
    ],
)
def test_input_that_was_a_finding_is_a_rejection(
    target: str, part: bytes, instead: bytes, code: str
) -> None:
    """The first had a detail of any length that its sender chose, the second was a ValueError."""
    seed = next(one for one in target_named(target).corpus() if is_taken(target_named(target), one))

    with pytest.raises(Rejected, match=code) as caught:
        target_named(target).run(seed.replace(part, instead))

    assert len(caught.value.detail) < 100


def test_every_provider_has_a_verdict_and_a_translation() -> None:
    expected = {f"{kind}-{name}" for name in provider_names() for kind in ("verdict", "translate")}

    assert expected <= all_targets().keys()


def is_taken(target: Target, data: bytes) -> bool:
    try:
        target.run(data)
    except Rejected:
        return False
    return True
