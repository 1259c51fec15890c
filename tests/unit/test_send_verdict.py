"""Requests that were taken: each refusal code, how it comes about, and in which order."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.errors import Unavailable
from contracts.needs import AddressFound
from contracts.providers.send import translate
from contracts.send.refusals import Refusal
from contracts.send.verdict import FINDINGS_MAX
from contracts.update import Reason
from tests.send.cases import Given, facts, pdf, with_body
from tests.send.requests import (
    COMUNE,
    F24,
    ORGANISATION,
    PERSON,
    RULES,
    attachment,
    f24,
    fields,
    pago_pa,
    recipient,
    request,
)

ASYNC = {
    "notificationFeePolicy": "DELIVERY_MODE",
    "paFee": 100,
    "vat": 22,
    "pagoPaIntMode": "ASYNC",
}


def with_f24(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    return request(recipients=[recipient(payments=[f24()])], **{**ASYNC, **changes})


BAD_F24 = F24.replace(b'"EL"', b'"XX"').replace(b'"3955"', b'"?"')
F24_WHERE = "recipients[0].payments[0].f24.metadataAttachment"
TWO = [recipient(physicalAddress=...), recipient(taxId=ORGANISATION, recipientType="PG")]
LOOKED_UP = with_body(addresses_looked_up=True)

# The table of refusals: what is not as it should be, and every finding it leads to.
REFUSED: dict[str, tuple[Given, list[tuple[Refusal, str]]]] = {
    "costs to be added to no notice": (
        Given(request(**ASYNC)),
        [(Refusal.PAYMENT_NOT_VALID, "recipients[0]")],
    ),
    "file never uploaded": (
        Given(files={0: facts(outcome="absent")}),
        [(Refusal.FILE_NOTFOUND, "documents[0]")],
    ),
    "file no longer kept": (
        Given(files={0: facts(outcome="gone")}),
        [(Refusal.FILE_GONE, "documents[0]")],
    ),
    "file with another digest": (
        Given(files={0: facts(sha256="A" * 44)}),
        [(Refusal.FILE_SHA_ERROR, "documents[0]")],
    ),
    "metadata with another digest": (
        Given(request(recipients=[recipient(payments=[f24()])]), files={1: facts(sha256="A" * 44)}),
        [(Refusal.FILE_SHA_ERROR, F24_WHERE)],
    ),
    "file larger than allowed": (
        Given(files={0: facts(bytes_total=1_001)}),
        [(Refusal.FILE_PDF_TOOBIG_ERROR, "documents[0]")],
    ),
    "file that is no PDF": (
        Given(files={0: facts(pdf=pdf("no_pdf"))}),
        [(Refusal.FILE_PDF_INVALID_ERROR, "documents[0]")],
    ),
    "form of a payment that is no PDF": (
        Given(
            request(recipients=[recipient(payments=[pago_pa(attachment=attachment("form"))])]),
            files={1: facts(pdf=pdf("broken"))},
        ),
        [(Refusal.FILE_PDF_INVALID_ERROR, "recipients[0].payments[0].pagoPa.attachment")],
    ),
    "tax id on the list of refused ones": (
        Given(rules=replace(RULES, tax_ids_refused=frozenset({PERSON}))),
        [(Refusal.TAXID_NOT_VALID, "recipients[0]")],
    ),
    "more paper than the body may post": (
        Given(rules=with_body(sheets_max=3), files={0: facts(pdf=pdf(pages=7))}),
        [(Refusal.SENDER_DISABLED_MORE_THAN_20_GRAMS, "recipients[0]")],
    ),
    "metadata against the schema": (
        Given(request(recipients=[recipient(payments=[f24()])]), files={1: facts(content=BAD_F24)}),
        [(Refusal.F24_METADATA_NOT_VALID, F24_WHERE)] * 2,
    ),
    "metadata too large to be given": (
        Given(request(recipients=[recipient(payments=[f24()])]), files={1: facts(content=None)}),
        [(Refusal.F24_METADATA_NOT_VALID, F24_WHERE)],
    ),
    "no address found": (
        Given(request(recipients=TWO), LOOKED_UP, addresses={0: AddressFound("not_found")}),
        [(Refusal.ADDRESS_NOT_FOUND, "recipients[0]")],
    ),
    "no registry answered": (
        Given(request(recipients=TWO), LOOKED_UP, addresses={0: AddressFound("failed")}),
        [(Refusal.ADDRESS_SEARCH_FAILED, "recipients[0]")],
    ),
    "address found that cannot be written to": (
        Given(request(recipients=TWO), LOOKED_UP, addresses={0: AddressFound("not_valid")}),
        [(Refusal.NOT_VALID_ADDRESS, "recipients[0]")],
    ),
    "address that does not exist": (
        Given(addresses={0: AddressFound("not_valid")}),
        [(Refusal.NOT_VALID_ADDRESS, "recipients[0]")],
    ),
    "address that nothing normalised": (
        Given(addresses={0: AddressFound("failed")}),
        [(Refusal.ADDRESS_SEARCH_FAILED, "recipients[0]")],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_request_is_refused_with_every_finding_of_the_check(name: str) -> None:
    given, expected = REFUSED[name]

    statement = given.statement()

    assert given.reasons() == [(code.value, where) for code, where in expected]
    assert (statement.native_status, statement.fact) == ("REFUSED", "REQUEST_REFUSED")
    assert statement.reason == statement.reasons[0]


def test_every_refusal_code_is_one_that_a_request_can_have() -> None:
    assert {code for _, found in REFUSED.values() for code, _ in found} == set(Refusal)


def test_request_that_is_as_it_should_be_is_accepted() -> None:
    assert Given().statement().native_status == "ACCEPTED"
    assert Given(with_f24(pagoPaIntMode="SYNC")).reasons() == []


# Each of these would refuse the request by itself; the earlier one hides the later ones.
def test_checks_come_in_the_order_of_send() -> None:
    """Payments, files, tax ids, paper, metadata, addresses looked up, addresses given."""
    wrong = Given(
        request(recipients=[recipient(payments=[f24()]), TWO[1], {**TWO[0], "taxId": PERSON2}]),
        rules=replace(
            LOOKED_UP,
            bodies={"comune": replace(COMUNE, addresses_looked_up=True, sheets_max=3)},
            tax_ids_refused=frozenset({ORGANISATION}),
        ),
        files={0: facts(outcome="gone"), 1: facts(content=BAD_F24)},
        addresses={0: AddressFound("not_valid"), 2: AddressFound("not_found")},
    )
    wrong.members |= ASYNC
    order = []

    def repaired() -> str:
        code = wrong.reasons()[0][0]
        order.append(code)
        return code

    assert repaired() == "PAYMENT_NOT_VALID"
    wrong.members |= {"pagoPaIntMode": "SYNC"}
    assert repaired() == "FILE_GONE"
    wrong.files[0] = facts(pdf=pdf(pages=7))
    assert repaired() == "TAXID_NOT_VALID"
    wrong.rules = replace(wrong.rules, tax_ids_refused=frozenset())
    assert repaired() == "SENDER_DISABLED_MORE_THAN_20_GRAMS"
    del wrong.files[0]
    assert repaired() == "F24_METADATA_NOT_VALID"
    del wrong.files[1]
    assert repaired() == "ADDRESS_NOT_FOUND"
    del wrong.addresses[2]
    assert repaired() == "NOT_VALID_ADDRESS"
    del wrong.addresses[0]

    assert wrong.reasons() == []


PERSON2 = "BRNLCU00A01H50MJ"  # with omocodia; of SEND's own tests


def test_of_files_the_first_alone_is_told() -> None:
    members = request(documents=[attachment("one"), attachment("two"), attachment("three")])
    given = Given(members, files={1: facts(outcome="gone"), 2: facts(outcome="absent")})

    assert given.reasons() == [("FILE_GONE", "documents[1]")]


def test_of_addresses_and_tax_ids_all_are_told() -> None:
    members = request(recipients=[recipient(), recipient(taxId=ORGANISATION, recipientType="PG")])
    not_valid = AddressFound("not_valid")
    refused = replace(RULES, tax_ids_refused=frozenset({PERSON, ORGANISATION}))

    addresses = Given(members, addresses={0: not_valid, 1: not_valid}).reasons()

    assert [where for _, where in addresses] == ["recipients[0]", "recipients[1]"]
    assert len(Given(members, refused).reasons()) == 2


def test_digest_is_told_before_size_and_size_before_structure() -> None:
    wrong = {"sha256": "A" * 44, "bytes_total": 1_001, "pdf": pdf("broken")}
    codes = []
    while wrong:
        codes.append(Given(files={0: facts(**wrong)}).reasons()[0][0])
        wrong.pop(next(iter(wrong)))

    assert codes == ["FILE_SHA_ERROR", "FILE_PDF_TOOBIG_ERROR", "FILE_PDF_INVALID_ERROR"]


@pytest.mark.parametrize(
    ("pages", "sheets_max", "refused"),
    [([6], 3, False), ([7], 3, True), ([1, 1, 1], 3, False), ([1, 1, 1, 1], 3, True)],
)
def test_every_pdf_begins_on_a_sheet_of_two_pages(
    pages: list[int], sheets_max: int, *, refused: bool
) -> None:
    members = request(documents=[attachment(str(number)) for number, _ in enumerate(pages)])
    files = {number: facts(pdf=pdf(pages=count)) for number, count in enumerate(pages)}

    found = Given(members, with_body(sheets_max=sheets_max), files).reasons()

    assert bool(found) is refused


def test_forms_of_one_recipient_weigh_in_that_envelope_alone() -> None:
    form = pago_pa(attachment=attachment("form"))
    members = request(
        recipients=[
            recipient(payments=[form]),
            recipient(taxId=ORGANISATION, recipientType="PG"),
        ]
    )

    found = Given(members, with_body(sheets_max=1)).reasons()

    assert [where for _, where in found] == ["recipients[0]"]


def test_what_was_not_looked_up_makes_the_record_wait() -> None:
    with pytest.raises(Unavailable, match="file:0"):
        translate(fields(request()))


def test_findings_are_bounded() -> None:
    records = b",".join([b"{}"] * 500)
    content = b'{"f24Simplified": {"payments": {"records": [' + records + b"]}}}"
    payments = [f24(), f24(), f24()]
    for number, payment in enumerate(payments):
        payment["f24"]["metadataAttachment"]["ref"]["key"] = f"PN_F24_META-{number}.json"
    given = Given(
        request(recipients=[recipient(payments=payments)]),
        files={number: facts(content=content) for number in (1, 2, 3)},
    )

    assert len(given.reasons()) == FINDINGS_MAX


class Counted(bytes):
    """The content of a file, which counts how often it is read."""

    read = 0

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        type(self).read += 1
        return super().decode(encoding, errors)


def test_one_file_that_many_payments_name_is_read_once() -> None:
    """A megabyte that a thousand recipients name must not hold up the verifier."""
    members = request(recipients=[recipient(payments=[f24()]) for _ in range(50)])

    assert Given(members, files={1: facts(content=Counted(F24))}).reasons() == []
    assert Counted.read == 1


def test_no_finding_has_a_value_of_the_request() -> None:
    private = [PERSON, "VIA ROMA", "MILANO", "Verdi"]
    texts = [
        reason.text or ""
        for given, _ in REFUSED.values()
        for reason in given.statement().reasons
        if isinstance(reason, Reason)
    ]

    assert [text for text in texts for value in private if value in text] == []
    assert all(texts)
