"""Status reports: three levels of statuses, many transactions, and which one each means."""

from collections.abc import Mapping

import pytest

from contracts.errors import Rejected
from contracts.iso20022.telling import TRANSACTIONS_MAX
from contracts.providers.srtp import translate
from contracts.update import Statement
from tests.srtp_messages import NOTICE, RTP, Tree, as_json, as_xml, bare, report, transaction


def told(message: Tree) -> Mapping[str, str]:
    """Return the native status of each transaction; the XML form says all the same of it."""
    by_json, by_xml = (
        [one.model_copy(update={"findings": ()}) for one in said if isinstance(one, Statement)]
        for said in (translate(as_json(bare(message))), translate(as_xml(message)))
    )
    assert by_json == by_xml
    return {one.transaction_id: one.native_status for one in by_json}


def part(identifier: str | None, status: str | None, end_to_end_id: str | None = NOTICE) -> Tree:
    one = transaction(status)
    one["OrgnlInstrId"], one["OrgnlEndToEndId"] = identifier, end_to_end_id
    return one


def batch(*payments: Tree, group: str | None = None, count: str | None = None) -> Tree:
    message = report("ACTC")
    message["OrgnlPmtInfAndSts"] = list(payments)
    message["OrgnlGrpInfAndSts"] |= {"GrpSts": group, "OrgnlNbOfTxs": count}
    return message


def payment(*parts: Tree, status: str | None = None) -> Tree:
    return {"OrgnlPmtInfId": "p", "PmtInfSts": status, "TxInfAndSts": list(parts)}


def test_several_transactions_are_parts_of_the_original_message() -> None:
    message = batch(payment(part("i1", "ACCP"), part("i2", "RJCT")), payment(part("i3", "ACTC")))

    assert told(message) == {f"{RTP}/i1": "ACCP", f"{RTP}/i2": "RJCT", f"{RTP}/i3": "ACTC"}


def test_part_is_known_by_its_end_to_end_id_where_its_instruction_id_is_the_messages() -> None:
    message = batch(payment(part(RTP, "ACCP", "n1"), part(None, "ACTC", "n2")))

    assert told(message) == {f"{RTP}/n1": "ACCP", f"{RTP}/n2": "ACTC"}


def test_one_transaction_is_the_original_message_whatever_ids_stand_inside() -> None:
    assert told(batch(payment(part("made-up", "ACCP", None)))) == {RTP: "ACCP"}


def test_one_transaction_of_an_original_message_that_had_several_is_a_part() -> None:
    assert told(batch(payment(part("i1", "ACCP")), count="2")) == {f"{RTP}/i1": "ACCP"}
    assert told(batch(payment(part("i1", "ACCP")), count="1")) == {RTP: "ACCP"}
    assert told(batch(payment(part("i1", "ACCP")), count="\u0662")) == {RTP: "ACCP"}


@pytest.mark.parametrize("other", [None, "with space", "\u00e9"])
def test_one_of_several_without_an_id_rejects_them_all(other: str | None) -> None:
    message = batch(payment(part("i1", "ACCP"), part(other, "ACTC", other)))

    with pytest.raises(Rejected, match="payload_invalid: OrgnlInstrId, OrgnlEndToEndId: needed"):
        told(message)


def test_transaction_without_a_status_has_that_of_its_payment_or_of_the_group() -> None:
    message = batch(
        payment(part("i1", None), part("i2", "ACCP"), status="ACTC"),
        payment(part("i3", None)),
        group="RCVD",
    )

    assert told(message) == {f"{RTP}/i1": "ACTC", f"{RTP}/i2": "ACCP", f"{RTP}/i3": "RCVD"}


@pytest.mark.parametrize(
    "message",
    [
        batch(group="ACTC"),
        batch(payment(status="ACTC"), group="PART"),
        batch(payment(), group="ACTC"),
    ],
)
def test_status_above_speaks_for_the_request_where_no_transaction_is_named(message: Tree) -> None:
    assert told(message) == {RTP: "ACTC"}


def test_reason_above_the_status_speaks_of_others() -> None:
    message = batch(payment(part("i1", "ACCP"), part("i2", None)), group="RJCT")
    message["OrgnlGrpInfAndSts"]["StsRsnInf"] = {"Rsn": {"Cd": "AC02"}}

    first, second, _ = translate(as_json(bare(message)))

    assert isinstance(first, Statement)
    assert isinstance(second, Statement)
    assert (first.native_status, first.reason) == ("ACCP", None)
    assert second.reason is not None
    assert (second.native_status, second.reason.code) == ("RJCT", "AC02")


def test_payments_nested_in_the_group_are_read_there_but_not_in_two_places() -> None:
    message = report("ACCP", decided=True)
    message["OrgnlGrpInfAndSts"]["OrgnlPmtInfAndSts"] = message["OrgnlPmtInfAndSts"]
    with pytest.raises(Rejected, match="payload_contradictory: OrgnlPmtInfAndSts stands in two"):
        told(message)

    message["OrgnlPmtInfAndSts"] = None
    assert told(message) == {RTP: "ACCP"}


def test_answer_to_a_status_request_is_about_the_instruction_that_it_names() -> None:
    """V4.0 of DS-16: the original message is the pacs.028, not the request to pay."""
    message = report(None, "ALAC", listed=True)
    message["OrgnlGrpInfAndSts"] |= {"OrgnlMsgId": "question-7", "OrgnlMsgNmId": "pacs.028.001.03"}
    assert told(message) == {RTP: "ALAC"}

    del message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"][0]["OrgnlInstrId"]
    with pytest.raises(Rejected, match="payload_invalid: OrgnlInstrId: needed"):
        told(message)


def test_most_transactions_are_taken_and_one_more_is_not() -> None:
    parts = [part(f"i{number}", "ACTC") for number in range(TRANSACTIONS_MAX)]
    assert len(told(batch(payment(*parts)))) == TRANSACTIONS_MAX

    with pytest.raises(Rejected, match=f"payload_invalid: more than {TRANSACTIONS_MAX} trans"):
        told(batch(payment(*parts, part("one-more", "ACTC"))))


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        (("GrpHdr",), None, "GrpHdr, OrgnlGrpInfAndSts: missing"),
        (("GrpHdr", "MsgId"), "", "GrpHdr.MsgId: string_too_short"),
        (("GrpHdr", "MsgId"), ["a", "b"], "GrpHdr.MsgId: value_error"),
        (("GrpHdr", "MsgId"), "a" * 71, "GrpHdr.MsgId: string_too_long"),
        (("OrgnlGrpInfAndSts", "OrgnlMsgId"), 7, "OrgnlGrpInfAndSts.OrgnlMsgId: string_type"),
        (("OrgnlGrpInfAndSts", "OrgnlMsgId"), "a b", "OrgnlGrpInfAndSts.OrgnlMsgId: string_patt"),
        (("OrgnlPmtInfAndSts", 0, "TxInfAndSts", "TxSts"), ["RJCT", "ACTC"], "TxSts: value_error"),
        (("OrgnlPmtInfAndSts", 0, "TxInfAndSts", "TxSts"), "a b", "TxSts: string_pattern"),
        (("OrgnlPmtInfAndSts", 0, "TxInfAndSts"), "Mario Rossi", "TxInfAndSts.0: model_type"),
    ],
)
def test_field_that_a_decision_needs_is_named_and_its_value_is_not(
    path: tuple[str | int, ...], value: object, rule: str
) -> None:
    message = report("ACTC")
    place: Tree = message
    for name in path[:-1]:
        place = place[name]  # type: ignore[index] # a number, where it is a list
    place[path[-1]] = value  # type: ignore[index] # as above

    with pytest.raises(Rejected, match="payload_invalid") as caught:
        translate(as_json(bare(message)))

    assert rule in caught.value.detail
    assert "Mario" not in str(caught.value)


def test_status_in_a_list_of_one_is_that_status() -> None:
    message = report(None)
    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["TxSts"] = ["RJCT"]

    assert told(message) == {RTP: "RJCT"}
