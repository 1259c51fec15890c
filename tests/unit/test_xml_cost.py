"""What a stranger's document may cost before anybody has vouched for it: no more than its size."""

import time
from collections.abc import Callable

import pytest

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from tests.updates import NOON
from tests.xml_signing import BANK, Signed, report, trusting
from workers.verifier.xml_document import (
    NAMESPACE_BYTES_MAX,
    NAMESPACES_MAX,
    PREFIX_BYTES_MAX,
    TEXT_CHARACTERS_MAX,
    canonical,
    parse_xml,
)
from workers.verifier.xml_signature import SIGNED_INFO_ELEMENTS_MAX
from workers.verifier.xmldsig import verify_document

TRUST = trusting(BANK)
GOOD = Signed().document(report()).decode()
# A hundred times what the slowest of these takes; without its bound each took a minute or more.
CPU_SECONDS_MAX = 10.0


def cpu_seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def refused(document: str) -> RejectionCode:
    with pytest.raises(Rejected) as refusal:
        verify_document(document.encode(), TRUST, at=NOON)
    return refusal.value.code


def declaring(uri: str, *, prefix: str = "p", signed_info: str = "") -> str:
    """Return the report with a namespace declared at its root, and more in its SignedInfo."""
    declared = GOOD.replace("<Document ", f'<Document xmlns:{prefix}="{uri}" ', 1)
    return declared.replace("<ds:SignedInfo>", f"<ds:SignedInfo>{signed_info}")


def test_namespace_that_the_canonical_form_would_repeat_is_refused() -> None:
    """200 kB of it became 2 GB of canonical SignedInfo, before any certificate was looked at."""
    document = declaring("urn:" + "u" * 100_000, signed_info="<p:a/>" * 16_000)

    assert refused(document) is RejectionCode.XML_TOO_DEEP


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("space", ["", " ", "\r\n\t "])
def test_longest_namespace_is_taken_and_a_longer_one_is_not(quote: str, space: str) -> None:
    def document(prefix: str, length: int) -> bytes:
        uri = "u:".ljust(length, "u")
        return f"<a xmlns{prefix}{space}={space}{quote}{uri}{quote}/>".encode()

    for prefix in ("", ":p", f":{'p' * PREFIX_BYTES_MAX}"):
        assert str(parse_xml(document(prefix, NAMESPACE_BYTES_MAX)).tag).endswith("a")
        with pytest.raises(Rejected, match="xml_too_deep: byte 3: a namespace too long"):
            parse_xml(document(prefix, NAMESPACE_BYTES_MAX + 1))
    with pytest.raises(Rejected, match="xml_too_deep: byte 3: a namespace too long"):
        parse_xml(document(f":{'p' * (PREFIX_BYTES_MAX + 1)}", 2))


@pytest.mark.parametrize(
    "text",
    [
        b"xmlns:" * 4_000,
        b"xmlns" + b" " * 4_000_000,
        (b"xmlns" + b" " * 1_900) * 4_000,
        (b"xmlns='\"" + b"a" * 200) * 4_000,
        b"xmlns:" * 4_000 + b"x" * 4_000_000,
    ],
    ids=["prefixes", "space", "spaces", "quotes", "tail"],
)
def test_search_for_a_long_namespace_reads_no_stretch_twice(text: bytes) -> None:
    def parsed() -> None:
        with pytest.raises(Rejected):
            parse_xml(b"<a>" + text + b"</a></b>")

    assert text.count(b"xmlns") <= NAMESPACES_MAX
    assert cpu_seconds(parsed) < CPU_SECONDS_MAX


def test_signed_info_with_more_than_three_references_need_is_not_made_canonical() -> None:
    own = 8  # elements of a SignedInfo with one reference, itself not counted
    most = "<ds:X/>" * (SIGNED_INFO_ELEMENTS_MAX - own)

    with pytest.raises(Rejected, match="SignedInfo has other children than it must"):
        verify_document(declaring("u:", signed_info=most).encode(), TRUST, at=NOON)
    with pytest.raises(Rejected, match=f"SignedInfo has more than {SIGNED_INFO_ELEMENTS_MAX} elem"):
        verify_document(declaring("u:", signed_info=f"{most}<ds:X/>").encode(), TRUST, at=NOON)


def test_canonical_form_of_the_widest_document_is_bounded() -> None:
    """What is left of the repetition: each element of 250 kB declares the longest namespace."""
    uri = "u:".ljust(NAMESPACE_BYTES_MAX, "u")
    body = "<p:a/>" * 40_000

    form = canonical(parse_xml(f'<r xmlns:p="{uri}">{body}</r>'.encode()))

    assert len(form) < 16_000_000


def test_many_texts_and_many_attributes_are_not_multiplied() -> None:
    """Both sets in one expression took a minute for 1.8 MB."""
    attributes = "".join(f' {name}=""' for name in "abcdefghijklmnop")
    document = f"<r>{f'<a{attributes}>x</a>' * 20_000}</r>".encode()

    assert len(document) > TEXT_CHARACTERS_MAX
    assert cpu_seconds(lambda: parse_xml(document)) < CPU_SECONDS_MAX
