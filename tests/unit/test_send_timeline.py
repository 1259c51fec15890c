"""The status that follows from a timeline: total, and as the sheet of SEND has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.lifecycle import Move, Status
from contracts.providers.send import LIFECYCLE, STATUSES
from contracts.send.timeline import (
    CATEGORIES,
    STATUSLESS,
    STEPS,
    Native,
    nominal_status,
    rank,
    status_after,
)

# Sheet B7, by hand: what changes a status, for one recipient and for many.
MOVES = {
    ("IN_VALIDATION", "REQUEST_ACCEPTED"): "ACCEPTED",
    ("IN_VALIDATION", "REQUEST_REFUSED"): "REFUSED",
    ("ACCEPTED", "SEND_DIGITAL_DOMICILE"): "DELIVERING",
    ("ACCEPTED", "SEND_ANALOG_DOMICILE"): "DELIVERING",
    ("ACCEPTED", "NOTIFICATION_VIEWED"): "VIEWED",
    ("ACCEPTED", "COMPLETELY_UNREACHABLE"): "UNREACHABLE",
    ("ACCEPTED", "NOT_HANDLED"): "CANCELLED",
    ("ACCEPTED", "NOTIFICATION_CANCELLED"): "CANCELLED",
    ("DELIVERING", "DIGITAL_DELIVERY_CREATION_REQUEST"): "DELIVERED",
    ("DELIVERING", "ANALOG_SUCCESS_WORKFLOW"): "DELIVERED",
    ("DELIVERING", "COMPLETELY_UNREACHABLE"): "UNREACHABLE",
    ("DELIVERING", "NOTIFICATION_VIEWED"): "VIEWED",
    ("DELIVERING", "ANALOG_WORKFLOW_RECIPIENT_DECEASED"): "RETURNED_TO_SENDER",
    ("DELIVERING", "NOTIFICATION_CANCELLED"): "CANCELLED",
    ("DELIVERED", "NOTIFICATION_VIEWED"): "VIEWED",
    ("DELIVERED", "REFINEMENT"): "EFFECTIVE_DATE",
    ("DELIVERED", "NOT_HANDLED"): "CANCELLED",
    ("DELIVERED", "NOTIFICATION_CANCELLED"): "CANCELLED",
    ("EFFECTIVE_DATE", "NOTIFICATION_VIEWED"): "VIEWED",
    ("EFFECTIVE_DATE", "NOTIFICATION_CANCELLED"): "CANCELLED",
    ("VIEWED", "NOTIFICATION_CANCELLED"): "CANCELLED",
    ("UNREACHABLE", "NOTIFICATION_VIEWED"): "VIEWED",
    ("UNREACHABLE", "REFINEMENT"): "EFFECTIVE_DATE",
    ("UNREACHABLE", "NOTIFICATION_CANCELLED"): "CANCELLED",
    ("RETURNED_TO_SENDER", "NOTIFICATION_CANCELLED"): "CANCELLED",
    ("PAID", "NOTIFICATION_CANCELLED"): "CANCELLED",
}
ONLY_MANY = {("DELIVERING", "REFINEMENT"): "EFFECTIVE_DATE"}
ONLY_ONE = {("VIEWED", "ANALOG_WORKFLOW_RECIPIENT_DECEASED"): "RETURNED_TO_SENDER"}
FINAL = {"REFUSED", "CANCELLED"}
NORMALISED = {
    "IN_VALIDATION": "pending",
    "ACCEPTED": "accepted",
    "REFUSED": "rejected",
    "DELIVERING": "processing",
    "DELIVERED": "processing",
    "VIEWED": "completed",
    "EFFECTIVE_DATE": "completed",
    "PAID": "completed",
    "UNREACHABLE": "failed",
    "CANCELLED": "cancelled",
    "RETURNED_TO_SENDER": "failed",
}


@pytest.mark.parametrize("many", [False, True])
def test_status_changes_by_the_elements_of_the_sheet_and_no_others(*, many: bool) -> None:
    found = {
        (status.value, category): after
        for status in Native
        for category in CATEGORIES
        if (after := status_after(status, category, many=many)) not in {None, status.value}
    }

    assert found == {**MOVES, **(ONLY_MANY if many else ONLY_ONE)}


@given(st.sampled_from([None, *Native]), st.sampled_from(CATEGORIES), st.booleans())
def test_every_pair_has_an_outcome(
    status: Native | None,
    category: str,
    many: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """A status of ours, or nothing: nobody has to guess what an element means."""
    assert status_after(status, category, many=many) in {None, *Native}


@given(st.sampled_from(CATEGORIES), st.booleans())
def test_nothing_follows_a_refusal(category: str, many: bool) -> None:  # noqa: FBT001 - as above
    assert status_after(Native.REFUSED, category, many=many) is None


@given(st.sampled_from([*Native]), st.text(max_size=20), st.booleans())
def test_unknown_category_moves_nothing(
    status: Native,
    category: str,
    many: bool,  # noqa: FBT001 - as above
) -> None:
    if category not in {*CATEGORIES, STATUSLESS}:
        assert status_after(status, category, many=many) is None
        assert nominal_status(category) == category
        assert rank(category) == len(CATEGORIES)


def test_no_cancellation_before_acceptance_nor_after_refusal() -> None:
    for status in (Native.IN_VALIDATION, Native.REFUSED):
        for category in ("NOTIFICATION_CANCELLATION_REQUEST", "NOTIFICATION_CANCELLED"):
            assert status_after(status, category, many=False) is None


@pytest.mark.parametrize("status", [*Native])
def test_an_element_about_the_timeline_itself_leaves_the_status(status: Native) -> None:
    assert status_after(status, STATUSLESS, many=False) == status


@pytest.mark.parametrize("category", CATEGORIES)
def test_nominal_status_is_one_that_the_category_leads_to(category: str) -> None:
    reached = {after for step in STEPS[category].values() for after in (step.one, step.many)}

    assert nominal_status(category) in reached
    assert nominal_status(category) in LIFECYCLE.statuses


def test_ranks_follow_the_flow() -> None:
    flow = ["REQUEST_ACCEPTED", "SEND_DIGITAL_DOMICILE", "SEND_DIGITAL_FEEDBACK"]
    flow += ["DIGITAL_SUCCESS_WORKFLOW", "SCHEDULE_REFINEMENT", "REFINEMENT", "NOTIFICATION_VIEWED"]

    assert [rank(one) for one in flow] == sorted(rank(one) for one in flow)
    assert len({rank(one) for one in CATEGORIES}) == len(CATEGORIES)


def test_lifecycle_lets_every_step_of_the_timeline_happen() -> None:
    stopped = [
        (status, category, after)
        for status in Native
        for category in CATEGORIES
        for after in (status_after(status, category, many=one) for one in (False, True))
        if after is not None and LIFECYCLE.move(status, after) is not Move.APPLY
    ]

    assert stopped == []


def test_lifecycle_moves_only_along_the_timeline() -> None:
    """A remote stream may hide elements: what several steps lead to may come in one, nothing else.

    PAID has no way in (it is of old notifications), and stands beside the open statuses.
    """
    steps = {(status, after) for (status, _), after in {**MOVES, **ONLY_MANY, **ONLY_ONE}.items()}
    reached = {(one, one) for one in NORMALISED} | steps
    for _ in NORMALISED:
        reached |= {(a, d) for a, b in reached for c, d in steps if b == c}
    may = {
        (before, after)
        for before in NORMALISED
        for after in NORMALISED
        if LIFECYCLE.move(before, after) is Move.APPLY
    }

    assert {pair for pair in may if pair[1] != "PAID"} == {
        pair for pair in reached if pair[1] != "PAID"
    }
    assert {before for before, after in may if after == "PAID"} == {*NORMALISED} - {
        "REFUSED",
        "CANCELLED",
        "RETURNED_TO_SENDER",
    }


def test_refusal_and_acceptance_contradict_each_other() -> None:
    assert LIFECYCLE.move("ACCEPTED", "REFUSED") is Move.CONFLICT
    assert LIFECYCLE.move("REFUSED", "ACCEPTED") is Move.CONFLICT


def test_what_a_validation_says_later_is_older_news() -> None:
    later = [one for one in NORMALISED if one != "IN_VALIDATION"]

    assert {LIFECYCLE.move(one, "IN_VALIDATION") for one in later} == {Move.STALE}


def test_words_and_ends_are_those_of_the_sheet() -> None:
    assert LIFECYCLE.final == FINAL
    assert {name: Status(word) for name, word in NORMALISED.items()} == STATUSES
