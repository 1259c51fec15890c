"""Attacks on XML signatures: each must be refused, and by the rule that is against it."""

import pytest

from contracts.errors import Rejected
from tests.updates import NOON
from tests.xml_attacks import attacks
from tests.xml_signing import BANK, EC_BANK, OTHER_BANK, trusting
from workers.verifier.xmldsig import verify_document

ATTACKS = {name: (code, document) for name, code, document in attacks()}
TRUST = trusting(BANK, OTHER_BANK, EC_BANK)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused_under_its_own_code(name: str) -> None:
    code, document = ATTACKS[name]

    with pytest.raises(Rejected) as refusal:
        verify_document(document, TRUST, at=NOON)

    assert refusal.value.code is code
    assert not any(value in refusal.value.detail for value in ("UNCRIT", "302001", "ACCP", "RJCT"))


def test_attacks_are_all_there_and_of_different_names() -> None:
    names = [name for name, _, _ in attacks()]

    assert len(names) == len(set(names)) >= 100
    assert sum(name.startswith("wrapping-") for name in names) == 8
