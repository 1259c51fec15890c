"""What the provider SEND makes of an element where it comes, of a wish to cancel, of a stream."""

from typing import Any

import pytest

from contracts.codes import AnomalyCode
from contracts.errors import Rejected
from contracts.provider import Breach, Standing
from contracts.providers.send import keep, translate
from contracts.raw import Source
from contracts.send.elements import fact_of
from contracts.update import Expectation, Statement
from tests.send.cases import told
from tests.send.requests import IUN, OTHER_IUN, REQUEST_ID, element, fields

TERMS = {"recipients": "1", "iun": IUN, "sender": "comune", "group": "g"}


def polled(category: str, **changes: Any) -> tuple[Expectation, Statement]:  # noqa: ANN401 - any JSON
    members = element(category, eventId="0" * 38, **changes)
    announced, statement = translate(fields(members, source=Source.POLL))
    assert isinstance(announced, Expectation)
    assert isinstance(statement, Statement)
    return announced, statement


def cancelled(iun: str = IUN, **changes: Any) -> Statement:  # noqa: ANN401 - of RawCallback
    (statement,) = translate(fields({"cancel": iun}, method="PUT", **changes))
    assert isinstance(statement, Statement)
    return statement


def kept(status: str | None, statement: Statement, **terms: str) -> Statement:
    return keep(Standing(status, {**TERMS, **terms}, []), statement)


def test_element_moves_the_status_where_it_comes() -> None:
    statement = kept("ACCEPTED", told("SEND_DIGITAL_DOMICILE", iun=IUN))

    assert statement.native_status == "DELIVERING"
    assert statement.references == {
        "element": "SEND_DIGITAL_DOMICILE",
        "element_id": "SEND_DIGITAL_DOMICILE.IUN_X",
        "iun": IUN,
        "sender": "comune",
        "group": "g",
    }


def test_element_that_stays_is_said_of_where_it_stays() -> None:
    assert kept("VIEWED", told("SEND_DIGITAL_FEEDBACK")).native_status == "VIEWED"


@pytest.mark.parametrize(("many", "status"), [("1", None), ("many", "EFFECTIVE_DATE")])
def test_recipients_decide_where_the_table_asks_for_them(many: str, status: str | None) -> None:
    if status:
        after = kept("DELIVERING", told("REFINEMENT"), recipients=many)
        assert after.native_status == status
    else:
        with pytest.raises(Breach, match="REFINEMENT has no place in DELIVERING"):
            kept("DELIVERING", told("REFINEMENT"), recipients=many)


def test_element_without_a_place_is_a_conflict() -> None:
    with pytest.raises(Breach) as breach:
        kept("REFUSED", told("SEND_DIGITAL_DOMICILE"))

    assert breach.value.code is AnomalyCode.CONFLICT


def test_element_of_another_iun_breaks_the_terms() -> None:
    with pytest.raises(Breach, match="iun") as breach:
        kept("ACCEPTED", told("SEND_DIGITAL_DOMICILE", iun=OTHER_IUN))

    assert breach.value.code is AnomalyCode.TERMS_BROKEN


def test_element_with_an_iun_of_a_refused_request_breaks_the_terms() -> None:
    with pytest.raises(Breach, match="iun"):
        keep(Standing("REFUSED", {"recipients": "1"}, []), told("REQUEST_REFUSED", iun=IUN))


def test_element_that_was_heard_is_left_to_be_a_duplicate() -> None:
    """Its status may have no place for it any more: GENERATE_F24_REQUEST when DELIVERING."""
    statement = told("GENERATE_F24_REQUEST")

    assert keep(Standing("DELIVERING", TERMS, [statement.fact]), statement) == statement


def test_before_acceptance_nobody_sees_an_iun() -> None:
    assert "iun" not in kept(None, told("NORMALIZED_ADDRESS")).references
    assert "iun" not in kept(None, told("REQUEST_REFUSED")).references


def test_wish_to_cancel_is_an_element_of_the_body_that_sent_the_notification() -> None:
    statement = kept("DELIVERING", cancelled())

    assert statement.native_status == "DELIVERING"
    assert statement.references["element"] == "NOTIFICATION_CANCELLATION_REQUEST"
    assert statement.fact == fact_of(f"NOTIFICATION_CANCELLATION_REQUEST.IUN_{IUN}")


def test_nobody_cancels_what_another_body_sent() -> None:
    with pytest.raises(Breach, match="sender"):
        kept("DELIVERING", cancelled(principal="api_key:other.2026-11"))


def test_nobody_cancels_another_iun_or_before_acceptance() -> None:
    with pytest.raises(Breach, match="iun"):
        kept("DELIVERING", cancelled(OTHER_IUN))
    with pytest.raises(Breach, match="no place in REFUSED"):
        kept("REFUSED", cancelled())


def test_wish_to_cancel_names_an_iun() -> None:
    with pytest.raises(Rejected, match="payload_invalid"):
        cancelled("no IUN")


def test_polled_element_announces_a_remote_notification() -> None:
    announced, statement = polled("REQUEST_ACCEPTED", iun=IUN, newStatus="ACCEPTED")

    assert announced == Expectation(transaction_id=REQUEST_ID, assigned={"origin": "remote"})
    assert statement.terms == {"category": "REQUEST_ACCEPTED", "iun": IUN, "new_status": "ACCEPTED"}


@pytest.mark.parametrize(
    ("standing", "category", "new_status", "expected"),
    [
        (None, "REQUEST_ACCEPTED", "ACCEPTED", "ACCEPTED"),
        (None, "REQUEST_ACCEPTED", None, "ACCEPTED"),
        (None, "NOTIFICATION_VIEWED", None, "IN_VALIDATION"),
        ("ACCEPTED", "REFINEMENT", "EFFECTIVE_DATE", "EFFECTIVE_DATE"),  # the filter hid the rest
        ("DELIVERING", "SEND_DIGITAL_FEEDBACK", None, "DELIVERING"),
        ("DELIVERING", "REQUEST_ACCEPTED", None, "DELIVERING"),
    ],
)
def test_status_of_a_remote_notification_is_as_the_stream_tells_it(
    standing: str | None, category: str, new_status: str | None, expected: str
) -> None:
    _, statement = polled(category, iun=IUN, newStatus=new_status)

    after = keep(Standing(standing, {"origin": "remote"}, []), statement)

    assert after.native_status == expected
    assert after.references.get("iun") == (None if expected == "IN_VALIDATION" else IUN)


def test_element_of_a_stream_may_have_nulls_and_no_event_timestamp() -> None:
    _, statement = polled("REFINEMENT", iun=None, newStatus=None)

    assert statement.terms == {"category": "REFINEMENT"}
