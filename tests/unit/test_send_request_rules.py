"""Requests before they are taken: every syntax error, and all of them at once."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.send.problems import DETAIL_CHARACTERS_MAX, Invalid, ProblemError
from contracts.send.request_rules import ERRORS_MAX, check_request
from tests.send.requests import (
    COMUNE,
    RULES,
    address,
    attachment,
    f24,
    pago_pa,
    recipient,
    request,
)

GENERIC = "PN_GENERIC_INVALIDPARAMETER"


def errors_of(members: Any, **rules: Any) -> list[ProblemError]:  # noqa: ANN401 - any JSON
    try:
        check_request(members, RULES, COMUNE, **rules)
    except Invalid as invalid:
        return list(invalid.errors)
    return []


def told(members: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - any JSON
    return [(one.code.value, one.element) for one in errors_of(members)]


def at_recipient(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    return request(recipients=[recipient(**changes)])


def test_request_without_a_fault_is_returned_with_its_members() -> None:
    found = check_request(request(group="g", amount=5), RULES, COMUNE)

    assert (found.pa_protocol_number, found.group, found.amount) == ("2026-0001", "g", 5)
    assert found.recipients[0].physical_address is not None


def test_null_counts_as_absent_everywhere() -> None:
    members = request(abstract=None, vat=None, recipients=[recipient(digitalDomicile=None)])

    assert errors_of(members) == []


def test_null_in_a_required_place_is_missing() -> None:
    assert told(request(subject=None)) == [(f"{GENERIC}_REQUIRED", "subject")]


def test_unknown_members_are_ignored_where_send_leaves_its_models_open() -> None:
    members = request(version="1", documents=[{**attachment(), "x": 1}])

    assert errors_of(members) == []


REQUIRED = [
    "paProtocolNumber",
    "subject",
    "recipients",
    "documents",
    "physicalCommunicationType",
    "notificationFeePolicy",
    "senderDenomination",
    "senderTaxId",
    "taxonomyCode",
]


@pytest.mark.parametrize("name", REQUIRED)
def test_absent_member_is_required(name: str) -> None:
    assert (f"{GENERIC}_REQUIRED", name) in told(request(**{name: ...}))


def test_everything_absent_is_told_at_once() -> None:
    assert sorted(told({})) == sorted((f"{GENERIC}_REQUIRED", name) for name in REQUIRED)


@pytest.mark.parametrize(
    ("members", "code", "element"),
    [
        (request(paProtocolNumber="p" * 257), "_SIZE", "paProtocolNumber"),
        (request(paProtocolNumber="a\nb"), "_PATTERN", "paProtocolNumber"),
        (request(idempotenceToken="\u00e8"), "_PATTERN", "idempotenceToken"),
        (request(idempotenceToken="t" * 257), "_SIZE", "idempotenceToken"),
        (request(subject="s" * 135), "_SIZE", "subject"),
        (request(subject="a\u2028b"), "_PATTERN", "subject"),
        (request(abstract="a" * 1_025), "_SIZE", "abstract"),
        (request(notificationFeePolicy="FREE"), "", "notificationFeePolicy"),
        (request(physicalCommunicationType="PIGEON"), "", "physicalCommunicationType"),
        (request(senderDenomination="d" * 45), "_SIZE", "senderDenomination"),
        (request(senderDenomination="a|b"), "_PATTERN", "senderDenomination"),
        (request(senderDenomination="\u20ac"), "_PATTERN", "senderDenomination"),
        (request(group="g" * 501), "_SIZE", "group"),
        (request(cancelledIun="AJMN-TXUA-MHGP-202309-Z"), "_PATTERN", "cancelledIun"),
        (request(amount=2**31), "_MAX", "amount"),
        (request(amount="5"), "", "amount"),
        (request(amount=True), "", "amount"),
        (request(paymentExpirationDate="2026-13-01"), "_PATTERN", "paymentExpirationDate"),
        (request(taxonomyCode="010101PX"), "_PATTERN", "taxonomyCode"),
        (request(paFee=101, vat=22), "_MAX", "paFee"),
        (request(vat=-1), "_MIN", "vat"),
        (request(pagoPaIntMode="LATER"), "", "pagoPaIntMode"),
        (request(physicalCommunicationPriority=101), "_MAX", "physicalCommunicationPriority"),
        (request(recipients=[]), "_SIZE", "recipients"),
        (request(documents=[]), "_SIZE", "documents"),
        (request(recipients={}), "", "recipients"),
        (at_recipient(recipientType="PX"), "", "recipients[0].recipientType"),
        (at_recipient(denomination=""), "_SIZE", "recipients[0].denomination"),
        (at_recipient(secret=1), "", "recipients[0]"),
        (
            at_recipient(digitalDomicile={"type": "PEC", "address": "no address"}),
            "_PATTERN",
            "recipients[0].digitalDomicile.address",
        ),
        (
            at_recipient(digitalDomicile={"type": "REM", "address": "a@b.it"}),
            "",
            "recipients[0].digitalDomicile.type",
        ),
        (
            at_recipient(physicalAddress=address(address="V")),
            "_SIZE",
            "recipients[0].physicalAddress.address",
        ),
        (
            at_recipient(physicalAddress=address(zip="20100!")),
            "_PATTERN",
            "recipients[0].physicalAddress.zip",
        ),
        (
            at_recipient(payments=[pago_pa(noticeCode="30200010000001942")]),
            "_PATTERN",
            "recipients[0].payments[0].pagoPa.noticeCode",
        ),
        (
            at_recipient(payments=[pago_pa(creditorTaxId="7777777777x")]),
            "_PATTERN",
            "recipients[0].payments[0].pagoPa.creditorTaxId",
        ),
        (
            at_recipient(payments=[pago_pa(applyCost="false")]),
            "",
            "recipients[0].payments[0].pagoPa.applyCost",
        ),
        (
            at_recipient(payments=[{"pagoPA": {}, "f24": f24(apply_cost=False)["f24"]}]),
            "",
            "recipients[0].payments[0]",
        ),
        (
            request(documents=[{**attachment(), "digests": {"sha256": "A" * 43}}]),
            "_SIZE",
            "documents[0].digests.sha256",
        ),
        (
            request(documents=[{**attachment(), "contentType": "application/pdfx"}]),
            "",
            "documents[0].contentType",
        ),
        (
            request(documents=[{**attachment(), "docIdx": "1a"}]),
            "_PATTERN",
            "documents[0].docIdx",
        ),
        (
            request(documents=[{**attachment(), "title": ""}]),
            "_SIZE",
            "documents[0].title",
        ),
    ],
)
def test_wrong_member_has_its_code_and_its_path(
    members: dict[str, Any], code: str, element: str
) -> None:
    assert (GENERIC + code, element) in told(members)


# Published as ^A|B$, where a reader that searches takes what only begins as A or ends as B.
@pytest.mark.parametrize("tax_id", ["ABCDE12345678901", "12345678903\n", "xx12345678903"])
def test_pattern_of_a_tax_id_holds_for_the_whole_text(tax_id: str) -> None:
    assert (f"{GENERIC}_PATTERN", "recipients[0].taxId") in told(at_recipient(taxId=tax_id))


@pytest.mark.parametrize("digest", ["!" + "A" * 43, "A" * 43 + "\n", "A" * 42 + "=="])
def test_pattern_of_a_digest_holds_for_the_whole_text(digest: str) -> None:
    members = request(documents=[{**attachment(), "digests": {"sha256": digest}}])

    assert (f"{GENERIC}_PATTERN", "documents[0].digests.sha256") in told(members)


def test_errors_of_syntax_and_between_members_come_together() -> None:
    members = request(
        subject="s" * 135,
        notificationFeePolicy="DELIVERY_MODE",
        senderTaxId="12345678903",
        recipients=[recipient(taxId=5), recipient(physicalAddress=address(province=...))],
    )

    assert told(members) == [
        (f"{GENERIC}_SIZE", "subject"),
        (GENERIC, "recipients[0].taxId"),
        ("PN_DELIVERY_INVALID_SENDER_TAX_ID", "senderTaxId"),
        (f"{GENERIC}_REQUIRED", "paFee"),
        (f"{GENERIC}_REQUIRED", "vat"),
        (GENERIC, "recipients[1].physicalAddress.province"),
    ]


def test_no_error_has_a_value_or_a_name_of_the_request() -> None:
    private = "PRIVATE-VALUE"
    members = request(
        senderTaxId=private,
        group=private * 50,
        documents=[{**attachment(), "ref": {"key": f"{private}.json", "versionToken": "v"}}],
        recipients=[
            recipient(taxId=private, denomination=private * 9, **{private: 1}),
            recipient(
                physicalAddress={"address": f"{private}!" * 9, "province": {private: private}}
            ),
        ],
    )

    errors = errors_of(members)

    assert len(errors) > 8
    assert private not in json.dumps([(one.element, one.detail) for one in errors])


def test_errors_are_bounded_in_number_and_in_length() -> None:
    errors = errors_of(request(recipients=[{}] * 1_000))

    assert len(errors) == ERRORS_MAX
    assert all(len(one.detail) <= DETAIL_CHARACTERS_MAX for one in errors)


NAMES = st.sampled_from([*request(), *recipient(), *attachment(), "payments", "pagoPa", "f24"])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, JSON, max_size=8))
def test_whatever_comes_is_a_request_or_has_errors(members: dict[str, Any]) -> None:
    assert errors_of({**request(), **members}) is not None


def test_any_value_in_any_place_is_taken_or_told_never_a_fault_of_ours() -> None:
    """A kind of recipient that was a list was answered 503, and is again at each attempt."""
    whole = request(
        recipients=[recipient(payments=[pago_pa(attachment=attachment()), f24()])],
        documents=[attachment()],
    )

    for members in _with_each_value(whole):
        if isinstance(members, dict):
            errors_of(members)


def _with_each_value(value: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON holds any value
    yield from (None, True, 1, 1.5, 10**40, "", "\ud800", "x" * 3_000, [], [[]], {}, {"a": {}})
    if isinstance(value, dict):
        for name, member in value.items():
            yield from ({**value, name: changed} for changed in _with_each_value(member))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            rest = value[:at], value[at + 1 :]
            yield from ([*rest[0], changed, *rest[1]] for changed in _with_each_value(item))
