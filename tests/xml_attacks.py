"""Attacks on XML signatures: each a document, and the code that must refuse it.

The wrapping attacks are the eight forms of "On Breaking SAML: Be Whoever You Want to Be" (USENIX
Security 2012), with a signed report where SAML has a signed assertion: the signature stays right
for something, and the reader is led to something else.
"""

from collections.abc import Iterator
from typing import Final

from contracts.codes import RejectionCode
from tests.xml_signing import (
    BANK,
    DS,
    EC_BANK,
    ENVELOPED,
    EXCLUSIVE,
    INCLUSIVE,
    MORE,
    MORE_2007,
    OTHER_BANK,
    PAIN,
    SHA256,
    STRANGER,
    Signed,
    canonical,
    key_value,
    report,
    x509_data,
)

GOOD: Final = Signed().document(report()).decode()
SIGNATURE: Final = GOOD[GOOD.index("<ds:Signature ") : GOOD.index("</Document>")]
EVIL: Final = report("RJCT")
SHA1: Final = f"{DS}sha1"
Attack = tuple[str, RejectionCode, bytes]


def attacks() -> Iterator[Attack]:
    """Yield the name of each attack, the code that refuses it, and the document."""
    families = (
        (RejectionCode.SIGNATURE_MISPLACED, _misplaced()),
        (RejectionCode.SIGNATURE_AMBIGUOUS, _ambiguous()),
        (RejectionCode.SIGNATURE_MISMATCH, _mismatched()),
        (RejectionCode.ALGORITHM_FORBIDDEN, _forbidden_algorithms()),
        (RejectionCode.SIGNATURE_MALFORMED, _malformed()),
        (RejectionCode.XML_FORBIDDEN, _forbidden_xml()),
        (RejectionCode.XML_INVALID, _disguised()),
    )
    for code, family in families:
        for name, text in family:
            yield name, code, text.encode() if isinstance(text, str) else text
    untrusted = Signed(signer=STRANGER)
    yield "stranger", RejectionCode.CERTIFICATE_UNTRUSTED, untrusted.document(report())
    yield "stripped", RejectionCode.SIGNATURE_MISSING, report().encode()
    foreign = GOOD.replace(DS, DS.replace("2000/09", "2000/10"))
    yield "foreign-ds", RejectionCode.SIGNATURE_MISSING, foreign.encode()
    huge = GOOD.replace("ACCP", "A" * 10_485_760)
    yield "text-10-mib", RejectionCode.BODY_TOO_LARGE, huge.encode()
    long = GOOD.replace("ACCP", "A" * 2_097_152)
    yield "text-2-mib", RejectionCode.XML_TOO_DEEP, long.encode()


def _misplaced() -> Iterator[tuple[str, str | bytes]]:
    evil_end = EVIL.rindex("</Document>")
    original = report()
    in_object = SIGNATURE.replace(
        "</ds:Signature>", f"<ds:Object>{original}</ds:Object></ds:Signature>"
    )
    yield "wrapping-1-original-in-object-of-signature", EVIL[:evil_end] + in_object + "</Document>"
    yield "wrapping-2-envelope-evil-first", f"<Messages>{EVIL}{GOOD}</Messages>"
    yield "wrapping-3-envelope-evil-last", f"<Messages>{GOOD}{EVIL}</Messages>"
    yield "wrapping-4-original-below-evil", _below(EVIL, "</CdtrPmtActvtnReqStsRpt>", GOOD)
    yield "wrapping-5-original-after-evil-content", _below(EVIL, "</Document>", GOOD)
    extension = f"<SplmtryData><Envlp>{GOOD}</Envlp></SplmtryData>"
    yield "wrapping-6-original-in-envelope", _below(EVIL, "</CdtrPmtActvtnReqStsRpt>", extension)
    yield "signature-below-content", report(extra=SIGNATURE)
    yield "root-is-signature", in_object
    yield "signed-root-is-no-message", Signed().document(original.replace("tech:xsd", "tech"))
    yield "detached-object", Signed(added=f"<ds:Object>{EVIL}</ds:Object>").document(original)
    by_id = original.replace("<CdtrPmtActvtnReqStsRpt>", '<CdtrPmtActvtnReqStsRpt Id="r">')
    part = by_id[by_id.index("<CdtrPmt") : by_id.index("</Document>")]
    covered = canonical(part.replace("Rpt ", f'Rpt xmlns="{PAIN}" ', 1))
    yield "reference-to-a-part", Signed(uri="#r").document(by_id, covered=covered)
    for name, uri in {"no-uri": None, "xpointer": "#xpointer(/)", "file": "file:///x"}.items():
        yield f"reference-{name}", Signed(uri=uri).document(original)
    message = Signed().business_message(original).decode()
    yield "message-unsigned-sibling", message.replace("</Msg>", f"{EVIL}</Msg>")
    yield "message-document-wrapped", message.replace(original, f"<X>{original}</X>")
    yield "message-signature-in-document", _moved(message)
    yield "message-other-sibling", message.replace("</Msg>", "<X/></Msg>")
    for part_name in ("header", "document", "key"):
        doubled = Signed().business_message(original, repeated=part_name)
        yield f"message-with-two-references-to-{part_name}", doubled
        unsigned = Signed().business_message(original, omitted=part_name)
        yield f"message-without-reference-to-{part_name}", unsigned
    yield "message-two-signers", message.replace("</Sgntr>", "</Sgntr><Sgntr/>")


def _ambiguous() -> Iterator[tuple[str, str | bytes]]:
    yield "second-signature", GOOD.replace(SIGNATURE, SIGNATURE * 2)
    both = SIGNATURE.replace("</ds:Signature>", f"<ds:Object>{GOOD}</ds:Object></ds:Signature>")
    yield "wrapping-7-signed-original-in-object", _below(EVIL, "</Document>", both)
    yield "wrapping-8-signature-copied-to-evil", _below(EVIL, "</Document>", SIGNATURE + GOOD)
    ids = report().replace("<GrpHdr>", '<GrpHdr Id="a">').replace("<Amt>", '<Amt ID="a">')
    yield "duplicate-id", Signed().document(ids)
    message = Signed().business_message(report().replace("<Amt>", '<Amt id="k">'))
    yield "message-duplicate-id-of-key", message
    yield "key-value-of-the-attacker", _with_key_info(key_value(STRANGER) + x509_data(BANK))
    yield "two-certificates-of-no-chain", _with_key_info(x509_data(BANK, STRANGER))
    serial = (
        "<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=x</ds:X509IssuerName>"
        "<ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>"
    )
    yield "serial-of-another-certificate", _with_key_info(x509_data(BANK) + serial)


def _mismatched() -> Iterator[tuple[str, str | bytes]]:
    yield "value-changed", GOOD.replace("ACCP", "RJCT")
    yield "certificate-of-another-bank", GOOD.replace(x509_data(BANK), x509_data(OTHER_BANK))
    forged = Signed(signer=STRANGER, key_info=x509_data(BANK))
    yield "key-of-the-attacker", forged.document(report())
    yield "unsigned-sibling", GOOD.replace("</CdtrPmt", "<SplmtryData/></CdtrPmt")
    yield "default-namespace-changed", GOOD.replace(PAIN, PAIN.replace(".07", ".08"))
    prefixed = GOOD.replace("<Amt>", '<p:Amt xmlns:p="urn:other">').replace("</Amt>", "</p:Amt>")
    yield "prefix-of-another-namespace", prefixed
    undeclared = GOOD.replace("<TxSts>", '<TxSts xmlns="">')
    yield "namespace-undeclared", undeclared
    yield "whitespace-added", GOOD.replace("<GrpHdr>", "<GrpHdr> ")
    message = Signed().business_message(report()).decode()
    yield "message-document-changed", message.replace("ACCP", "RJCT")
    yield "message-header-changed", message.replace("UNCRITMM<", "EVILITMM<")
    yield "message-header-whitespace", message.replace("<Sgntr>\n  ", "<Sgntr>")
    yield "message-key-changed", message.replace("</ds:X509Data>", " </ds:X509Data>")


def _forbidden_algorithms() -> Iterator[tuple[str, str | bytes]]:
    original = report()
    xpath = "http://www.w3.org/TR/1999/REC-xpath-19991116"
    condition = "<ds:XPath>not(ancestor-or-self::*[local-name()='TxSts'])</ds:XPath>"
    covered = canonical(original)
    for name, transforms in {
        "xpath": (ENVELOPED, xpath, EXCLUSIVE),
        "xslt": (ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116", EXCLUSIVE),
        "base64": (ENVELOPED, f"{DS}base64", EXCLUSIVE),
        "inclusive": (ENVELOPED, INCLUSIVE),
        "with-comments": (ENVELOPED, f"{EXCLUSIVE}WithComments"),
        "none-but-enveloped": (ENVELOPED,),
        "exclusive-twice": (ENVELOPED, EXCLUSIVE, EXCLUSIVE),
        "without-enveloped": (EXCLUSIVE,),
    }.items():
        yield f"transform-{name}", Signed(transforms=transforms).document(original, covered=covered)
    yield "transform-parameter", Signed(inside=condition).document(original, covered=covered)
    prefixes = f'<i:InclusiveNamespaces xmlns:i="{EXCLUSIVE}" PrefixList="ds"/>'
    yield "transform-inclusive-prefixes", Signed(inside=prefixes).document(original)
    for name, method in {"": INCLUSIVE, "-comments": f"{EXCLUSIVE}WithComments"}.items():
        yield f"c14n-swapped{name}", Signed(canonicalization=method).document(original)
    length = "<ds:HMACOutputLength>8</ds:HMACOutputLength>"
    yield "hmac-truncated", Signed(method=f"{MORE}hmac-sha256", parameter=length).document(original)
    yield "hmac-with-the-public-key", Signed(method=f"{MORE}hmac-sha256").document(original)
    yield "hmac-length-beside-rsa", Signed(parameter=length).document(original)
    for method in (f"{DS}rsa-sha1", f"{MORE}rsa-sha224", f"{MORE_2007}sha1-rsa-MGF1", "none"):
        yield f"method-{method.rpartition('#')[2]}", Signed(method=method).document(original)
    for digest in (SHA1, f"{MORE}sha224", f"{MORE}md5"):
        yield f"digest-{digest.rpartition('#')[2]}", Signed(digest=digest).document(original)
    yield "method-for-another-key", Signed(signer=EC_BANK).document(original)
    message = Signed().business_message(original).decode()
    yield "message-transform", Signed(transforms=(EXCLUSIVE,)).business_message(original)
    yield "message-digest-sha1", message.replace(SHA256, SHA1)


def _malformed() -> Iterator[tuple[str, str | bytes]]:
    start, end = "<ds:SignatureValue>", "</ds:SignatureValue>"
    for name, junk in {"dash": "-", "nul-like": "&#x100;", "text": "!junk!", "pad": "="}.items():
        yield f"signature-value-{name}", GOOD.replace(end, junk + end)
    value = GOOD[GOOD.index(start) + len(start) : GOOD.index(end)]
    yield "signature-value-empty", GOOD.replace(value, "")
    yield "signature-value-left-over-bits", GOOD.replace(value, "AB==")
    yield "signature-value-split", GOOD.replace(start, f"{start}<ds:X/>")
    yield "digest-value-junk", GOOD.replace("</ds:DigestValue>", "*</ds:DigestValue>")
    yield "retrieval-method", _with_key_info('<ds:RetrievalMethod URI="http://x.example/"/>')
    yield "key-of-pgp", _with_key_info("<ds:PGPData/>" + x509_data(BANK))
    yield "text-in-signed-info", GOOD.replace("<ds:Reference ", "x<ds:Reference ")
    yield "reference-type", GOOD.replace('URI=""', 'URI="" Type="urn:x"')
    without = SIGNATURE.replace("<ds:SignatureValue>", "<ds:X>").replace(end, "</ds:X>")
    yield "no-signature-value", GOOD.replace(SIGNATURE, without)


def _forbidden_xml() -> Iterator[tuple[str, str | bytes]]:
    yield "comment-split", GOOD.replace("ACCP", "AC<!-- -->CP")
    yield "comment-after-root", GOOD + "<!-- -->"
    yield "instruction-split", GOOD.replace("ACCP", "AC<?x y?>CP")
    yield "instruction-before-root", "<?x y?>" + GOOD
    bomb = '<!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa">'
    for number in range(1, 10):
        last = chr(ord("a") + number - 1)
        bomb += f'<!ENTITY {chr(ord("a") + number)} "{f"&{last};" * 10}">'
    yield "entity-bomb", f"{bomb}]>" + GOOD.replace("ACCP", "&j;")
    yield "entity-bomb-in-attribute", f"{bomb}]>" + GOOD.replace("EUR", "&j;")
    outside = '<!DOCTYPE Document SYSTEM "file:///etc/passwd">'
    yield "external-dtd", outside + GOOD
    entity = '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    yield "external-entity", entity + GOOD.replace("ACCP", "&x;")
    include = '<x:include xmlns:x="http://www.w3.org/2001/XIn&#99;lude" href="/etc/passwd"/>'
    yield "xinclude", Signed().document(report(extra=include))


def _disguised() -> Iterator[tuple[str, str | bytes]]:
    declared = '<?xml version="1.0" encoding="{}"?>'.format
    yield "utf-16", GOOD.encode("utf-16")
    yield "utf-16-without-mark", GOOD.encode("utf-16-be")
    yield "utf-8-mark", b"\xef\xbb\xbf" + GOOD.encode()
    yield "utf-7", GOOD.replace("<", "+ADw-").encode()
    yield "utf-7-declared", declared("UTF-7") + GOOD.replace("ACCP", "+AEE-CCP")
    yield "latin-1-declared", declared("ISO-8859-1") + GOOD
    yield "xml-1.1", '<?xml version="1.1"?>' + GOOD
    yield "not-utf-8", GOOD.encode().replace(b"ACCP", b"AC\xc3\x28")
    yield "overlong", GOOD.encode().replace(b"ACCP", b"AC\xc0\xbcP")
    yield "undeclared-entity", GOOD.replace("ACCP", "&accp;")
    yield "truncated", GOOD[:-5]
    relative = '<ds:SignedInfo xmlns:p="relative" p:x="">'
    yield "relative-namespace", GOOD.replace("<ds:SignedInfo>", relative)


def _below(text: str, end: str, added: str) -> str:
    place = text.rindex(end)
    return text[:place] + added + text[place:]


def _with_key_info(content: str) -> bytes:
    return Signed(key_info=content).document(report())


def _moved(message: str) -> str:
    start = message.index("<ds:Signature ")
    end = message.index("</ds:Signature>") + len("</ds:Signature>")
    signature = message[start:end]
    return _below(message.replace(signature, ""), "</Document>", signature)
