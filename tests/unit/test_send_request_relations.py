"""What a request's members must be to each other: one test for each rule of the sheet."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.send.problems import Invalid
from contracts.send.request_rules import check_request
from contracts.send.rules import BodyRules, SendRules
from contracts.send.taxes import organisation_check_digit
from tests.send.requests import (
    COMUNE,
    ORGANISATION,
    PERSON,
    RULES,
    address,
    attachment,
    f24,
    metadata,
    pago_pa,
    recipient,
    request,
)

INVALID = "PN_GENERIC_INVALIDPARAMETER"
DUPLICATED = f"{INVALID}_DUPLICATED"
OTHER = "9876543210" + organisation_check_digit("9876543210")
FEES = {"notificationFeePolicy": "DELIVERY_MODE", "paFee": 100, "vat": 22}


def told(
    members: dict[str, Any],
    rules: SendRules = RULES,
    body: BodyRules = COMUNE,
    groups: tuple[str, ...] = (),
) -> list[tuple[str, str, str]]:
    try:
        check_request(members, rules, body, groups=groups)
    except Invalid as invalid:
        return [(one.code.value, one.element, one.detail) for one in invalid.errors]
    return []


def paid(*payments: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return request(recipients=[recipient(payments=list(payments))], **changes)


def test_sender_must_be_the_body_that_the_key_is_of() -> None:
    assert told(request(senderTaxId="80016350821")) == [
        (
            "PN_DELIVERY_INVALID_SENDER_TAX_ID",
            "senderTaxId",
            "not the tax id of the body that the key is of",
        )
    ]


@pytest.mark.parametrize(("group", "codes"), [("a", []), ("c", ["GROUP"]), (..., ["GROUP"])])
def test_group_must_be_one_of_the_keys(group: object, codes: list[str]) -> None:
    found = told(request(group=group), groups=("a", "b"))

    assert [code.rpartition("_")[2] for code, _, _ in found] == codes


def test_key_without_groups_may_name_any() -> None:
    assert told(request(group="whatever")) == []


def test_more_recipients_and_documents_than_the_endpoint_takes_are_told() -> None:
    members = request(
        recipients=[recipient(), recipient(taxId=ORGANISATION, recipientType="PG")],
        documents=[attachment("one"), attachment("two")],
    )
    rules = replace(RULES, recipients_max=1, documents_max=1)

    assert told(members, rules) == [
        (f"{INVALID}_SIZE", "recipients", "more than 1"),
        (f"{INVALID}_SIZE", "documents", "more than 1"),
    ]
    assert told(members) == []


def test_costs_by_delivery_need_fee_and_vat() -> None:
    found = told(request(notificationFeePolicy="DELIVERY_MODE"))

    assert [(code, element) for code, element, _ in found] == [
        (f"{INVALID}_REQUIRED", "paFee"),
        (f"{INVALID}_REQUIRED", "vat"),
    ]


@pytest.mark.parametrize(
    ("languages", "count"), [(["DE"], 0), (["SI"], 0), (["FR"], 0), (["DE", "FR"], 1), (["EN"], 1)]
)
def test_one_language_of_three_may_be_added(languages: list[str], count: int) -> None:
    found = told(request(additionalLanguages=languages))

    assert [code for code, _, _ in found] == ["PN_DELIVERY_INVALIDADDITIONALLANGS"] * count


@pytest.mark.parametrize(
    ("kind", "tax_id", "detail"),
    [
        ("PG", PERSON, "SEND accepts only numerical taxId for PG recipient 0"),
        ("PG", "12345678904", "Invalid taxId for recipient 0"),
        ("PF", ORGANISATION, "Invalid taxId for recipient 0"),
        ("PF", PERSON[:15] + ("A" if PERSON[15] != "A" else "B"), "Invalid taxId for recipient 0"),
    ],
)
def test_tax_id_must_fit_the_recipient(kind: str, tax_id: str, detail: str) -> None:
    members = request(recipients=[recipient(recipientType=kind, taxId=tax_id)])

    assert told(members) == [(INVALID, "recipients[0].taxId", detail)]
    assert told(members, replace(RULES, tax_ids_checked=False)) == []
    assert told(members, replace(RULES, tax_ids_accepted=frozenset({tax_id}))) == []


def test_refused_tax_id_is_taken_here_and_refused_later() -> None:
    rules = replace(RULES, tax_ids_refused=frozenset({PERSON}))

    assert told(request(), rules) == []


def test_recipient_twice_is_duplicated() -> None:
    assert told(request(recipients=[recipient(), recipient(denomination="Again")])) == [
        (DUPLICATED, "recipients[1].taxId", "Duplicated recipient taxId")
    ]


def test_notice_twice_is_duplicated_across_recipients() -> None:
    members = request(
        recipients=[
            recipient(payments=[pago_pa()]),
            recipient(taxId=OTHER, recipientType="PG", payments=[pago_pa()]),
        ]
    )

    assert told(members) == [
        (
            DUPLICATED,
            "recipients[1].payments[0].pagoPa",
            "Duplicated creditorTaxId and noticeCode",
        )
    ]


def test_notice_of_another_creditor_is_another() -> None:
    assert told(paid(pago_pa(), pago_pa(creditorTaxId="12345678903"))) == []


@pytest.mark.parametrize(
    ("payments", "changes", "count"),
    [
        ([pago_pa(applyCost=True)], FEES, 0),
        ([pago_pa(applyCost=False)], FEES, 1),
        ([pago_pa(applyCost=True), f24(apply_cost=False)], FEES, 1),
        ([pago_pa(applyCost=True), f24(apply_cost=True)], FEES, 0),
        ([pago_pa(applyCost=True), pago_pa(noticeCode="1" * 18)], FEES, 0),
        ([], FEES, 0),
        ([pago_pa(applyCost=True)], {}, 1),
        ([f24(apply_cost=True)], {}, 1),
        ([pago_pa(), f24(apply_cost=False)], {}, 0),
    ],
)
def test_costs_are_applied_by_delivery_and_by_flat_rate_nowhere(
    payments: list[dict[str, Any]], changes: dict[str, Any], count: int
) -> None:
    found = told(paid(*payments, **changes))

    assert [(code, element) for code, element, _ in found] == [
        (INVALID, "recipients[0].payments")
    ] * count


def test_payment_of_neither_kind_is_none() -> None:
    assert told(paid({})) == [
        (f"{INVALID}_SIZE", "recipients[0].payments[0]", "neither pagoPa nor f24")
    ]


@pytest.mark.parametrize(
    "key",
    [
        "PN_F24_META-1.pdf",
        "PN_NOTIFICATION_ATTACHMENTS-1.json",
        "safestorage://PN_AAR-1.pdf",
    ],
)
def test_key_of_a_pdf_must_be_one(key: str) -> None:
    document = {**attachment(), "ref": {"key": key, "versionToken": "v"}}

    assert told(request(documents=[document])) == [
        (INVALID, "documents[0].ref.key", "not a key of application/pdf")
    ]


@pytest.mark.parametrize("key", ["PN_NOTIFICATION_ATTACHMENTS-1.json", "PN_F24_META-1.pdf"])
def test_key_of_metadata_must_be_one(key: str) -> None:
    payment = f24(apply_cost=False)
    payment["f24"]["metadataAttachment"] = {
        **metadata(),
        "ref": {"key": key, "versionToken": "v"},
    }

    assert told(paid(payment)) == [
        (
            INVALID,
            "recipients[0].payments[0].f24.metadataAttachment.ref.key",
            "not a key of application/json",
        )
    ]


def test_file_twice_is_duplicated_among_documents_and_within_a_recipient() -> None:
    members = request(
        documents=[attachment("one"), attachment("two"), attachment("one")],
        recipients=[
            recipient(
                payments=[
                    pago_pa(attachment=attachment("form")),
                    pago_pa(noticeCode="1" * 18, attachment=attachment("form")),
                ]
            )
        ],
    )

    assert told(members) == [
        (DUPLICATED, "documents[2]", "the same file again"),
        (DUPLICATED, "recipients[0].payments[1].pagoPa.attachment", "the same file again"),
    ]


def test_two_recipients_may_have_one_form() -> None:
    payment = pago_pa(attachment=attachment("form"))
    other = pago_pa(noticeCode="1" * 18, attachment=attachment("form"))
    members = request(
        recipients=[
            recipient(payments=[payment]),
            recipient(taxId=ORGANISATION, recipientType="PG", payments=[other]),
        ]
    )

    assert told(members) == []


def test_address_may_be_absent_only_where_addresses_are_looked_up() -> None:
    members = request(recipients=[recipient(physicalAddress=...)])

    assert [(code, element) for code, element, _ in told(members)] == [
        (f"{INVALID}_REQUIRED", "recipients[0].physicalAddress")
    ]
    assert told(members, RULES, replace(COMUNE, addresses_looked_up=True)) == []


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"province": ...}, "province"),
        ({"province": " "}, "province"),
        ({"province": ..., "foreignState": "ITALIA"}, "province"),
        ({"province": ..., "foreignState": "italy"}, "province"),
        ({"province": ..., "foreignState": "FRANCE"}, ""),
        ({"address": "VIA ROMA 1, INT. 2"}, "address"),
        ({"municipality": "FORL\u00cc"}, "municipality"),
        ({"at": "C/O D'ANGELO-ROSSI 1."}, ""),
        ({"address": "V" * 44}, ""),
        ({"address": "V" * 45}, "address"),
        ({"addressDetails": "D" * 45}, "addressDetails"),
        ({"at": "A" * 22, "municipalityDetails": "M" * 22}, "at"),
        ({"at": "A" * 22, "municipalityDetails": "M" * 21}, ""),
        ({"municipality": "M" * 36}, "zip"),
        ({"municipality": "M" * 35}, ""),
        ({"foreignState": "F" * 45}, "foreignState"),
    ],
)
def test_address_must_fit_an_envelope(changes: dict[str, Any], member: str) -> None:
    members = request(recipients=[recipient(physicalAddress=address(**changes))])

    found = [element for _, element, _ in told(members)]

    assert found == ([f"recipients[0].physicalAddress.{member}"] if member else [])


def test_rows_are_checked_where_the_endpoint_says_so() -> None:
    members = request(recipients=[recipient(physicalAddress=address(address="V" * 45))])

    assert told(members, replace(RULES, address_rows_checked=False)) == []
