"""Fields that help but decide nothing: taken where they can be read, and never in the way."""

import pytest

from contracts.provider import SignedFields
from contracts.providers.srtp import translate
from contracts.update import FindingCode, Reason, Statement
from tests.srtp_messages import CREATED, NOTICE, Tree, as_json, as_xml, report, under_document


def said(message: Tree) -> Statement:
    """Return the one statement of a message."""
    return one_of(as_json(under_document(message)))


def one_of(fields: SignedFields) -> Statement:
    first, *_ = translate(fields)
    assert isinstance(first, Statement)
    return first


@pytest.mark.parametrize(
    "code", ["RSSMRA80A01H501U", "IT60X0542811101000000123456", "Mario Rossi", "1234", "é", ""]
)
def test_proprietary_reason_that_may_be_personal_is_not_told(code: str) -> None:
    message = report("RJCT")
    place = message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["StsRsnInf"]
    place["Rsn"] = {"Prtry": code}

    assert said(message).reason is None
    place["Rsn"] = {"Prtry": "URLN/ATS010"}
    assert said(message).reason == Reason(code="URLN/ATS010")


def test_first_of_several_reasons_that_is_a_code_is_told() -> None:
    message = report("RJCT")
    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["StsRsnInf"] = [
        {"AddtlInf": ["text"]},
        {"Rsn": {"Cd": "AC02"}},
        {"Rsn": {"Cd": "FRAD"}},
    ]

    assert said(message).reason == Reason(code="AC02")
    assert one_of(as_xml(message)).reason == Reason(code="AC02")


def test_reason_of_v4_may_be_bare_text_in_json_and_is_no_finding_there() -> None:
    """V4.0 of DS-04b: a reason is an object, or the text `URLN/ATS010` alone."""
    message = report("RJCT")
    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["StsRsnInf"]["Rsn"] = "URLN/ATS010"

    in_json, in_xml = said(message), one_of(as_xml(message))

    assert in_json.reason == in_xml.reason == Reason(code="URLN/ATS010")
    assert in_json.findings == ()
    assert [one.code for one in in_xml.findings] == [FindingCode.TEXT_MALFORMED]


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        (130, "130 EUR"),
        (0.01, "0.01 EUR"),
        ("100.0 ", "100.0 EUR"),
        ({"ActiveOrHistoricCurrencyAndAmount": 150.5, "Ccy": "EUR"}, "150.5 EUR"),
        ({"#text": "7.00", "@Ccy": "SEK"}, "7.00 SEK"),
        ({"#text": "7.00", "@Ccy": "kr"}, None),
        ("1e3", None),
        (-1, None),
        (True, None),
        ([], None),
        ({}, None),
        (None, None),
    ],
)
def test_amount_is_told_where_it_can_be_read_and_never_in_the_way(
    given: object, amount: str | None
) -> None:
    message = report("ACTC")
    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["OrgnlTxRef"]["Amt"] = {"InstdAmt": given}

    told = said(message).amount

    assert (f"{told.value} {told.currency}" if told else None) == amount


@pytest.mark.parametrize("given", [7, "", "x" * 71, "a\u202eb", ["a", "b"], {"#text": "a"}, None])
def test_reference_is_told_where_it_is_a_text_that_a_person_can_read(given: object) -> None:
    message = report("ACTC")
    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["StsId"] = given

    told = said(message).references.get("status_id")

    assert told == ("a" if isinstance(given, list | dict) else None)
    assert said(message).references["end_to_end_id"] == NOTICE


@pytest.mark.parametrize(
    "given", ["2026-12-04Z", "2024-11-11T07:46:34.139037273Z", "2026-11-02T11:59:40+01:00"]
)
def test_time_is_told_as_given(given: str) -> None:
    message = report("ACCP", decided=True)
    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["DbtrDcsnDtTm"] = given

    assert said(message).occurred_at == given


@pytest.mark.parametrize("given", ["", "yesterday", "2026-" + "1" * 40, 20261102, {}])
def test_time_that_is_none_gives_way_to_that_of_the_message(given: object) -> None:
    message = report("ACCP", decided=True)
    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["DbtrDcsnDtTm"] = given

    assert said(message).occurred_at == CREATED
