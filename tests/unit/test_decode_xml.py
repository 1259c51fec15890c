"""Decoding XML: the same members as its JSON form has, and nothing from elsewhere."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.provider import Form, SignedFields
from tests.signed_bytes import signed
from tests.xml_signing import PAIN, Signed, report
from workers.verifier.decode_xml import decode_xml


def decoded(body: bytes) -> SignedFields:
    return decode_xml(signed(body, Form.XML))


def members(inside: str, attributes: str = "") -> Any:  # noqa: ANN401 - text or members
    body = f'<Document xmlns="{PAIN}"{attributes}>{inside}</Document>'
    return decoded(body.encode()).members["Document"]


def refused(inside: str, attributes: str = "") -> RejectionCode:
    with pytest.raises(Rejected) as refusal:
        members(inside, attributes)
    return refusal.value.code


def test_report_is_decoded_to_the_members_of_its_json_form() -> None:
    fields = decoded(report().encode())

    assert fields.document == PAIN
    assert fields.members == {
        "Document": {
            "CdtrPmtActvtnReqStsRpt": {
                "GrpHdr": {
                    "MsgId": "M-1",
                    "CreDtTm": "2026-11-02T11:59:00.000Z",
                    "InitgPty": {"Id": {"OrgId": {"AnyBIC": "UNCRITMMXXX"}}},
                },
                "OrgnlGrpInfAndSts": {
                    "OrgnlMsgId": "6588c58bcba84b0382422d45e5d04257",
                    "OrgnlMsgNmId": "pain.013.001.07",
                },
                "OrgnlPmtInfAndSts": {
                    "OrgnlPmtInfId": "302001000000012345",
                    "TxInfAndSts": {
                        "OrgnlEndToEndId": "302001000000012345",
                        "TxSts": "ACCP",
                        "OrgnlTxRef": {
                            "Amt": {"InstdAmt": {"@Ccy": "EUR", "#text": "120.50"}},
                            "CdtrAgt": {"FinInstnId": {"BICFI": "BPPIITRR"}},
                            "Cdtr": {"Nm": "Comune"},
                        },
                    },
                },
            }
        }
    }


@pytest.mark.parametrize(
    "message", ["pain.014.001.08", "pain.014.001.10", "camt.029.001.09", "camt.029.001.12"]
)
def test_namespace_says_which_message_it_is(message: str) -> None:
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{message}"

    assert decoded(report(namespace=namespace).encode()).document == namespace


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", ""),
        ("<A/>", {"A": ""}),
        ("<A> \t\r\n</A>", {"A": ""}),
        ("<A>\n  x y\n</A>", {"A": "x y"}),
        ("<A>\u00a0x\u2003</A>", {"A": "\u00a0x\u2003"}),
        ("<A>1</A><B/><A>2</A>", {"A": ["1", "2"], "B": ""}),
        ("<A/><A><B/></A><A>3</A>", {"A": ["", {"B": ""}, "3"]}),
        ('<A b="c"/>', {"A": {"@b": "c", "#text": ""}}),
        ('<A b="c"><D>1</D></A>', {"A": {"@b": "c", "D": "1"}}),
        ("<A>x<![CDATA[<y>]]></A>", {"A": "x<y>"}),
        (f'<p:A xmlns:p="{PAIN}">1</p:A>', {"A": "1"}),
        (
            "<SplmtryData><Envlp><x xmlns='urn:x'>1</x></Envlp></SplmtryData>",
            {"SplmtryData": {"Envlp": ""}},
        ),
        ("<Envlp>1</Envlp>", {"Envlp": "1"}),
    ],
)
def test_elements_become_members(inside: str, expected: object) -> None:
    assert members(inside) == expected


def test_hints_for_a_validator_are_no_members() -> None:
    hint = (
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="{PAIN} pain.xsd"'
    )

    assert members("<A/>", hint) == {"A": ""}


def test_signature_of_the_document_is_left_out_and_no_other() -> None:
    signed = Signed().document(report())
    inner = signed.decode().partition("<ds:Signature")[2].partition("</Document>")[0]

    assert decoded(signed).members == decoded(report().encode()).members
    assert refused(f"<A><ds:Signature{inner}</A>") is RejectionCode.DOCUMENT_UNKNOWN


def test_document_of_a_business_message_is_decoded() -> None:
    message = Signed().business_message(report())

    assert decoded(message).members == decoded(report().encode()).members


@pytest.mark.parametrize(
    ("inside", "attributes", "code"),
    [
        ('<A xmlns="urn:x"/>', "", RejectionCode.DOCUMENT_UNKNOWN),
        ('<A xmlns=""/>', "", RejectionCode.DOCUMENT_UNKNOWN),
        (f'<A xmlns="{PAIN}0"/>', "", RejectionCode.DOCUMENT_UNKNOWN),
        ('<Envlp><x xmlns="urn:x"/></Envlp>', "", RejectionCode.DOCUMENT_UNKNOWN),
        ("<A/>", ' xml:lang="it"', RejectionCode.DOCUMENT_UNKNOWN),
        ("x<A/>", "", RejectionCode.PAYLOAD_INVALID),
        ("<A/>x", "", RejectionCode.PAYLOAD_INVALID),
        ("<A>1<B/>2</A>", "", RejectionCode.PAYLOAD_INVALID),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(
    inside: str, attributes: str, code: RejectionCode
) -> None:
    assert refused(inside, attributes) is code


@pytest.mark.parametrize(
    "body",
    [
        b"<Document/>",
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.014"/>',
        f'<Document xmlns="{PAIN}0"/>'.encode(),
        f'<document xmlns="{PAIN}"/>'.encode(),
        f'<Msg><Document xmlns="{PAIN}"/></Msg>'.encode(),
        f'<Msg><Document xmlns="{PAIN}"/><Document xmlns="{PAIN}"/></Msg>'.encode(),
    ],
)
def test_what_is_no_message_is_unknown(body: bytes) -> None:
    with pytest.raises(Rejected, match="document_unknown"):
        decoded(body)


@given(
    st.recursive(
        st.text(alphabet="ab 1", max_size=4),
        lambda inner: st.lists(
            st.tuples(st.sampled_from("ABC"), inner), min_size=1, max_size=3
        ).map(lambda parts: "".join(f"<{name}>{text}</{name}>" for name, text in parts)),
    )
)
def test_any_tree_is_decoded_with_its_text_in_order_of_names(inside: str) -> None:
    def flattened(value: Any) -> list[str]:  # noqa: ANN401 - text or members
        match value:
            case dict():
                return [text for one in value.values() for text in flattened(one)]
            case list():
                return [text for one in value for text in flattened(one)]
            case _:
                return [value]

    expected = sorted(part.partition("</")[0].strip() for part in inside.split(">") if "</" in part)

    assert sorted(text for text in flattened(members(inside)) if text) == [
        text for text in (expected or [inside.strip()]) if text
    ]


@given(st.binary(max_size=80))
def test_any_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(Rejected):
        decoded(body)
