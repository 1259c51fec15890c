"""Terms and witnesses under any order, repetition and lie."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import AnomalyCode
from contracts.update import Statement, VerifiedUpdate, Witness
from tests.unit.test_decide import after, notice_of
from tests.unit.test_decide_terms import called
from tests.wallet_callbacks import (
    CODE,
    WALLET,
    issuance,
    registered,
    token,
    update_of,
    verification,
)
from workers.state_machine.decide import decide
from workers.state_machine.decision import Decision, Outcome
from workers.state_machine.snapshot import Snapshot

codes = st.sampled_from([CODE, CODE, "another"])
statuses = st.dictionaries(
    st.sampled_from(["t1", "t2", "t3"]),
    st.sampled_from(["COMPLETED", "COMPLETED", "FAILED"]),
    max_size=3,
)
marks = st.lists(st.sampled_from([f"{number:032x}" for number in range(20)]), max_size=30)


@st.composite
def callbacks(draw: st.DrawFn) -> VerifiedUpdate:
    """Draw a callback that keeps to a registration of templates 1 and 2, or nearly."""
    if draw(st.booleans()):
        status, completed = draw(st.sampled_from(["Issued", "Refused"])), draw(st.booleans())
        template = draw(st.integers(1, 3))
        return called(issuance(template, status=status, completed=completed, code=draw(codes)))
    said_of: dict[str, Any] = draw(statuses)
    identifier = draw(st.sampled_from(["v-1", "v-2"]))
    tokens = {name: token(identifier, claim=name) for name in said_of}
    return called(verification(code=draw(codes), **said_of), **tokens)


expectations = st.sampled_from(
    [
        registered(1, 2),
        registered(1, 2, interaction="issuance"),
        registered(1, 2, verification_ids=["v-1"]),
    ]
)


def story(*given_updates: VerifiedUpdate) -> list[Decision]:
    snapshot: Snapshot | None = None
    decisions = []
    for update in given_updates:
        for decision in decide(snapshot, update, WALLET):
            snapshot = decision.after or snapshot
            decisions.append(decision)
    return decisions


def applied(*given_updates: VerifiedUpdate) -> list[tuple[str, str]]:
    """Return what is published: native status and fact of each status event."""
    return [
        (decision.update.what.native_status, decision.update.what.fact)
        for decision in story(*given_updates)
        if decision.outcome is Outcome.APPLIED and isinstance(decision.update.what, Statement)
    ]


def is_whole(update: VerifiedUpdate, expectation: VerifiedUpdate) -> bool:
    """Tell by eye whether a verification is all that was registered."""
    said, wanted = update.what, expectation.what
    assert isinstance(said, Statement)
    names = {"code", "interaction"}
    same = all(said.terms[name] == wanted.model_dump()["terms"][name] for name in names)
    answered = {name: said.terms[name] for name in said.terms if name.startswith("template:")}
    return same and answered == {"template:1": "completed", "template:2": "completed"}


@given(expectations, st.lists(callbacks(), max_size=10))
def test_verified_needs_the_code_and_every_template_registered(
    expectation: VerifiedUpdate, given_updates: list[VerifiedUpdate]
) -> None:
    snapshot = after(expectation, *given_updates, rules=WALLET)

    whole = [update for update in given_updates if is_whole(update, expectation)]
    assert snapshot is not None
    assert snapshot.status != "VERIFIED" or whole


@given(expectations, st.lists(callbacks(), max_size=WALLET.parked_updates_max), st.data())
def test_place_of_the_expectation_does_not_change_what_is_published(
    expectation: VerifiedUpdate, given_updates: list[VerifiedUpdate], data: st.DataObject
) -> None:
    """Callbacks that came early are decided as if they had come after it."""
    place = data.draw(st.integers(0, len(given_updates)))

    parked = applied(*given_updates[:place], expectation, *given_updates[place:])

    assert parked == applied(expectation, *given_updates)


@given(expectations, st.lists(callbacks(), max_size=8), st.data())
def test_callbacks_heard_again_publish_nothing(
    expectation: VerifiedUpdate, given_updates: list[VerifiedUpdate], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(given_updates), max_size=6)) if given_updates else []

    assert applied(expectation, *given_updates, *again) == applied(expectation, *given_updates)


@given(st.sets(st.integers(1, 6), min_size=1), st.data())
def test_issuance_ends_the_same_in_every_order(templates: set[int], data: st.DataObject) -> None:
    end = data.draw(st.sampled_from(sorted(templates)))
    said_of = [called(issuance(one, completed=one == end)) for one in sorted(templates)]
    order = data.draw(st.permutations(said_of))
    announced = registered(*sorted(templates), interaction="issuance")

    published = applied(announced, *order)

    assert [native for native, _ in published] == ["ISSUED_OPEN"] * (len(order) - 1) + ["ISSUED"]


@given(st.sets(st.integers(1, 6), min_size=2), st.data())
def test_issuance_is_never_over_without_one_of_its_credentials(
    templates: set[int], data: st.DataObject
) -> None:
    left_out = data.draw(st.sampled_from(sorted(templates)))
    heard = st.tuples(st.sampled_from(sorted(templates - {left_out})), st.booleans())
    said_of = [
        called(issuance(one, completed=over))
        for one, over in data.draw(st.lists(heard, max_size=9))
    ]

    published = applied(registered(*templates, interaction="issuance"), *said_of)

    assert "ISSUED" not in {native for native, _ in published}


@given(marks)
def test_each_other_use_of_an_id_is_told_once_and_never_a_status(used_for: list[str]) -> None:
    decisions = story(
        *[update_of(Witness(transaction_id="witness:x:y", mark=mark)) for mark in used_for]
    )

    told = [one.update.what for one in decisions if notice_of(one) is AnomalyCode.ID_REUSED]
    others = set(used_for) - set(used_for[:1])
    assert {one.mark for one in told if isinstance(one, Witness)} == others
    assert len(told) == len(others) or len(others) > 16
    assert {one.outcome for one in decisions} <= {
        Outcome.WITNESSED,
        Outcome.DUPLICATE,
        Outcome.CONFLICT,
    }
