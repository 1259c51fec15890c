"""What an XML signature must be to be taken, and that nothing signed can change unnoticed."""

import logging
import random
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import CanonicalizationMethod
from signxml.signer import XMLSigner

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from tests.certificates import Issued, intermediate, issue, leaf, root
from tests.updates import NOON
from tests.xml_signing import (
    BANK,
    EC_BANK,
    MORE,
    MORE_2007,
    OTHER_BANK,
    PAIN,
    SHA256,
    Signed,
    canonical,
    key_value,
    report,
    trusting,
    x509_data,
)
from workers.verifier.certificates import Trust
from workers.verifier.xml_document import canonical as canonical_form
from workers.verifier.xml_document import parse_xml
from workers.verifier.xmldsig import SignedDocument, verify_document

EC_OTHER = leaf(None, "Bank F")
EC_521 = issue(None, "Bank D", key_type="ec-521")
TRUST = trusting(BANK, EC_BANK, EC_521)
REPORT = report()
METHODS = {
    **{f"{MORE}rsa-sha{size}": BANK for size in (256, 384, 512)},
    **{f"{MORE_2007}sha{size}-rsa-MGF1": BANK for size in (256, 384, 512)},
    **{f"{MORE}ecdsa-sha{size}": EC_BANK for size in (256, 384)},
    f"{MORE}ecdsa-sha512": EC_521,
}
DIGESTS = (
    SHA256,
    f"{MORE}sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
    *(f"{MORE_2007}sha3-{size}" for size in (256, 384, 512)),
)
DS11 = 'xmlns:d="http://www.w3.org/2009/xmldsig11#"'


def verified(document: bytes, trust: Trust = TRUST, seconds: float = 0) -> SignedDocument:
    return verify_document(document, trust, at=NOON + timedelta(seconds=seconds))


def refused(document: bytes, trust: Trust = TRUST, seconds: float = 0) -> RejectionCode:
    with pytest.raises(Rejected) as refusal:
        verified(document, trust, seconds)
    return refusal.value.code


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("digest", DIGESTS)
def test_document_is_verified_by_each_allowed_algorithm(method: str, digest: str) -> None:
    signed = Signed(signer=METHODS[method], method=method, digest=digest)

    for document in (signed.document(REPORT), signed.business_message(REPORT)):
        assert verified(document) == SignedDocument(
            body=canonical(REPORT),
            certificate=METHODS[method].certificate,
            key_id=METHODS[method].fingerprint,
            algorithm=method.partition("#")[2],
        )


def test_document_signed_by_another_library_is_verified() -> None:
    exclusive = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    pretty = report().replace("><", ">\n<")

    signed = XMLSigner(c14n_algorithm=exclusive).sign(
        etree.fromstring(pretty), key=BANK.key, cert=[BANK.certificate]
    )

    assert verified(etree.tostring(signed)).body == canonical(pretty)
    assert verified(etree.tostring(signed, encoding="utf-8", xml_declaration=True))


def test_only_signed_bytes_are_returned() -> None:
    document = (
        f'<?xml version="1.0" encoding="utf-8"?>\n{Signed().document(REPORT).decode()}\n\n'
    ).encode()

    assert verified(document).body == canonical(REPORT)


@pytest.mark.parametrize("order", [1, -1])
def test_business_message_is_verified_in_whichever_order(order: int) -> None:
    message = Signed().business_message(REPORT).decode()
    header, document = message[5:-6].split("</AppHdr>")
    parts = [f"{header}</AppHdr>", document][::order]

    assert verified(f"<Msg>\n{'  '.join(parts)}\n</Msg>".encode()).body == canonical(REPORT)


def pointers(bank: Issued) -> Iterator[tuple[str, str]]:
    """Yield the ways to point to a certificate without bringing it."""
    ski = x509.SubjectKeyIdentifier.from_public_key(bank.certificate.public_key()).digest
    yield "SKI", f"<ds:X509Data><ds:X509SKI>{b64encode(ski).decode()}</ds:X509SKI></ds:X509Data>"
    serial = (
        "<ds:X509IssuerSerial><ds:X509IssuerName>CN=any</ds:X509IssuerName><ds:X509SerialNumber>"
        f"{bank.certificate.serial_number}</ds:X509SerialNumber></ds:X509IssuerSerial>"
    )
    yield "serial", f"<ds:X509Data>{serial}</ds:X509Data>"
    digest = b64encode(sha256(bank.der).digest()).decode()
    by_digest = f'<d:X509Digest {DS11} Algorithm="{SHA256}">{digest}</d:X509Digest>'
    yield "digest", f"<ds:X509Data>{by_digest}</ds:X509Data>"
    yield "key value", key_value(bank)


@pytest.mark.parametrize("pointer", [pointer for pointer, _ in pointers(BANK)])
def test_pinned_certificate_is_found_by_what_key_info_says(pointer: str) -> None:
    key_info = dict(pointers(BANK))[pointer]
    document = Signed(key_info=key_info).document(REPORT)

    assert verified(document).key_id == BANK.fingerprint, pointer
    assert verified(Signed(key_info=key_info).business_message(REPORT)).certificate
    assert refused(document, trusting(EC_BANK)) is RejectionCode.CERTIFICATE_MISSING


def test_only_pinned_certificate_is_taken_where_nothing_is_said() -> None:
    for key_info in ("", "<ds:KeyName>any</ds:KeyName>"):
        document = Signed(key_info=key_info).document(REPORT)

        assert verified(document, trusting(BANK)).key_id == BANK.fingerprint
        assert refused(document) is RejectionCode.CERTIFICATE_MISSING


@pytest.mark.parametrize(("bank", "stranger"), [(BANK, OTHER_BANK), (EC_BANK, EC_OTHER)])
def test_all_that_key_info_says_must_fit_the_certificate(bank: Issued, stranger: Issued) -> None:
    method = f"{MORE}{'rsa' if bank is BANK else 'ecdsa'}-sha256"
    for own, other in zip(pointers(bank), pointers(stranger), strict=True):
        both = Signed(signer=bank, method=method, key_info=x509_data(bank) + own[1])
        contradiction = Signed(signer=bank, method=method, key_info=x509_data(bank) + other[1])

        assert verified(both.document(REPORT)).key_id == bank.fingerprint
        assert refused(contradiction.document(REPORT)) is RejectionCode.SIGNATURE_AMBIGUOUS


def test_longest_chain_has_a_limit() -> None:
    many = [intermediate(root(f"Root {number}"), f"CA {number}") for number in range(10)]

    code = refused(Signed(key_info=x509_data(BANK, *many)).document(REPORT))

    assert code is RejectionCode.CERTIFICATE_CHAIN_INVALID


@pytest.mark.parametrize("form", ["document", "business_message"])
def test_signature_by_ecdsa_has_one_spelling(form: str) -> None:
    """With zeros before its numbers it would still be right, and its bytes would be others."""
    signed = Signed(signer=EC_BANK, method=f"{MORE}ecdsa-sha256")
    good: bytes = getattr(signed, form)(REPORT)
    start, end = (good.index(tag) for tag in (b"<ds:SignatureValue>", b"</ds:SignatureValue>"))
    value = b64decode(good[start + 19 : end])
    padded = b64encode(b"\0" + value[:32] + b"\0" + value[32:])
    der = b64encode(encode_dss_signature(int.from_bytes(value[:32]), int.from_bytes(value[32:])))

    for other in (padded, der):
        changed = good[: start + 19] + other + good[end:]
        assert refused(changed) is RejectionCode.SIGNATURE_MISMATCH


def test_chain_leads_to_a_root_in_any_order_and_one_root_is_needed() -> None:
    top = root()
    middle = intermediate(top)
    bank = leaf(middle, "Bank E", key_type="rsa")
    for chain in ((bank, middle), (middle, bank), (top, bank, middle)):
        document = Signed(signer=bank, key_info=x509_data(*chain)).document(REPORT)

        assert verified(document, trusting(roots=[top])).key_id == bank.fingerprint
        assert refused(document) is RejectionCode.CERTIFICATE_UNTRUSTED


def test_tolerance_for_clocks_holds_at_both_ends_of_the_certificate() -> None:
    """signxml knows no tolerance, and would refuse what has been judged valid."""
    year = timedelta(days=365).total_seconds()
    document = Signed().document(REPORT)

    assert verified(document, seconds=year + 59)
    assert verified(document, seconds=-year - 59)
    assert refused(document, seconds=year + 61) is RejectionCode.CERTIFICATE_EXPIRED
    assert refused(document, seconds=-year - 61) is RejectionCode.CERTIFICATE_NOT_YET_VALID


def test_certificate_that_is_none_is_refused() -> None:
    junk = "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>"

    code = refused(Signed(key_info=junk).document(REPORT))

    assert code is RejectionCode.CERTIFICATE_MALFORMED


def test_nothing_of_the_document_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        verified(Signed().document(REPORT))

    assert "ACCP" not in caplog.text


def test_one_call_leaves_nothing_to_the_next() -> None:
    good, evil = Signed().document(REPORT), Signed(signer=OTHER_BANK).document(REPORT)

    for _ in range(2):
        assert refused(evil) is RejectionCode.CERTIFICATE_UNTRUSTED
        assert verified(good)


@pytest.mark.parametrize("form", ["document", "business_message"])
def test_no_byte_can_be_flipped(form: str) -> None:
    """Every byte of these stands inside the root element, and has a meaning there."""
    document = getattr(Signed(), form)(REPORT)
    bits = random.Random(4)  # noqa: S311 - the same bits in every run

    for position in range(len(document)):
        flipped = bytearray(document)
        flipped[position] ^= 1 << bits.randrange(8)

        with pytest.raises(Rejected):
            verified(bytes(flipped))


@given(st.data())
def test_changed_document_is_refused_or_says_the_same(data: st.DataObject) -> None:
    """White space inside tags and outside the root is not signed, and changes nothing."""
    document = Signed().document(REPORT)
    position = data.draw(st.integers(0, len(document)))
    cut = data.draw(st.integers(0, 40))
    put = data.draw(st.binary(max_size=8) | st.sampled_from(PIECES))

    try:
        signed = verified(document[:position] + put + document[position + cut :])
    except Rejected:
        return
    assert (signed.body, signed.key_id) == (canonical(REPORT), BANK.fingerprint)


PIECES = (
    b"<!-- -->",
    b"<?x?>",
    b"<![CDATA[]]>",
    b"&#10;",
    b" ",
    b"\n",
    b'<a xmlns="">',
    b' Id="x"',
    b"<ds:Object/>",
    b' xmlns:ds="urn:x"',
    b"</ds:Signature>",
    b"<ds:KeyInfo/>",
    b"<ds:X509Data/>",
    b"<ds:KeyValue/>",
    b"]]>",
)


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_are_refused(document: bytes) -> None:
    refused(document)


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "P", "Zs")), max_size=20))
def test_canonical_form_does_not_depend_on_the_place(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    inner = f'<b xmlns="urn:b" xmlns:c="urn:c" c:d="&#13;&#10;"><a:e xmlns=""/>{escaped}</b>'
    around = parse_xml(f'<a:r xmlns:a="{PAIN}" xmlns="urn:r">x{inner}y</a:r>'.encode())

    alone = etree.fromstring(etree.tostring(around[0], with_tail=False))

    assert canonical_form(around[0]) == canonical_form(alone)
