"""F24 metadata: the checks of pagoPA in their order, and the types its parser gives."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.send.f24_rules import ISSUES_MAX, F24Code, F24Issue, check_f24
from tests.send.requests import sha256_of

PAYER = {"taxCode": "RSSMRA80A01F205X"}
LOCAL = {"applyCost": True, "municipality": "F205", "taxType": "3955"}


def issues_of(form: Any, *, apply_cost: bool = True) -> tuple[F24Issue, ...]:  # noqa: ANN401 - any JSON
    content = form if isinstance(form, bytes) else json.dumps(form).encode()
    return check_f24(content, sha256=sha256_of(content), apply_cost=apply_cost)


def told(form: Any, **changes: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - any JSON
    return [(one.code.value, one.element) for one in issues_of(form, **changes)]


def standard(*records: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    section = {"localTax": {"records": list(records) or [LOCAL]}}
    return {"f24Standard": {"taxPayer": PAYER, **section, **changes}}


def test_minimal_forms_of_every_kind_are_taken() -> None:
    excise = {"records": [{"applyCost": True, "institution": "AB", "debit": 5}]}
    elid = {"records": [{"applyCost": True, "type": "A", "id": "0" * 17}]}
    simplified = {"records": [{**LOCAL, "section": "EL"}]}

    assert told(standard()) == []
    assert told({"f24Simplified": {"taxPayer": PAYER, "payments": simplified}}) == []
    assert told({"f24Excise": {"taxPayer": PAYER, "excise": excise}}) == []
    assert told({"f24Elid": {"taxPayer": PAYER, "treasury": elid}}) == []


@pytest.mark.parametrize(
    "member",
    [
        {"year": 2026},
        {"year": "2026"},
        {"debit": "100"},
        {"debit": -5},
        {"debit": 5.0},
        {"debit": ""},
        {"credit": "0"},
        {"reconsideration": "true"},
        {"reconsideration": "False"},
        {"reconsideration": 1},
        {"fullPayment": ""},
        {"numberOfProperties": 123},
        {"year": None},
    ],
)
def test_types_are_those_that_the_parser_of_pagopa_gives(member: dict[str, Any]) -> None:
    assert told(standard({**LOCAL, **member})) == []


@pytest.mark.parametrize("flag", ["true", "TRUE", 1, 7])
def test_costs_may_be_asked_for_in_other_types(flag: object) -> None:
    assert told(standard({**LOCAL, "applyCost": flag})) == []


@pytest.mark.parametrize(
    "member",
    [
        {"debit": "many"},
        {"debit": 1.5},
        {"debit": True},
        {"debit": 2**31},
        {"debit": "9" * 5_000},
        {"debit": "\u0661"},
        {"debit": [1]},
        {"year": [2026]},
        {"reconsideration": "yes"},
        {"reconsideration": {}},
    ],
)
def test_what_no_parser_takes_is_a_parsing_error(member: dict[str, Any]) -> None:
    element = f"f24Standard.localTax.records[0].{next(iter(member))}"

    assert told(standard({**LOCAL, **member})) == [("PN_F24_METADATA_PARSING_ERROR", element)]


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b'{"a":1,"a":1}', b"[" * 99, b"null"])
def test_what_is_no_json_object_is_a_parsing_error(content: bytes) -> None:
    assert told(content) == [("PN_F24_METADATA_PARSING_ERROR", "")]


def test_empty_file_is_a_validation_error() -> None:
    assert told(b"") == [("PN_F24_METADATA_VALIDATION_ERROR", "")]


def test_file_beyond_what_is_read_is_not_called_empty() -> None:
    (empty,) = check_f24(b"", sha256="", apply_cost=False)
    (unread,) = check_f24(None, sha256="", apply_cost=False)

    assert unread.code is F24Code.EMPTY
    assert (empty.message, unread.message) == (
        "the file is empty",
        "not read: a file may have 1048576 bytes, and all of one request together 4194304",
    )


SCHEMA = "PN_F24_METADATA_VALIDATION_SCHEMA"


@pytest.mark.parametrize(
    ("form", "element"),
    [
        ({}, ""),
        ({**standard(), "f24Elid": {}}, ""),
        ({"f24Other": {}}, ""),
        ({"f24Standard": {"taxPayer": PAYER}}, "f24Standard"),
        (standard(taxPayer={}), "f24Standard.taxPayer.taxCode"),
        (standard(taxPayer={"taxCode": "RSSMRA80F01F205X"}), "f24Standard.taxPayer.taxCode"),
        (standard(taxPayer={"taxCode": "x12345678903"}), "f24Standard.taxPayer.taxCode"),
        (standard(note=1), "f24Standard"),
        (standard({**LOCAL, "note": 1}), "f24Standard.localTax.records[0]"),
        (standard({"applyCost": True}), "f24Standard.localTax.records[0].municipality"),
        (standard({**LOCAL, "year": "3026"}), "f24Standard.localTax.records[0].year"),
        (standard({**LOCAL, "applyCost": None}), "f24Standard.localTax.records[0].applyCost"),
        (
            {"f24Simplified": {"payments": {"records": [{**LOCAL, "section": "XX"}]}}},
            "f24Simplified.payments.records[0].section",
        ),
    ],
)
def test_schema_is_kept(form: dict[str, Any], element: str) -> None:
    assert (SCHEMA, element) in told(form)
    assert {code for code, _ in told(form)} == {SCHEMA}


def test_every_violation_of_the_schema_is_told_and_nothing_after_it() -> None:
    records = [{**LOCAL, "taxType": "x", "year": "1"}, {**LOCAL, "municipality": "?"}]

    content = json.dumps(standard(*records)).encode()
    found = check_f24(content, sha256="another", apply_cost=False)

    where = "f24Standard.localTax.records"
    assert [(one.code, one.element) for one in found] == [
        (F24Code.SCHEMA, f"{where}[0].taxType"),
        (F24Code.SCHEMA, f"{where}[0].year"),
        (F24Code.SCHEMA, f"{where}[1].municipality"),
    ]


def test_violations_are_bounded() -> None:
    assert len(issues_of(standard(*[{}] * 1_000))) == ISSUES_MAX


def test_another_digest_is_told_beside_the_costs() -> None:
    content = json.dumps(standard()).encode()

    found = check_f24(content, sha256="another", apply_cost=False)

    assert [one.code for one in found] == [F24Code.DIGEST, F24Code.COST]


FREE = {**LOCAL, "applyCost": False}


@pytest.mark.parametrize(
    ("records", "apply_cost", "message"),
    [
        ([LOCAL], True, ""),
        ([FREE], False, ""),
        ([LOCAL, FREE], True, ""),
        ([{**LOCAL, "credit": 5}], True, "applyCost in a record with a credit"),
        ([{**LOCAL, "credit": 0}], True, ""),
        ([LOCAL, LOCAL], True, "applyCost in more records than one"),
        ([LOCAL], False, "applyCost in a record, and not in the payment"),
        ([FREE], True, "applyCost in the payment, and in no record"),
    ],
)
def test_costs_are_added_in_one_record_or_in_none(
    records: list[dict[str, Any]], *, apply_cost: bool, message: str
) -> None:
    found = issues_of(standard(*records), apply_cost=apply_cost)

    assert [(one.code, one.message) for one in found] == (
        [(F24Code.COST, message)] if message else []
    )


def test_issue_is_told_as_send_tells_it() -> None:
    issue = F24Issue(F24Code.SCHEMA, "f24Elid", "required")

    assert issue.text() == (
        "ERROR: PN_F24_METADATA_VALIDATION_SCHEMA \nON ELEMENT: f24Elid \nMESSAGE: required"
    )


def test_no_issue_has_a_value_or_a_name_of_the_file() -> None:
    private = "PRIVATE"
    form = standard({**LOCAL, "taxType": private, private: 1}, taxPayer={"taxCode": private})

    assert private not in str([one.text() for one in issues_of(form)])


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["taxPayer", "localTax", "records", "applyCost", "debit", "year", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(ANY, st.booleans())
def test_whatever_a_file_holds_ends_in_issues(inner: object, apply_cost: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    for form in (inner, {"f24Standard": inner}, standard(localTax=inner)):
        assert issues_of(form, apply_cost=apply_cost) is not None


@given(st.binary(max_size=60))
def test_whatever_bytes_a_file_is_end_in_an_issue(content: bytes) -> None:
    assert issues_of(content) != ()
