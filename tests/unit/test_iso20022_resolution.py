"""Resolutions of cancellations: one outcome, told by the whole or by each transaction."""

from collections.abc import Mapping
from copy import deepcopy

import pytest

from contracts.errors import Rejected
from contracts.providers.srtp import speaker, translate
from contracts.update import Statement
from tests.srtp_messages import (
    BANK,
    CREATED,
    RESOLUTIONS,
    RTP,
    Tree,
    as_json,
    as_xml,
    bare,
    resolution,
)


def told(message: Tree) -> Mapping[str, str]:
    """Return the native status of each transaction, which the XML form must give as well."""
    found = [
        {one.transaction_id: one.native_status for one in said if isinstance(one, Statement)}
        for said in (translate(as_json(bare(message))), translate(as_xml(message)))
    ]
    assert found[0] == found[1]
    return found[0]


def cancelled() -> Tree:
    return deepcopy(RESOLUTIONS["DS12P"])


@pytest.mark.parametrize(
    ("confirmation", "status", "native"),
    [
        ("CNCL", "ACCR", "CNCL"),
        ("RJCR", "RJCR", "RJCR"),
        (None, "ACCR", "CNCL"),
        ("CNCL", None, "CNCL"),
        ("PDCR", None, "PDCR"),
        ("CNCL", "", "CNCL"),
    ],
)
def test_outcome_is_told_by_either_word(
    confirmation: str | None, status: str | None, native: str
) -> None:
    message = cancelled()
    message["Sts"]["Conf"] = confirmation
    message["CxlDtls"]["TxInfAndSts"][0]["TxCxlSts"] = status

    assert told(message) == {RTP: native}


def test_outcomes_that_disagree_are_none() -> None:
    for confirmation, status in (("CNCL", "RJCR"), ("INVALID", "RJCR"), ("RJCR", "ACCR")):
        message = resolution(confirmation, status, None, listed=True)
        with pytest.raises(
            Rejected, match=r"payload_contradictory: Sts\.Conf and TxCxlSts disagree"
        ):
            told(message)


def test_answer_to_a_question_about_a_cancellation_is_no_document_of_ours() -> None:
    message = cancelled()
    message["Sts"] = {"AssgnmtCxlConf": True}
    del message["CxlDtls"]["TxInfAndSts"][0]["TxCxlSts"]

    with pytest.raises(Rejected, match=r"document_unknown: camt\.029 without an outcome"):
        told(message)


@pytest.mark.parametrize("shape", [lambda one: one, lambda one: [one]])
def test_details_may_be_one_or_a_list(shape: type[list[Tree]]) -> None:
    message = cancelled()
    message["CxlDtls"] = shape(message["CxlDtls"])

    assert told(message) == {RTP: "CNCL"}


def test_transactions_of_several_requests_are_told_each_by_its_own() -> None:
    message = cancelled()
    other = deepcopy(message["CxlDtls"]["TxInfAndSts"][0])
    other["OrgnlGrpInf"]["OrgnlMsgId"] = "another-request"
    message["CxlDtls"]["TxInfAndSts"].append(other)

    assert told(message) == {RTP: "CNCL", "another-request": "CNCL"}


def test_transactions_may_stand_below_their_payment_or_be_meant_by_the_group() -> None:
    """ISO's other places; the EPC's own stands first."""
    message = cancelled()
    (one,) = message["CxlDtls"].pop("TxInfAndSts")
    message["CxlDtls"]["OrgnlPmtInfAndSts"] = [{"OrgnlPmtInfId": "p", "TxInfAndSts": [one]}]
    assert told(message) == {RTP: "CNCL"}

    message["CxlDtls"] = {"OrgnlGrpInfAndSts": {"OrgnlMsgId": RTP, "GrpCxlSts": "ACCR"}}
    assert told(message) == {RTP: "CNCL"}


def test_echo_below_the_payment_is_not_read_beside_the_transactions() -> None:
    message = cancelled()
    message["CxlDtls"]["OrgnlPmtInfAndSts"] = [
        {"OrgnlPmtInfId": "p", "TxInfAndSts": [{"OrgnlInstrId": "x", "OrgnlEndToEndId": "y"}]}
    ]

    assert told(message) == {RTP: "CNCL"}


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"Assgnmt": None}, "Assgnmt: missing"),
        ({"CxlDtls": None}, "CxlDtls: no transaction"),
        ({"CxlDtls": {}}, "CxlDtls: no transaction"),
        ({"CxlDtls": {"TxInfAndSts": {"TxCxlSts": "ACCR"}}}, "OrgnlGrpInf: missing"),
    ],
)
def test_resolution_of_nothing_is_rejected(broken: Tree, rule: str) -> None:
    message = cancelled() | broken

    with pytest.raises(Rejected, match=f"payload_invalid: {rule}"):
        translate(as_json(bare(message)))


def test_sender_is_the_assignee_as_agent_or_as_party() -> None:
    message = cancelled()
    message["Assgnmt"]["Assgne"] = {"Pty": {"Id": {"OrgId": {"AnyBIC": BANK}}}, "Agt": None}

    (statement, _) = translate(as_json(bare(message)))

    assert speaker(as_json(bare(message))) == BANK
    assert isinstance(statement, Statement)
    assert statement.references["sender"] == BANK
    assert statement.occurred_at == CREATED
