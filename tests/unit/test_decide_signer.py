"""One signer: of one transaction only one bank speaks, the one that was asked or else the first."""

from dataclasses import replace

import pytest

from contracts.codes import AnomalyCode
from contracts.errors import Rejected
from contracts.provider import Provider
from contracts.providers.srtp import terms
from contracts.update import Expectation, VerifiedUpdate
from tests.unit.test_decide import after, last, notice_of
from tests.updates import PIVOT, announced, said
from tests.wallet_callbacks import fields
from workers.state_machine.decision import Outcome, Rules

PROVIDER: Provider = replace(PIVOT, one_signer=True)
RULES = Rules(provider=PROVIDER)


def by(signer: str, native: str, *, seconds: float = 0) -> VerifiedUpdate:
    update = said(native, seconds=seconds)
    return update.model_copy(update={"proof": update.proof.model_copy(update={"signer": signer})})


def asked(signer: str) -> VerifiedUpdate:
    what = Expectation(transaction_id="t1", terms={"signer": signer})
    return announced().model_copy(update={"what": what})


def test_first_signer_goes_on_speaking() -> None:
    decision = last(by("bank-a", "ACTIVE"), by("bank-a", "PAID"), rules=RULES)

    assert (decision.outcome, decision.notice) == (Outcome.APPLIED, None)


def test_another_signer_moves_nothing_and_is_told() -> None:
    decision = last(by("bank-a", "ACTIVE"), by("bank-b", "PAID"), rules=RULES)

    assert (decision.outcome, decision.after) == (Outcome.NOTED, None)
    assert notice_of(decision) is AnomalyCode.SIGNER_CHANGED


def test_signer_that_was_asked_speaks_however_late_it_comes() -> None:
    stranger = last(asked("bank-a"), by("bank-b", "PAID"), rules=RULES)
    honest = last(asked("bank-a"), by("bank-b", "PAID"), by("bank-a", "FAILED"), rules=RULES)

    assert notice_of(stranger) is AnomalyCode.SIGNER_CHANGED
    assert (honest.outcome, honest.notice) == (Outcome.APPLIED, None)


def test_late_registration_comes_over_who_was_first() -> None:
    decision = last(by("bank-b", "ACTIVE"), asked("bank-a"), by("bank-a", "PAID"), rules=RULES)

    assert (decision.outcome, decision.notice) == (Outcome.APPLIED, None)


def test_signer_is_bound_by_what_moved_nothing_too() -> None:
    """A stale word is a word: it came first, and it was proven."""
    snapshot = after(by("bank-a", "PAID"), by("bank-a", "ACTIVE"), rules=RULES)

    assert snapshot is not None
    assert snapshot.facts["(signer)"] == "bank-a"


def test_where_any_signer_may_speak_none_is_remembered() -> None:
    snapshot = after(by("bank-a", "ACTIVE"), by("bank-b", "PAID"))

    assert snapshot is not None
    assert snapshot.status == "PAID"
    assert "(signer)" not in snapshot.facts


def test_bank_that_was_asked_is_registered_by_its_id() -> None:
    assert terms(fields({"service_provider": "bank-a"}, {})) == {"signer": "bank-a"}
    assert terms(fields({}, {})) == {}
    with pytest.raises(Rejected, match="service_provider"):
        terms(fields({"service_provider": "Bank A"}, {}))
