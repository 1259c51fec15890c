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
# Sheet C.1 (one callback for a verification), C.3.4 (no flip), C.3.7 (issued, completed).
WALLET_VERIFICATION = """
         (none) VERIFIED FAILED
VERIFIED +      =        x
FAILED   +      x        =
"""
WALLET_ISSUANCE = """
            (none) PENDING ISSUED_OPEN ISSUED NOT_ISSUED
PENDING     +      =       -           -      -
ISSUED_OPEN +      +       +           -      x
ISSUED      +      +       +           =      x
NOT_ISSUED  +      +       +           x      =
"""
# Sheet A6: ACCP straight after sending; from USER_ACCEPTED only PAID, CANCELLED, or expiry; AEXR on
# what is over is refused; RJCT does not say who refused. Money in always wins; IRNR never does.
SRTP = """
         (none) REPR RCVD PDNG REDIRECT ACTC RJCR ALAC ACCP ACWC ACSP ACSC ACCC RJCT ARFR ARJR AEXR CNCL CANC IRNR
REPR     +      =    -    -    -        -    -    -    -    -    -    -    -    -    -    -    -    -    -    !
RCVD     +      +    =    -    -        -    -    -    -    -    -    -    -    -    -    -    -    -    -    !
PDNG     +      +    +    =    -        -    -    -    -    -    -    -    -    -    -    -    -    -    -    !
REDIRECT +      +    +    +    =        -    -    -    -    -    -    -    -    -    -    -    -    -    -    !
ACTC     +      +    +    +    +        =    -    -    -    -    -    -    -    -    -    -    -    -    -    !
RJCR     +      +    +    +    +        +    =    -    -    -    -    -    -    -    -    -    -    -    -    -
ALAC     +      +    +    +    +        +    +    =    -    -    -    -    -    x    x    x    -    -    -    !
ACCP     +      +    +    +    +        +    +    +    =    -    -    -    -    x    x    x    -    -    -    !
ACWC     +      +    +    +    +        +    +    +    +    =    -    -    -    x    x    x    -    -    -    !
ACSP     +      +    +    +    +        +    +    +    +    +    =    -    -    x    x    x    -    -    -    !
ACSC     +      +    +    +    +        +    +    +    +    +    +    =    =    !    !    !    !    !    !    !
ACCC     +      +    +    +    +        +    +    +    +    +    +    =    =    !    !    !    !    !    !    !
RJCT     +      +    +    +    +        +    +    x    x    x    x    x    x    =    =    =    x    x    x    !
ARFR     +      +    +    +    +        +    +    x    x    x    x    x    x    =    =    x    x    x    x    !
ARJR     +      +    +    +    +        +    +    x    x    x    x    x    x    =    x    =    x    x    x    !
AEXR     +      +    +    +    +        +    +    +    +    +    +    x    x    x    x    x    =    x    x    !
CNCL     +      +    +    +    +        +    +    +    +    +    +    x    x    x    x    x    x    =    =    !
CANC     +      +    +    +    +        +    +    +    +    +    +    x    x    x    x    x    x    =    =    !
IRNR     +      x    x    x    x        x    +    x    x    x    x    x    x    x    x    x    x    x    x    =
"""  # noqa: E501 - a table is read by its columns
FINAL = {
    "pivot": {"PAID", "CANCELLED", "EXPIRED", "FAILED", "CHARGE.SUCCESS"},
    "uaepass": {"ACCEPTED", "REJECTED", "EXPIRED", "INIT_FAILED"},
    "srtp": {"ACSC", "ACCC", "RJCT", "ARFR", "ARJR", "AEXR", "CNCL", "CANC", "IRNR"},
    "wallet": {"VERIFIED", "FAILED", "ISSUED", "NOT_ISSUED"},
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
    "srtp": {
        "REPR": "pending",
        "RCVD": "pending",
        "PDNG": "pending",
        "REDIRECT": "processing",
        "ACTC": "processing",
        "RJCR": "processing",
        "ALAC": "accepted",
        "ACCP": "accepted",
        "ACWC": "accepted",
        "ACSP": "accepted",
        "ACSC": "completed",
        "ACCC": "completed",
        "RJCT": "rejected",
        "ARFR": "rejected",
        "ARJR": "rejected",
        "AEXR": "expired",
        "CNCL": "cancelled",
        "CANC": "cancelled",
        "IRNR": "failed",
    },
    "wallet": {
        "VERIFIED": "completed",
        "FAILED": "failed",
        "PENDING": "pending",
        "ISSUED_OPEN": "processing",
        "ISSUED": "completed",
        "NOT_ISSUED": "failed",
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
    ("provider", "copy"),
    [
        ("pivot", PIVOT_SESSION),
        ("pivot", PIVOT_CHARGE),
        ("uaepass", UAEPASS),
        ("srtp", SRTP),
        ("wallet", WALLET_VERIFICATION),
        ("wallet", WALLET_ISSUANCE),
    ],
)
def test_table_makes_the_moves_of_the_copy_written_by_hand(provider: str, copy: str) -> None:
    table = provider_named(provider).lifecycle

    moves = [
        (standing, said, table.move(standing, said).value) for standing, said, _ in cells(copy)
    ]

    assert moves == cells(copy)


@pytest.mark.parametrize("provider", ["pivot", "uaepass", "srtp", "wallet"])
def test_every_status_of_the_table_is_in_a_copy_and_means_what_the_sheet_says(
    provider: str,
) -> None:
    table = provider_named(provider).lifecycle

    assert {native: status.value for native, status in table.statuses.items()} == NORMALISED[
        provider
    ]
    assert table.final == FINAL[provider]


@pytest.mark.parametrize(
    ("provider", "one_kind", "other_kind"),
    [
        ("pivot", PIVOT_SESSION, PIVOT_CHARGE),
        ("wallet", WALLET_VERIFICATION, WALLET_ISSUANCE),
    ],
)
def test_status_of_one_kind_said_of_the_other_is_a_conflict(
    provider: str, one_kind: str, other_kind: str
) -> None:
    table = provider_named(provider).lifecycle
    ones = {said for _, said, _ in cells(one_kind)}
    others = {said for _, said, _ in cells(other_kind)}

    across = {table.move(one, other) for one in ones for other in others}
    across |= {table.move(other, one) for one in ones for other in others}

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
