"""Parsing: where the limits are, and what must still be taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.json_object import BODY_BYTES_MAX
from workers.verifier.xml_document import (
    ATTRIBUTES_MAX,
    DEPTH_MAX,
    ELEMENTS_MAX,
    NAMESPACES_MAX,
    TEXT_CHARACTERS_MAX,
    hardened_parser,
    parse_xml,
)


def refused(document: bytes) -> RejectionCode:
    with pytest.raises(Rejected) as refusal:
        parse_xml(document)
    return refusal.value.code


def nested(levels: int) -> bytes:
    return b"<a>" * levels + b"</a>" * levels


def attributed(count: int) -> bytes:
    return b"<r><a" + b"".join(b" a%d=''" % number for number in range(count)) + b"/></r>"


def declaring(count: int) -> bytes:
    return b"<r>" + b"<a xmlns='urn:a'/>" * count + b"</r>"


@pytest.mark.parametrize(
    ("largest", "larger"),
    [
        (nested(DEPTH_MAX), nested(DEPTH_MAX + 1)),
        (
            b"<r>" + b"<a/>" * (ELEMENTS_MAX - 1) + b"</r>",
            b"<r>" + b"<a/>" * ELEMENTS_MAX + b"</r>",
        ),
        (attributed(ATTRIBUTES_MAX), attributed(ATTRIBUTES_MAX + 1)),
        (declaring(NAMESPACES_MAX), declaring(NAMESPACES_MAX + 1)),
        (
            b"<a>" + b"x" * TEXT_CHARACTERS_MAX + b"</a>",
            b"<a>" + b"x" * (TEXT_CHARACTERS_MAX + 1) + b"</a>",
        ),
        (
            b"<a b='" + b"x" * TEXT_CHARACTERS_MAX + b"'/>",
            b"<a b='" + b"x" * (TEXT_CHARACTERS_MAX + 1) + b"'/>",
        ),
    ],
    ids=["depth", "elements", "attributes", "namespaces", "text", "attribute"],
)
def test_largest_document_is_parsed_and_a_larger_one_is_not(largest: bytes, larger: bytes) -> None:
    assert parse_xml(largest) is not None
    assert refused(larger) is RejectionCode.XML_TOO_DEEP


def test_largest_body_is_parsed_and_one_byte_more_is_not() -> None:
    body = b"<a/>".ljust(BODY_BYTES_MAX)

    assert parse_xml(body).tag == "a"
    assert refused(body + b" ") is RejectionCode.BODY_TOO_LARGE


@pytest.mark.parametrize(
    "document",
    [
        nested(100_000),
        b"<a>" * 100_000,
        b"<" * 100_000,
        b"<r>" + b"<a/>" * 2_000_000 + b"</r>",
        b"<r" + b" a=''" * 1_000_000 + b"/>",
        attributed(500_000),
        b"<" + b"n" * 8_000_000 + b"/>",
        b"<a b='" + b"x" * 8_000_000 + b"'/>",
    ],
    ids=["nested", "open", "brackets", "elements", "repeated", "attributes", "name", "value"],
)
def test_document_that_would_cost_much_is_refused(document: bytes) -> None:
    assert refused(document) in {RejectionCode.XML_TOO_DEEP, RejectionCode.XML_INVALID}


@pytest.mark.parametrize(
    "document",
    [
        b'<?xml version="1.0"?><a>\xc3\xa8</a>',
        b"<?xml version='1.0' encoding='utf-8' ?>\n<a>\xc3\xa8</a>\n",
        b'<?xml version = "1.0" encoding="UTF-8" standalone="yes"?><a>&#232;</a>',
        b"\n <a>&#xE8;</a>",
        b"<a><![CDATA[\xc3\xa8]]></a>",
    ],
)
def test_text_is_what_is_written(document: bytes) -> None:
    assert parse_xml(document).text == "è"


def test_text_in_character_data_is_text_and_no_markup() -> None:
    assert parse_xml(b"<a>x<![CDATA[<b>&amp;]]>y &lt;&amp;</a>").text == "x<b>&amp;y <&"


@pytest.mark.parametrize(
    "document",
    [b"", b" ", b"text", b"\x00", b"<a>\x00</a>", b"<a/><b/>", b"<a>&x;</a>", b"<a:b/>", b"<a>]]>"],
)
def test_what_is_no_document_is_refused(document: bytes) -> None:
    assert refused(document) is RejectionCode.XML_INVALID


def test_detail_says_where_and_quotes_nothing() -> None:
    with pytest.raises(Rejected) as refusal:
        parse_xml(b"<a>\n<b>IT60X0542811101000000123456</c></a>")

    assert refusal.value.detail == "line 2, column 35"


@pytest.mark.parametrize("document", [b"<!DOCTYPE a><a/>", b'<!DOCTYPE a [<!ENTITY x "y">]><a/>'])
def test_document_type_is_refused_before_anything_reads_it(document: bytes) -> None:
    assert refused(document) is RejectionCode.XML_FORBIDDEN


def test_each_document_has_a_parser_of_its_own() -> None:
    """A parser keeps the names it has read: hostile documents would fill a shared one."""
    assert hardened_parser() is not hardened_parser()


@given(
    st.binary(max_size=60) | st.text(alphabet="<>/!?[]&;#x a='\"\n", max_size=60).map(str.encode)
)
def test_any_bytes_are_an_element_or_refused(document: bytes) -> None:
    try:
        root = parse_xml(document)
    except Rejected:
        return
    assert isinstance(root.tag, str)
