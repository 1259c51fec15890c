"""Where a message may stand, and that there is exactly one."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.errors import Rejected
from contracts.iso20022.envelope import (
    ENVELOPES,
    NAMESPACES,
    REPORT,
    STRUCTURES_MAX,
    Found,
    document_text,
    find_message,
    read_message,
)
from contracts.iso20022.telling import TRANSACTIONS_MAX
from contracts.provider import SignedFields
from tests.srtp_messages import (
    CAMT,
    DATA_SETS,
    PAIN,
    SHAPES,
    Tree,
    as_xml,
    bare,
    direct,
    name_of,
    under_document,
    xml_body,
)
from workers.verifier.decode_xml import decode_xml

XML = "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.014.001.07'/>"


def unknown(members: Tree, namespace: str = "") -> None:
    with pytest.raises(Rejected, match="document_unknown") as caught:
        find_message(members, namespace)
    assert "Mario" not in str(caught.value)


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_message_is_found_in_every_envelope(data_set: str) -> None:
    message = DATA_SETS[data_set]

    found = [find_message(shape(message), "") for shape in SHAPES]

    assert [(one.name, one.members, one.is_xml) for one in found] == [
        (name_of(message), message, False)
    ] * len(SHAPES)


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_xml_document_decodes_to_the_fields_that_the_tests_use(data_set: str) -> None:
    expected = as_xml(DATA_SETS[data_set])
    signed = replace(expected.signed, body=xml_body(DATA_SETS[data_set]))

    fields = decode_xml(signed)

    assert (fields.members, fields.document) == (expected.members, expected.document)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_xml_message_is_the_one_that_its_namespace_names(namespace: str) -> None:
    data_set = "DS12P" if namespace == CAMT else "DS05"
    fields = as_xml(DATA_SETS[data_set], namespace)

    found = find_message(fields.members, fields.document)

    assert (found.name, found.is_xml) == (NAMESPACES[namespace], True)


@pytest.mark.parametrize("namespace", [f"{PAIN}06", "urn:x", "", CAMT])
def test_xml_message_under_another_namespace_is_unknown(namespace: str) -> None:
    fields: SignedFields = as_xml(DATA_SETS["DS05"])

    if namespace:
        unknown(dict(fields.members), namespace)
    unknown({"Elsewhere": fields.members["Document"]}, namespace or f"{PAIN}07")


def test_xml_document_is_not_looked_for_in_an_envelope() -> None:
    unknown(direct(DATA_SETS["DS05"]), f"{PAIN}07")


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"InvalidResponse": "Mario Rossi"},
        {"Document": None},
        {"Document": "Mario Rossi"},
        {"Document": {"CdtrPmtActvtnReq": {}}},
        {"Document": {"CdtrPmtActvtnReqStsRpt": "Mario Rossi"}},
        {"Document": {"CdtrPmtActvtnReqStsRpt": [{}]}},
        {"CdtrPmtActvtnReqStsRpt": DATA_SETS["DS05"]},
    ],
)
def test_anything_else_is_unknown(members: Tree) -> None:
    unknown(members)


@pytest.mark.parametrize("other", ["DS08P", "DS12P"])
def test_two_messages_are_not_chosen_between(other: str) -> None:
    """Two readers could take different ones, and a signature would prove both."""
    one, two = DATA_SETS["DS05"], DATA_SETS[other]

    unknown(direct(one) | bare(two))
    if other == "DS12P":
        unknown(direct(one) | under_document(two))
    both = under_document(one)
    both["AsynchronousSepaRequestToPayResponse"]["CdtrPmtActvtnReqStsRpt"] = DATA_SETS["DS08P"]
    unknown(both)


@pytest.mark.parametrize("text", [XML, "PERvY3VtZW50Lz4="])
@pytest.mark.parametrize(
    "place", [("Document",), *((name,) for name in ENVELOPES), (ENVELOPES[0], "Document")]
)
def test_xml_document_is_found_as_text_in_a_messages_place(
    place: tuple[str, ...], text: str
) -> None:
    members: Tree = {place[-1]: text}
    for name in place[-2::-1]:
        members = {name: members}

    assert document_text({"resourceId": "r-1", **members}) == text


def test_json_message_is_no_document_as_text_and_two_texts_are_ambiguous() -> None:
    assert document_text(under_document(DATA_SETS["DS05"])) is None
    assert document_text({"resourceId": XML, "_links": XML}) is None
    with pytest.raises(Rejected, match="document_unknown: more than one document as text"):
        document_text({"Document": XML, ENVELOPES[0]: {"Document": XML}})


@pytest.mark.parametrize("shape", [direct, under_document, bare])
@pytest.mark.parametrize("data_set", ["DS05", "DS12P"])
def test_document_as_text_beside_a_message_is_not_chosen(
    shape: Callable[[Tree], Tree], data_set: str
) -> None:
    """A reader of JSON alone would take the other one, and a signature of the body proves both."""
    free = next(name for name in ("Document", *ENVELOPES) if name not in shape(DATA_SETS[data_set]))

    with pytest.raises(Rejected, match="document_unknown: a document as text beside a message"):
        document_text(shape(DATA_SETS[data_set]) | {free: XML})


@pytest.mark.parametrize(
    ("name", "lists"),
    [
        ("OrgnlPmtInfAndSts", '[{"TxInfAndSts": [%s]}, {"TxInfAndSts": [%s]}]'),
        ("OrgnlGrpInfAndSts", '{"OrgnlPmtInfAndSts": {"TxInfAndSts": [%s, %s]}}'),
        ("CxlDtls", '[{"OrgnlPmtInfAndSts": {"TxInfAndSts": [%s]}}, {"TxInfAndSts": [%s]}]'),
    ],
)
@pytest.mark.parametrize("one", ["{}", "1", "[]", '{"TxSts": " "}'])
def test_too_many_transactions_are_counted_and_none_is_validated(
    name: str, lists: str, one: str
) -> None:
    """Validated first, 2 MB of them took a minute and 4 GB."""
    half = ",".join([one] * (STRUCTURES_MAX // 2))
    members = json.loads(lists % (half, half))
    found = Found("RsltnOfInvstgtn" if name == "CxlDtls" else REPORT, {name: members}, is_xml=False)

    with pytest.raises(Rejected, match=f"payload_invalid: more than {TRANSACTIONS_MAX} transact"):
        read_message(found)
