"""Findings: each rule of the profile, where it is broken, and never what stands there."""

from copy import deepcopy
from typing import Any

import pytest

from contracts.errors import Broken
from contracts.iso20022.envelope import REPORT, RESOLUTION, find_message
from contracts.iso20022.profile import FINDINGS_MAX, data_set_of, findings_of
from contracts.iso20022.profile_table import parse_profile
from contracts.provider import SignedFields
from tests.srtp_messages import (
    DATA_SETS,
    PERSONAL,
    REPORTS,
    Tree,
    as_json,
    as_xml,
    bare,
    name_of,
    report,
    resolution,
)

PAYMENT = ("OrgnlPmtInfAndSts", 0)
ONE = (*PAYMENT, "TxInfAndSts")
ORIGINAL = (*ONE, "OrgnlTxRef")
UUID = "8d2c1f0e-7b5a-4c3d-9e6f-1a2b3c4d5e6f"
# The conformant message of each data set: a redirect with the one status that has a word.
CONFORMANT = DATA_SETS | {"REDIRECT": report("ACTC", notes="text", listed=True)}
TINY = """
    kind   A B
x   object 1 *
.y  text35 ? -
"""


def findings(fields: SignedFields) -> list[str]:
    """Return each finding as `code where`, without the message's name."""
    found = find_message(fields.members, fields.document)
    return [
        f"{one.code} {one.where.removeprefix(found.name).removeprefix('.')}"
        for one in findings_of(found)
    ]


def with_value(message: Tree, path: tuple[str | int, ...], value: object) -> Tree:
    """Return a copy of the message with `value` at `path`."""
    changed = deepcopy(message)
    place: Any = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return changed


def plain(path: tuple[str | int, ...]) -> str:
    return ".".join(name for name in path if isinstance(name, str))


@pytest.mark.parametrize("data_set", CONFORMANT)
def test_conformant_message_has_no_finding_in_either_syntax(data_set: str) -> None:
    message = CONFORMANT[data_set]

    assert findings(as_json(bare(message))) == []
    assert findings(as_xml(message)) == []


@pytest.mark.parametrize("data_set", CONFORMANT)
def test_data_set_is_told_by_the_message_itself(data_set: str) -> None:
    fields = as_json(bare(CONFORMANT[data_set]))

    assert data_set_of(find_message(fields.members, "")) == data_set


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("GrpHdr", "MsgId"), UUID, "text_too_long"),
        (("GrpHdr", "MsgId"), "", "text_malformed"),
        (("GrpHdr", "MsgId"), 7, "text_malformed"),
        (("GrpHdr", "MsgId"), {"#text": "m"}, "text_malformed"),
        (("GrpHdr", "CreDtTm"), None, "missing"),
        (("GrpHdr", "CreDtTm"), "2026-11-02", "date_malformed"),
        (("GrpHdr", "CreDtTm"), "2026-02-30T00:00:00Z", "date_malformed"),
        (("GrpHdr", "CreDtTm"), "2026-11-02T24:00:00Z", "date_malformed"),
        (("GrpHdr", "InitgPty", "Id", "OrgId", "AnyBIC"), "mocksp04", "text_malformed"),
        (("GrpHdr", "InitgPty", "Id", "OrgId", "LEI"), "8156", "text_malformed"),
        (("OrgnlGrpInfAndSts", "OrgnlMsgNmId"), [], "missing"),
        ((*PAYMENT, "OrgnlPmtInfId"), UUID, "text_too_long"),
        ((*ONE, "StsId"), None, "missing"),
        ((*ONE, "TxSts"), ["ACTC"], "many_for_one"),
        ((*ONE, "StsRsnInf", "Orgtr", "Id"), "Mario Rossi", "text_malformed"),
        ((*ORIGINAL, "Amt", "InstdAmt"), "100.00", "amount_malformed"),
        ((*ORIGINAL, "Amt", "InstdAmt"), {"Ccy": "EUR", "#text": 1}, "amount_malformed"),
        ((*ORIGINAL, "Amt", "InstdAmt"), 1_000_000_000, "amount_malformed"),
        ((*ORIGINAL, "Amt", "InstdAmt"), -0.01, "amount_malformed"),
        ((*ORIGINAL, "Amt", "InstdAmt"), True, "amount_malformed"),
        ((*ORIGINAL, "ReqdExctnDt", "Dt"), "2026-12-04Z", "date_malformed"),
        ((*ORIGINAL, "ReqdExctnDt", "Dt"), "20261204", "date_malformed"),
        ((*ORIGINAL, "XpryDt"), None, "missing"),
        ((*ORIGINAL, "PmtTpInf", "SvcLvl", "Cd"), "PAGO", "code_unknown"),
        ((*ORIGINAL, "Cdtr", "Nm"), "Comune di Prova" * 5, "text_too_long"),
        ((*ORIGINAL, "CdtrAcct", "Id", "IBAN"), "it60", "text_malformed"),
        (("OrgnlPmtInfAndSts",), REPORTS["DS05"]["OrgnlPmtInfAndSts"][0], "one_for_many"),
    ],
)
def test_each_rule_has_its_finding_at_its_place(
    path: tuple[str | int, ...], value: object, code: str
) -> None:
    message = with_value(REPORTS["DS05"], path, value)

    assert findings(as_json(bare(message))) == [f"{code} {plain(path)}"]


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("GrpHdr", "MsgId"), UUID, "text_too_long"),
        (("GrpHdr", "CreDtTm"), "", "text_malformed"),
        ((*ORIGINAL, "ReqdExctnDt", "Dt"), "2026-12-04Z", "date_malformed"),
        ((*ORIGINAL, "Amt", "InstdAmt"), "1e3", "amount_malformed"),
        ((*ORIGINAL, "Amt", "InstdAmt"), {"@Ccy": "SEK", "#text": "1"}, "amount_malformed"),
    ],
)
def test_rules_hold_for_xml_as_well(path: tuple[str | int, ...], value: object, code: str) -> None:
    message = with_value(REPORTS["DS05"], path, value)

    assert findings(as_xml(message)) == [f"{code} {plain(path)}"]


def test_xml_repeats_an_element_where_one_is_due_and_has_no_lists_to_miss() -> None:
    message = deepcopy(REPORTS["DS05"])
    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["StsId"] = ["a", "b"]

    assert findings(as_xml(message)) == [f"many_for_one {plain((*ONE, 'StsId'))}"]


def test_empty_xml_element_is_a_structure_that_lacks_its_parts() -> None:
    message = with_value(REPORTS["DS05"], (*ORIGINAL, "DbtrAgt"), {})

    assert findings(as_xml(message)) == [f"missing {plain((*ORIGINAL, 'DbtrAgt'))}.FinInstnId"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (report("RJCT", "FRAD"), []),
        (report("RJCT", "ZZZZ"), [f"code_unknown {plain(ONE)}.StsRsnInf.Rsn.Cd"]),
        (report("RJCT"), [f"missing {plain(ONE)}.StsRsnInf.Rsn"]),
        (report("RJCT", "AC02", decided=True), [f"code_unknown {plain(ONE)}.StsRsnInf.Rsn.Cd"]),
        (report(None, "AC02", listed=True), [f"code_unknown {plain(ONE)}.StsRsnInf.Rsn.Cd"]),
        (report("ACTC", listed=True), [f"many_for_one {plain(ONE)}"]),
        (report("", notes="text", listed=True), [f"text_malformed {plain(ONE)}.TxSts"]),
        (
            report("ACSC", decided=True, one_payment=True, listed=True),
            [f"code_unknown {plain(ONE)}.TxSts"],
        ),
        (report("ACCP", decided=True, one_payment=True), [f"one_for_many {plain(ONE)}"]),
        (report("ACWC", decided=True, listed=True), ["many_for_one OrgnlPmtInfAndSts"]),
        (resolution("CNCL", "ACCR", None, listed=False), ["one_for_many CxlDtls.TxInfAndSts"]),
        (resolution("RJCR", "RJCR", None, listed=False), ["missing CxlDtls.TxInfAndSts.CxlSt"]),
        (resolution("PDCR", "PDCR", "RR04", listed=False), ["code_unknown Sts.Conf"]),
    ],
)
def test_each_data_set_has_its_own_shape_and_codes(message: Tree, expected: list[str]) -> None:
    found = findings(as_json(bare(message)))

    assert [one[: len(start)] for one, start in zip(found, expected, strict=False)] == expected
    assert bool(found) == bool(expected)


def test_payments_nested_in_the_group_are_misplaced_and_compared_all_the_same() -> None:
    message = with_value(REPORTS["DS05"], (*ONE, "StsId"), None)
    message["OrgnlGrpInfAndSts"]["OrgnlPmtInfAndSts"] = message.pop("OrgnlPmtInfAndSts")

    assert findings(as_json(bare(message))) == [
        "misplaced OrgnlGrpInfAndSts.OrgnlPmtInfAndSts",
        f"missing {plain((*ONE, 'StsId'))}",
    ]


def test_findings_end_where_a_record_would_grow() -> None:
    message = report("ACTC")
    message["OrgnlPmtInfAndSts"] = [{"TxInfAndSts": {"OrgnlTxRef": {}}} for _ in range(100)]
    message["GrpHdr"] = {"InitgPty": {}}
    message["OrgnlGrpInfAndSts"] = {}

    found = findings(as_json(bare(message)))

    assert len(found) == len(set(found)) == FINDINGS_MAX


def test_field_with_two_findings_does_not_pass_the_end() -> None:
    """One for many once, and two findings in every leaf: the twentieth is one of a pair."""

    def listed(value: Any) -> Any:  # noqa: ANN401 - JSON holds any value
        if isinstance(value, dict):
            return {name: listed(one) for name, one in value.items()}
        return [listed(value[0])] if isinstance(value, list) else [""]

    found = findings(as_json(bare(listed(REPORTS["DS05"]))))

    assert len(found) == FINDINGS_MAX
    assert [one.partition(" ")[0] for one in found].count("one_for_many") == 1


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_finding_names_the_place_and_not_what_stands_there(data_set: str) -> None:
    def spoilt(value: Any) -> Any:  # noqa: ANN401 - JSON holds any value
        match value:
            case dict():
                return {name: spoilt(one) for name, one in value.items()}
            case list():
                return [spoilt(one) for one in value]
            case _:
                return f"{value} {' '.join(PERSONAL)}"

    message = spoilt(DATA_SETS[data_set])
    fields = as_json(bare(message))
    found = repr(findings_of(find_message(fields.members, "")))

    assert found != "()"
    assert [word for word in PERSONAL if word in found] == []
    assert name_of(message) in {REPORT, RESOLUTION}


def test_profile_in_text_is_a_tree() -> None:
    (row,) = parse_profile(TINY).below

    assert (row.name, row.kind, row.cells) == ("x", "object", {"A": "1", "B": "*"})
    assert [one.name for one in row.below] == ["y"]


@pytest.mark.parametrize(
    "text",
    [
        TINY.replace("? -", "?"),
        TINY.replace("? -", "? ! "),
        TINY.replace(".y", "...y"),
    ],
)
def test_profile_with_a_hole_is_refused(text: str) -> None:
    with pytest.raises(Broken, match="profile row"):
        parse_profile(text)
