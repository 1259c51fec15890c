"""What is remembered of signatures seen before changes no answer: each is read as if the first."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.provider import Form
from tests.signed_bytes import signed
from tests.updates import NOON
from tests.xml_signing import BANK, EC_BANK, OTHER_BANK, Signed, report, trusting, x509_data
from workers.verifier.decode_xml import SignedXml, decode_xml
from workers.verifier.xml_document import NAMESPACES_MAX, canonical, parse_xml
from workers.verifier.xml_signature import XmlSignature, only_signature, read_signature
from workers.verifier.xmldsig import verify_document

Spelling = Callable[[bytes], str]
TRUST = trusting(BANK, EC_BANK, OTHER_BANK)
GOOD = Signed().document(report()).decode()
FIRST, SECOND = bytes(range(32)), bytes(range(64, 128))


def read(document: str) -> XmlSignature:
    return read_signature(only_signature(parse_xml(document.encode())))


def refused(document: str) -> RejectionCode:
    with pytest.raises(Rejected) as refusal:
        verify_document(document.encode(), TRUST, at=NOON)
    return refusal.value.code


def with_digests(*elements: str) -> str:
    """Return the good document with a Reference for each of these DigestValues."""
    begin, _, rest = GOOD.partition("<ds:Reference")
    reference, _, end = rest.partition("</ds:SignedInfo>")
    before, _, behind = reference.partition("<ds:DigestValue>")
    after = behind.partition("</ds:DigestValue>")[2]
    references = "".join(f"<ds:Reference{before}{one}{after}" for one in elements)
    return f"{begin}{references}</ds:SignedInfo>{end}"


def element(text: str) -> str:
    return f"<ds:DigestValue>{text}</ds:DigestValue>"


def plain(digest: bytes) -> str:
    return b64encode(digest).decode()


def wrapped(by: str) -> Spelling:
    return lambda digest: f"{by}{plain(digest)[:30]}{by}{plain(digest)[30:]}{by}"


def referred(digest: bytes) -> str:
    return f"&#{ord(plain(digest)[0])};{plain(digest)[1:]}"


@pytest.mark.parametrize(
    "spellings",
    [
        (plain, plain),
        (wrapped("\n"), wrapped(" \t")),
        (wrapped("&#13;"), wrapped("&#13;")),
        (wrapped("&#13;"), plain),
        (plain, wrapped("&#13;")),
        (wrapped("<![CDATA[]]>"), referred),
    ],
    ids=["plain", "wrapped", "returns", "returns first", "returns last", "cdata"],
)
def test_each_signature_has_the_digests_that_it_says_itself(
    spellings: tuple[Spelling, Spelling],
) -> None:
    for digests in ((FIRST, SECOND), (SECOND, FIRST), (FIRST, FIRST), (FIRST, SECOND)):
        written = (element(spell(one)) for spell, one in zip(spellings, digests, strict=True))

        signature = read(with_digests(*written))

        assert tuple(one.digest for one in signature.references) == digests


@pytest.mark.parametrize(
    "bad",
    [
        element(""),
        element(" \n"),
        element("AAA"),
        element("AAB="),
        element("AA=A"),
        element("AAAA====") + element("AAAA"),
        element("AAAA") + "AAAA",
        element("<ds:DigestValue>AAAA</ds:DigestValue>"),
        '<ds:DigestValue Id="a">AAAA</ds:DigestValue>',
        "<ds:OtherDigestValue>AAAA</ds:OtherDigestValue>",
        '<o:DigestValue xmlns:o="urn:o">AAAA</o:DigestValue>',
        "<DigestValue>AAAA</DigestValue>",
    ],
)
def test_digest_in_a_form_that_is_refused_is_refused_after_one_that_is_not(bad: str) -> None:
    for good in (plain(FIRST), "AAAA"):
        read(with_digests(element(good)))

        assert refused(with_digests(bad)) is RejectionCode.SIGNATURE_MALFORMED
        assert refused(with_digests(bad)) is RejectionCode.SIGNATURE_MALFORMED
        assert refused(with_digests(element(good), bad)) is RejectionCode.SIGNATURE_MALFORMED


def test_form_too_long_to_be_remembered_is_read() -> None:
    for digest in (FIRST, SECOND):
        long = with_digests(element(plain(digest))).replace('URI=""', f'URI="#{"a" * 5_000}"')

        assert [one.digest for one in read(long).references] == [digest]


def test_signature_with_space_behind_its_digest_is_read() -> None:
    pretty = with_digests(f"{element(plain(FIRST))}\n  ", f"\n{element(plain(SECOND))}\n")

    assert [one.digest for one in read(pretty).references] == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("<ds:X509Certificate>", '<ds:X509Certificate Id="a">'),
        ("<ds:X509Certificate>", "<ds:X509Certificate><ds:KeyName/>"),
        ("<ds:X509Data>", "<ds:X509Data><ds:X509CRL>AAAA</ds:X509CRL>"),
        ("<ds:X509Data>", "<ds:X509Data><ds:X509SKI>AAAA</ds:X509SKI>"),
    ],
)
def test_known_certificate_in_another_key_info_is_judged_with_it(good: str, bad: str) -> None:
    verify_document(GOOD.encode(), TRUST, at=NOON)

    assert refused(GOOD.replace(good, bad, 1)) in {
        RejectionCode.SIGNATURE_MALFORMED,
        RejectionCode.SIGNATURE_AMBIGUOUS,
    }


def test_known_chain_is_one_set_of_certificates_and_no_other() -> None:
    both = replace(Signed(), key_info=x509_data(BANK, OTHER_BANK)).document(report()).decode()
    verify_document(GOOD.encode(), TRUST, at=NOON)

    assert refused(both) is RejectionCode.SIGNATURE_AMBIGUOUS
    assert refused(both) is RejectionCode.SIGNATURE_AMBIGUOUS


@pytest.mark.parametrize("extra", ["", "<a>&#13;&lt;&amp;&quot;</a>", "<a><![CDATA[<b/>]]></a>"])
def test_document_is_decoded_to_what_its_signed_bytes_decode_to(extra: str) -> None:
    found = verify_document(Signed().document(report(extra=extra)), TRUST, at=NOON)
    proven = signed(found.body, Form.XML)
    parts = {one.name: getattr(proven, one.name) for one in fields(proven)}

    assert found.root is not None
    assert canonical(found.root) == found.body

    from_bytes = decode_xml(proven)
    from_tree = decode_xml(SignedXml(**parts, root=found.root))

    assert from_tree.members == from_bytes.members
    assert from_tree.document == from_bytes.document


def test_signed_document_whose_canonical_form_declares_too_much_is_refused() -> None:
    """One declaration becomes one for each element that uses it."""
    for number, code in ((NAMESPACES_MAX - 1, None), (NAMESPACES_MAX, RejectionCode.XML_TOO_DEEP)):
        unsigned = report(extra="<p:a/>" * number).replace("<Document", '<Document xmlns:p="urn:p"')
        document = Signed().document(unsigned).decode()

        if code is None:
            verify_document(document.encode(), TRUST, at=NOON)
        else:
            assert refused(document) is code
