"""Announcing a transaction with terms: required, kept, and not changed by a second one."""

import pytest

from contracts.codes import AnomalyCode
from contracts.providers.wallet import PROVIDER
from contracts.update import Expectation, VerifiedUpdate
from tests.unit.test_decide import after, notice_of
from tests.unit.test_decide_terms import called, last, natives
from tests.updates import PIVOT, at
from tests.wallet_callbacks import WALLET, issuance, registered, terms, update_of, verification
from workers.state_machine.decide import decide
from workers.state_machine.decision import Outcome, Rules
from workers.state_machine.events import anomaly


@pytest.mark.parametrize("registration", ["optional", "required"])
def test_provider_with_terms_requires_registration_whatever_is_configured(
    registration: str,
) -> None:
    rules = Rules(provider=PROVIDER, registration_required=registration == "required")

    (decision,) = decide(None, called(issuance()), rules)

    assert (decision.outcome, decision.after) == (Outcome.PARKED, None)
    assert notice_of(decision) is AnomalyCode.UNSOLICITED


def test_provider_without_terms_requires_what_is_configured() -> None:
    assert not Rules(provider=PIVOT).registration_required
    assert Rules(provider=PIVOT, registration_required=True).registration_required


def test_terms_are_kept_in_the_snapshot() -> None:
    snapshot = after(registered(1, 2), rules=WALLET)

    assert snapshot is not None
    assert snapshot.terms == terms(1, 2)


def test_expectation_with_the_same_terms_is_a_duplicate_whatever_their_order() -> None:
    decision = last(registered(1, 2), registered(2, 1))

    assert (decision.outcome, decision.after, decision.notice) == (Outcome.DUPLICATE, None, None)


@pytest.mark.parametrize(
    "other",
    [registered(1, code="abc124"), registered(1, 2), registered(1, verification_ids=["v-1"])],
    ids=["code", "templates", "verification_ids"],
)
def test_expectation_with_other_terms_is_a_conflict_once_and_the_first_stand(
    other: VerifiedUpdate,
) -> None:
    first = last(registered(1), other)

    again = last(registered(1), other, other)

    assert (first.outcome, notice_of(first)) == (Outcome.CONFLICT, AnomalyCode.CONFLICT)
    assert (again.outcome, again.after, again.notice) == (Outcome.DUPLICATE, None, None)
    assert first.after is not None
    assert first.after.terms == terms(1)
    assert natives(registered(1), other, called(verification(t1="COMPLETED")))[-1] == "VERIFIED"


def test_expectation_with_another_deadline_alone_is_a_duplicate_as_ever() -> None:
    later = registered(1).what.model_copy(update={"deadline": at(60)})
    assert isinstance(later, Expectation)

    decision = last(registered(1), update_of(later))

    assert (decision.outcome, decision.after) == (Outcome.DUPLICATE, None)


def test_anomalies_of_two_other_announcements_have_two_ids() -> None:
    decisions = [last(registered(1), registered(1, template)) for template in (2, 3)]

    ids = {anomaly(one, one.notice, PROVIDER.lifecycle).id for one in decisions if one.notice}

    assert len(ids) == 2
