"""Issuances: one callback for each credential, in any order, and one end for all of them."""

from typing import Any

import pytest

from contracts.update import VerifiedUpdate
from tests.unit.test_decide_terms import called, last, natives
from tests.wallet_callbacks import issuance, registered
from workers.state_machine.decision import Outcome

OPEN: dict[str, Any] = {"status": "Issued", "completed": False}
ISSUED: dict[str, Any] = {"status": "Issued", "completed": True}
PENDING: dict[str, Any] = {"status": "Refused", "completed": False}
NOT_ISSUED: dict[str, Any] = {"status": "Refused", "completed": True}


def of_issuance(*templates: int) -> VerifiedUpdate:
    return registered(*templates, interaction="issuance")


@pytest.mark.parametrize(
    ("templates", "callbacks", "stands"),
    [
        ((1,), [(1, ISSUED)], ["ISSUED"]),
        ((1,), [(1, OPEN), (1, ISSUED)], ["ISSUED_OPEN", "ISSUED"]),
        ((1,), [(1, PENDING), (1, ISSUED)], ["PENDING", "ISSUED"]),
        ((1,), [(1, ISSUED), (1, OPEN), (1, PENDING)], ["ISSUED"] * 3),
        ((1,), [(1, PENDING), (1, NOT_ISSUED)], ["PENDING", "NOT_ISSUED"]),
        ((1,), [(1, NOT_ISSUED), (1, ISSUED)], ["NOT_ISSUED"] * 2),
        ((1,), [(1, ISSUED), (1, NOT_ISSUED)], ["ISSUED"] * 2),
        ((1, 2), [(1, OPEN), (2, ISSUED)], ["ISSUED_OPEN", "ISSUED"]),
        ((1, 2), [(2, ISSUED), (1, OPEN)], ["ISSUED_OPEN", "ISSUED"]),
        ((1, 2), [(1, ISSUED), (2, ISSUED)], ["ISSUED_OPEN", "ISSUED"]),
        ((1, 2), [(1, PENDING), (2, ISSUED)], ["PENDING", "ISSUED_OPEN"]),
        ((1, 2), [(1, OPEN), (2, NOT_ISSUED)], ["ISSUED_OPEN", "NOT_ISSUED"]),
        ((1, 2, 3), [(1, OPEN), (2, OPEN), (3, ISSUED)], ["ISSUED_OPEN"] * 2 + ["ISSUED"]),
        ((1, 2), [(1, OPEN), (1, ISSUED), (2, OPEN)], ["ISSUED_OPEN"] * 2 + ["ISSUED"]),
    ],
)
def test_issuance_is_over_when_every_credential_registered_was_issued(
    templates: tuple[int, ...], callbacks: list[tuple[int, dict[str, Any]]], stands: list[str]
) -> None:
    said_of = [called(issuance(template, **given)) for template, given in callbacks]

    assert natives(of_issuance(*templates), *said_of)[1:] == stands


def test_each_credential_is_an_event_of_its_own_and_again_a_duplicate() -> None:
    one, two = called(issuance(1, **OPEN)), called(issuance(2, **OPEN))

    outcomes = [
        last(of_issuance(1, 2, 3), one).outcome,
        last(of_issuance(1, 2, 3), one, two).outcome,
        last(of_issuance(1, 2, 3), one, two, one).outcome,
    ]

    assert outcomes == [Outcome.APPLIED, Outcome.APPLIED, Outcome.DUPLICATE]


def test_credential_heard_again_after_its_meaning_changed_is_a_duplicate() -> None:
    """What was said is compared, not what it meant beside the facts of that hour."""
    first, end = called(issuance(1, **OPEN)), called(issuance(2, **ISSUED))

    decision = last(of_issuance(1, 2), first, end, first)

    assert (decision.outcome, decision.notice) == (Outcome.DUPLICATE, None)
