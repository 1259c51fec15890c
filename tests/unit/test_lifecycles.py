"""The providers' tables, against copies written by hand from the provider sheets.

The copies lie the other way round: a row for what is said, a column for where the transaction
stands. + moves, = the same again, - older news, ! replaces a final status, x contradicts.
"""

import pytest

from contracts.errors import Broken
from contracts.lifecycle import Move, Status, lifecycle, parse_table
from contracts.providers import provider_named

# Sheet B.3 (order of the session's statuses) and B.8 (money in always wins).
PIVOT_SESSION = """
                       (none) REQUIRE_PAYMENT_METHOD REQUIRE_CONFIRMATION REQUIRE_ACTION ACTIVE PROCESSING PAID CANCELLED EXPIRED FAILED
REQUIRE_PAYMENT_METHOD +      =                      -                    -              -      -          -    -         -       -
REQUIRE_CONFIRMATION   +      +                      =                    -              -      -          -    -         -       -
REQUIRE_ACTION         +      +                      +                    =              -      -          -    -         -       -
ACTIVE                 +      +                      +                    +              =      -          -    -         -       -
PROCESSING             +      +                      +                    +              +      =          -    -         -       -
PAID                   +      +                      +                    +              +      +          =    !         !       !
CANCELLED              +      +                      +                    +              +      +          x    =         x       x
EXPIRED                +      +                      +                    +              +      +          x    x         =       x
FAILED                 +      +                      +                    +              +      +          x    x         x       =
"""  # noqa: E501 - a table is read by its columns
PIVOT_CHARGE = """
                                  (none) CHARGE.WAITING_FOR_USER_ACTION CHARGE.WAITING_FOR_AUTHENTICATION CHARGE.PROCESSING CHARGE.WAITING_FOR_CAPTURE CHARGE.SUCCESS
CHARGE.WAITING_FOR_USER_ACTION    +      =                              -                                 -                 -                          -
CHARGE.WAITING_FOR_AUTHENTICATION +      +                              =                                 -                 -                          -
CHARGE.PROCESSING                 +      +                              +                                 =                 -                          -
CHARGE.WAITING_FOR_CAPTURE        +      +                              +                                 +                 =                          -
CHARGE.SUCCESS                    +      +                              +                                 +                 +                          =
"""  # noqa: E501 - a table is read by its columns
# Sheet A.5: never overwrite ACCEPTED by REJECTED or the other way; same status again is nothing.
UAEPASS = """
            (none) TRIGGERED ACCEPTED REJECTED EXPIRED INIT_FAILED
TRIGGERED   +      =         -        -        -       -
ACCEPTED    +      +         =        x        x       x
REJECTED    +      +         x        =        x       x
EXPIRED     +      +         x        x        =       x
INIT_FAILED +      +         x        x        x       =
"""
FINAL = {
    "pivot": {"PAID", "CANCELLED", "EXPIRED", "FAILED", "CHARGE.SUCCESS"},
    "uaepass": {"ACCEPTED", "REJECTED", "EXPIRED", "INIT_FAILED"},
}
NORMALISED = {
    "pivot": {
        "REQUIRE_PAYMENT_METHOD": "pending",
        "REQUIRE_CONFIRMATION": "pending",
        "REQUIRE_ACTION": "pending",
        "ACTIVE": "pending",
        "PROCESSING": "processing",
        "PAID": "completed",
        "CANCELLED": "cancelled",
        "EXPIRED": "expired",
        "FAILED": "failed",
        "CHARGE.WAITING_FOR_USER_ACTION": "pending",
        "CHARGE.WAITING_FOR_AUTHENTICATION": "pending",
        "CHARGE.PROCESSING": "processing",
        "CHARGE.WAITING_FOR_CAPTURE": "processing",
        "CHARGE.SUCCESS": "completed",
    },
    "uaepass": {
        "TRIGGERED": "pending",
        "ACCEPTED": "accepted",
        "REJECTED": "rejected",
        "EXPIRED": "expired",
        "INIT_FAILED": "failed",
    },
}
TINY = """
       A B
(none) + +
A      = +
B      - =
"""


def cells(text: str) -> list[tuple[str | None, str, str]]:
    """Return standing, said and move of each cell of a copy."""
    columns, *rows = [line.split() for line in text.strip().splitlines()]
    return [
        (None if standing == "(none)" else standing, said, move)
        for said, *moves in rows
        for standing, move in zip(columns, moves, strict=True)
    ]


@pytest.mark.parametrize(
    ("provider", "copy"), [("pivot", PIVOT_SESSION), ("pivot", PIVOT_CHARGE), ("uaepass", UAEPASS)]
)
def test_table_makes_the_moves_of_the_copy_written_by_hand(provider: str, copy: str) -> None:
    table = provider_named(provider).lifecycle

    moves = [
        (standing, said, table.move(standing, said).value) for standing, said, _ in cells(copy)
    ]

    assert moves == cells(copy)


@pytest.mark.parametrize("provider", ["pivot", "uaepass"])
def test_every_status_of_the_table_is_in_a_copy_and_means_what_the_sheet_says(
    provider: str,
) -> None:
    table = provider_named(provider).lifecycle

    assert {native: status.value for native, status in table.statuses.items()} == NORMALISED[
        provider
    ]
    assert table.final == FINAL[provider]


def test_status_of_a_session_said_of_a_charge_is_a_conflict_and_the_other_way_round() -> None:
    table = provider_named("pivot").lifecycle
    sessions = {said for _, said, _ in cells(PIVOT_SESSION)}
    charges = {said for _, said, _ in cells(PIVOT_CHARGE)}

    across = {table.move(one, other) for one in sessions for other in charges}
    across |= {table.move(other, one) for one in sessions for other in charges}

    assert across == {Move.CONFLICT}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (TINY.replace("B      - =", "B      -"), "1 cells for 2 columns"),
        (TINY.replace("A      = +", "A      = + +"), "3 cells for 2 columns"),
        (TINY.replace("B      - =", ""), "rows and columns differ"),
        (TINY.replace("(none) + +", ""), "rows and columns differ"),
        (TINY.replace("B      - =", "C      - ="), "rows and columns differ"),
        (TINY + "B      - =\n", "one status has two"),
        (TINY.replace("= +", "= ?"), r"a cell that is none of \+ = - ! x"),
    ],
)
def test_table_with_a_hole_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(Broken, match=complaint):
        parse_table(text)


@pytest.mark.parametrize(
    ("statuses", "final"),
    [
        ({"A": Status.PENDING}, {"A"}),
        ({"A": Status.PENDING, "B": Status.FAILED, "C": Status.FAILED}, {"A"}),
        ({"A": Status.PENDING, "B": Status.FAILED}, {"Z"}),
    ],
)
def test_mapping_that_does_not_fit_the_table_is_refused(
    statuses: dict[str, Status], final: set[str]
) -> None:
    with pytest.raises(Broken, match="different native statuses"):
        lifecycle(TINY, statuses=statuses, final=final)
