"""Files of a request: which are asked for, and what of a PDF refuses it under which policy."""

import pytest

from contracts.needs import FileNeed
from contracts.providers.send import needs
from contracts.send.attachments import Pades, pdf_fault
from tests.send.cases import pdf, with_body
from tests.send.requests import (
    ORGANISATION,
    address,
    attachment,
    f24,
    fields,
    pago_pa,
    recipient,
    request,
)

ALL_FAULTS = [
    "no_pdf",
    "broken",
    "encrypted",
    "scripted",
    "too_complex",
    "too_slow",
    "too_much_memory",
]
ALL_OUTCOMES = ["tampered", "changed_later", "partial", "untrusted", "expired", "unsupported"]


@pytest.mark.parametrize("policy", ["required", "if_present", "off"])
@pytest.mark.parametrize("fault", ALL_FAULTS)
def test_pdf_with_a_fault_is_refused_under_every_policy(policy: Pades, fault: str) -> None:
    assert pdf_fault(pdf(fault, "valid"), policy)


@pytest.mark.parametrize("outcome", ALL_OUTCOMES)
def test_signature_that_does_not_hold_is_refused_unless_nobody_looks(outcome: str) -> None:
    for outcomes in ([outcome], ["valid", outcome], [outcome, "valid"]):
        assert pdf_fault(pdf("", *outcomes), "required")
        assert pdf_fault(pdf("", *outcomes), "if_present")
        assert pdf_fault(pdf("", *outcomes), "off") == ""


def test_each_fault_and_each_outcome_has_its_own_words() -> None:
    told = [pdf_fault(pdf(one), "off") for one in ALL_FAULTS]
    told += [pdf_fault(pdf("", one), "if_present") for one in ALL_OUTCOMES]
    told.append(pdf_fault(pdf(), "required"))

    assert len({*told}) == len(told)
    assert all(told)


def test_absent_signature_is_refused_where_it_is_required() -> None:
    assert pdf_fault(pdf(), "required") == "it is not signed"
    assert pdf_fault(pdf(), "if_present") == pdf_fault(pdf(), "off") == ""
    assert pdf_fault(pdf("", "valid"), "required") == ""
    assert pdf_fault(None, "off") == "the file is no PDF"


def test_signatures_are_demanded_of_documents_and_not_of_forms() -> None:
    members = request(
        recipients=[recipient(payments=[pago_pa(attachment=attachment("form"))])],
    )
    policies = {
        pades: [
            one.pades
            for one in needs(fields(members, rules=with_body(pades=pades))).values()
            if isinstance(one, FileNeed)
        ]
        for pades in ("required", "if_present", "off")
    }

    assert policies == {
        "required": ["required", "if_present"],
        "if_present": ["if_present", "if_present"],
        "off": ["off", "off"],
    }


def test_needs_are_every_file_once_and_every_address() -> None:
    form = attachment("form")
    members = request(
        recipients=[
            recipient(payments=[pago_pa(attachment=form), f24()]),
            recipient(
                taxId=ORGANISATION,
                recipientType="PG",
                payments=[pago_pa(noticeCode="1" * 18, attachment=form)],
                physicalAddress=...,
            ),
        ]
    )

    found = needs(fields(members))

    assert list(found) == ["file:0", "file:1", "file:2", "address:0", "address:1"]
    assert [one.kind for one in found.values() if isinstance(one, FileNeed)] == [
        "pdf",
        "pdf",
        "json",
    ]
    assert {one.body for one in found.values() if isinstance(one, FileNeed)} == {"comune"}
    assert (found["address:0"].address, found["address:1"].address) == (address(), None)


def test_key_is_asked_for_without_the_scheme_of_its_store() -> None:
    document = attachment()
    document["ref"]["key"] = f"safestorage://{document['ref']['key']}"

    found = needs(fields(request(documents=[document])))

    assert found["file:0"].key == "PN_NOTIFICATION_ATTACHMENTS-one.pdf"
