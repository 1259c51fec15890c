"""Verify the XML signature inside a document, and return the bytes that it signs. Pure.

Two profiles, told apart by the root element:

- an ISO 20022 document that holds its signature as a child of its root: one reference to the whole
  document (`URI=""`), enveloped-signature, then exclusive canonicalisation;
- a business message, whose header holds it: see `xmldsig_business_message`.

The shape of the signature is judged first (`xml_signature`), then its certificate, and only then
does signxml compute anything.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, InvalidSignature, SignXMLException
from signxml.processor import logger as library_log
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from workers.verifier.certificates import Trust, check_certificate
from workers.verifier.iso_message import business_message, is_document
from workers.verifier.xml_algorithms import (
    DIGEST_ALGORITHMS,
    SIGNATURE_ALGORITHMS,
    public_key_for,
)
from workers.verifier.xml_document import hardened_parser, parse_xml, refuse_size
from workers.verifier.xml_key_info import signing_certificate
from workers.verifier.xml_signature import (
    ENVELOPED,
    EXCLUSIVE,
    SIGNATURE,
    XmlSignature,
    only_signature,
    read_signature,
)
from workers.verifier.xmldsig_business_message import signed_document

library_log.setLevel("WARNING")  # at DEBUG it writes the whole document: personal data

_METHODS: Final = frozenset(SignatureMethod(uri) for uri in SIGNATURE_ALGORITHMS)
_DIGESTS: Final = frozenset(DigestAlgorithm(uri) for uri in DIGEST_ALGORITHMS)
# All that signxml lets through of its own and of what it calls. ValueError is binascii.Error and
# UnicodeError too, LookupError is KeyError (an unknown curve) and IndexError; TypeError is what it
# makes of an empty element, NotImplementedError of a KeyValue beside RSASSA-PSS.
_LIBRARY_ERRORS: Final = (
    SignXMLException,
    etree.LxmlError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    NotImplementedError,
    UnsupportedAlgorithm,
)


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """The canonical bytes of the document that was signed, and who signed them.

    `key_id` is the SHA-256 of the certificate's DER in lower-case hexadecimal. `root` is what
    `body`, and nothing else, was parsed to, where it has been parsed.
    """

    body: bytes
    certificate: x509.Certificate
    key_id: str
    algorithm: str
    root: etree._Element | None = field(default=None, repr=False, compare=False)


def verify_document(document: bytes, trust: Trust, *, at: datetime) -> SignedDocument:
    """Return what the one signature in `document` signs: the whole ISO 20022 document.

    1. Parse it, refusing what two readers could read differently.
    2. Find the only signature, where its profile has it, and judge its shape.
    3. Find the certificate and check that it is trusted at `at`.
    4. Verify the signature with that certificate, and no other key.

    Raises:
        Rejected: `body_too_large`, `xml_*`, `signature_*`, `algorithm_forbidden`, `certificate_*`.
    """
    root = parse_xml(document)  # 1
    element = only_signature(root)  # 2
    message = None if is_document(root) else business_message(root)
    place = root if message is None else message.signer
    if element is root or element.getparent() is not place:
        raise Rejected(RejectionCode.SIGNATURE_MISPLACED, "ds:Signature is not where it must be")
    if message is None and not is_document(root):
        raise Rejected(RejectionCode.SIGNATURE_MISPLACED, "the root is no ISO 20022 document")
    signature = read_signature(element)
    certificate, chain = signing_certificate(signature.key_info, trust)  # 3
    key_id = check_certificate(certificate, chain, trust, at=at)
    if message is None:  # 4
        body, signed = _enveloped(document, root, signature, certificate, at=at)
    else:
        body, signed = signed_document(message, signature, certificate), None
    return SignedDocument(body, certificate, key_id, signature.algorithm.name, signed)


def _enveloped(
    document: bytes,
    root: etree._Element,
    signature: XmlSignature,
    certificate: x509.Certificate,
    *,
    at: datetime,
) -> tuple[bytes, etree._Element]:
    """Return the signed document's canonical bytes, and what signxml has parsed them to."""
    if [reference.uri for reference in signature.references] != [""]:
        raise Rejected(RejectionCode.SIGNATURE_MISPLACED, "not one Reference to the document")
    if signature.references[0].transforms != (ENVELOPED, EXCLUSIVE):
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "Transforms")
    public_key_for(signature.algorithm, certificate)
    try:
        # A verifier keeps configuration, parser and ids of a call: a new one for each.
        result = XMLVerifier().verify(
            document,
            x509_cert=certificate,
            validate_schema=False,  # read_signature has judged its shape, more strictly
            parser=hardened_parser(),
            uri_resolver=None,
            id_attribute="Id",
            expect_config=_configuration(certificate, at),
        )
    except (InvalidDigest, InvalidSignature):
        raise Rejected(
            RejectionCode.SIGNATURE_MISMATCH, "the document is not what was signed"
        ) from None
    except _LIBRARY_ERRORS:
        raise Rejected(RejectionCode.SIGNATURE_MALFORMED, "the signature cannot be read") from None
    # See what is signed: the element that we judged, without the signature, and nothing else.
    if isinstance(result, VerifyResult) and result.signed_xml is not None:
        signed = result.signed_xml
        if signed.tag == root.tag and next(signed.iter(SIGNATURE), None) is None:
            refuse_size(result.signed_data)  # the rest of it was judged as a part of `root`
            return result.signed_data, signed
    raise Rejected(RejectionCode.SIGNATURE_MISPLACED, "something else than the document")


def _configuration(certificate: x509.Certificate, at: datetime) -> SignatureConfiguration:
    """Return what signxml must demand; whether the certificate is valid at `at` has been judged.

    Within the tolerance for clocks, `at` may lie outside the certificate's life, and signxml
    knows no tolerance: the nearest instant of that life is as good.
    """
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return SignatureConfiguration(
        require_x509=True,
        location="./",
        expect_references=1,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        ignore_ambiguous_key_info=False,
        verification_time=min(max(at, begin), end),
        default_reference_c14n_method=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
