"""Verify the signature of an ISO 20022 business message: header, document and key. Pure.

The signature stands in AppHdr/Sgntr and has exactly three references, in any order:

- `URI=""` is the AppHdr, digested as if it were a document of its own, without the ds:Signature
  (enveloped-signature, then exclusive canonicalisation);
- no URI at all is the Document beside it (exclusive canonicalisation);
- `URI="#…"` is the ds:KeyInfo with that Id (exclusive canonicalisation).

So resolve the two readers whose source is public: XmlSignBAHResolver of Mastercard's
xmlsignverify-core-java (docs/MessageSigningFlow.md) and IsoUriDereferencer of swift-xml-signing.
XML Signature itself leaves a missing URI to the application (xmldsig-core1 §4.4.3.1) and would have
`URI=""` mean the whole file; signxml takes no reference without URI, hence this module.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Final

from cryptography import x509
from lxml import etree

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from workers.verifier.iso_message import BusinessMessage
from workers.verifier.xml_algorithms import digest, verify_value
from workers.verifier.xml_document import canonical
from workers.verifier.xml_signature import (
    ENVELOPED,
    EXCLUSIVE,
    SIGNATURE,
    Reference,
    XmlSignature,
)

_HEADER_TRANSFORMS: Final = (ENVELOPED, EXCLUSIVE)
_OTHER_TRANSFORMS: Final = (EXCLUSIVE,)


def signed_document(
    message: BusinessMessage, signature: XmlSignature, certificate: x509.Certificate
) -> bytes:
    """Return the canonical bytes of the message's Document, which `certificate` has signed.

    1. The key signed the canonical SignedInfo, from which the references were read.
    2. Each reference is to its part, with its transforms, and no part is without one.
    3. Each part has the digest that its reference says.

    Raises:
        Rejected: `signature_mismatch`, `signature_misplaced`, `algorithm_forbidden`.
    """
    verify_value(  # 1
        signature.algorithm, certificate, value=signature.value, signed=signature.signed_info
    )
    parts = _parts(message, signature)
    references = {reference.uri: reference for reference in signature.references}  # 2
    if references.keys() != parts.keys() or len(references) != len(signature.references):
        raise Rejected(
            RejectionCode.SIGNATURE_MISPLACED, "not one Reference to each of the three parts"
        )
    for uri, content in parts.items():
        _check(references[uri], content)
    return parts[None]


def _parts(message: BusinessMessage, signature: XmlSignature) -> Mapping[str | None, bytes]:
    key_info = signature.key_info
    if key_info is None or not key_info.get("Id"):
        raise Rejected(RejectionCode.SIGNATURE_MISPLACED, "no KeyInfo with an Id")
    return {
        "": canonical(_without_signature(message.header)),
        None: canonical(message.document),
        f"#{key_info.get('Id')}": canonical(key_info),
    }


def _without_signature(header: etree._Element) -> etree._Element:
    copy = deepcopy(header)
    for signature in list(copy.iter(SIGNATURE)):
        signer = signature.getparent()
        if signer is not None:
            # lxml removes the text behind an element with it; the transform leaves it.
            signer.text = (signer.text or "") + (signature.tail or "")
            signer.remove(signature)
    return copy


def _check(reference: Reference, content: bytes) -> None:
    expected = _HEADER_TRANSFORMS if reference.uri == "" else _OTHER_TRANSFORMS
    if reference.transforms != expected:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "Transforms")  # 2
    if digest(reference.digest_algorithm, content) != reference.digest:
        raise Rejected(RejectionCode.SIGNATURE_MISMATCH, "a part is not what was signed")  # 3
