"""Every attack has a name, every attack of the issue has vectors, and the README says which."""

import pytest

from contracts.providers import provider_names
from tests.conformance.__main__ import read_corpus
from tests.conformance.families import (
    BESIDE,
    FAMILIES,
    OF_THE_ISSUE,
    README,
    attacks,
    family_of,
    with_table,
)
from tests.conformance.vector import vectors_of
from tests.presented.variants import variants

EVERY = [vector for provider in provider_names() for vector in vectors_of(provider)]
FOUND = {vector.name: family_of(vector) for vector in attacks()}


def test_every_rejected_or_refused_vector_is_an_attack_with_a_name() -> None:
    strangers = [name for name, (family, _) in FOUND.items() if not family]

    assert strangers == []


@pytest.mark.parametrize("family", FAMILIES)
def test_every_pattern_of_an_attack_finds_a_vector(family: str) -> None:
    """So an attack of the issue cannot lose its vectors unseen."""
    dead = set(FAMILIES[family]) - {pattern for _, pattern in FOUND.values()}

    assert dead == set()


def test_no_attack_is_named_twice() -> None:
    patterns = [pattern for patterns in FAMILIES.values() for pattern in patterns]

    assert OF_THE_ISSUE.keys() & BESIDE.keys() == set()
    assert len(patterns) == len(set(patterns))


def test_eight_forms_of_wrapping_are_there() -> None:
    wrapping = [name for name in FOUND if "/xml-wrapping-" in name]

    assert len(wrapping) == 8


def test_corpus_counts_every_vector_and_every_presentation_once() -> None:
    corpus = read_corpus()

    counted = sum(row["count"] for row in corpus["attacks"])
    assert corpus["wrong"] == []
    assert counted + corpus["totals"]["accepted"] == len(EVERY) + len(variants())


def test_readme_has_the_table_of_today() -> None:
    """`python -m tests.conformance.families` writes it."""
    text = README.read_text()

    assert text == with_table(text)
