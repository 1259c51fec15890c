"""Sign ISO 20022 messages with XML signatures. Pure but for the randomness of ECDSA.

Two places: the last child of a `Document`, over the whole of it (enveloped); or `AppHdr/Sgntr` of a
business message, with three references: the header (URI "", less the signature), the document
(no URI at all), and the key info by its id. URI "" is the header itself, as if it were a document
of its own: that is how those who sign this way (sheet srtp.md A5(4)) read it.
"""

import hashlib
from base64 import b64encode
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.signer import XMLSigner

from simulator.pki import Identity, PrivateKey

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = DS + "enveloped-signature"
HEADER: Final = "urn:iso:std:iso:20022:tech:xsd:head.001.001.02"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_ECDSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_KEY_INFO_ID: Final = "key-info"


def sign_document(document: bytes, signer: Identity) -> bytes:
    """Return the document with an enveloped signature as the last child of its root."""
    method = (
        SignatureMethod.RSA_SHA256
        if isinstance(signer.key, rsa.RSAPrivateKey)
        else SignatureMethod.ECDSA_SHA256
    )
    xml_signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=method,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    root = _root(document)
    return _written(xml_signer.sign(root, key=signer.key, cert=list(signer.chain)))


def sign_business_message(message: bytes, signer: Identity) -> bytes:
    """Return the business message (`business_message`) with the signature in AppHdr/Sgntr."""
    root = _root(message)
    header, document = _only(root, "AppHdr"), _only(root, "Document")
    place = etree.SubElement(header, f"{{{HEADER}}}Sgntr")
    signature = etree.SubElement(place, _ds("Signature"), nsmap={"ds": DS})
    signed_info = etree.SubElement(signature, _ds("SignedInfo"))
    value = etree.SubElement(signature, _ds("SignatureValue"))
    key_info = _key_info(signature, signer)
    place.remove(signature)
    header_bytes = _canonical(header)
    place.append(signature)
    _child(signed_info, "CanonicalizationMethod", EXCLUSIVE)
    _child(signed_info, "SignatureMethod", _method(signer.key))
    _reference(signed_info, "", (ENVELOPED, EXCLUSIVE), header_bytes)
    _reference(signed_info, None, (EXCLUSIVE,), _canonical(document))
    _reference(signed_info, f"#{_KEY_INFO_ID}", (EXCLUSIVE,), _canonical(key_info))
    value.text = b64encode(_sign(signer.key, _canonical(signed_info))).decode()
    return _written(root)


def business_message(
    document: bytes, *, sender: str, receiver: str, identifier: str, created: str, definition: str
) -> bytes:
    """Return an unsigned business message: AppHdr (head.001.001.02) beside the document.

    `sender` and `receiver` are BICs, `definition` is the message's name (`pain.014.001.07`).
    """
    root = etree.Element("BizMsg")
    header = etree.SubElement(root, f"{{{HEADER}}}AppHdr", nsmap={None: HEADER})
    for side, bic in (("Fr", sender), ("To", receiver)):
        party = etree.SubElement(etree.SubElement(header, _head(side)), _head("FIId"))
        etree.SubElement(etree.SubElement(party, _head("FinInstnId")), _head("BICFI")).text = bic
    for name, text in (
        ("BizMsgIdr", identifier),
        ("MsgDefIdr", definition),
        ("CreDt", created),
    ):
        etree.SubElement(header, _head(name)).text = text
    root.append(_root(document))
    return _written(root)


def _reference(
    signed_info: etree._Element, uri: str | None, transforms: tuple[str, ...], covered: bytes
) -> None:
    reference = etree.SubElement(signed_info, _ds("Reference"))
    if uri is not None:
        reference.set("URI", uri)
    listed = etree.SubElement(reference, _ds("Transforms"))
    for transform in transforms:
        _child(listed, "Transform", transform)
    _child(reference, "DigestMethod", _SHA256)
    digest = b64encode(hashlib.sha256(covered).digest()).decode()
    etree.SubElement(reference, _ds("DigestValue")).text = digest


def _key_info(signature: etree._Element, signer: Identity) -> etree._Element:
    key_info = etree.SubElement(signature, _ds("KeyInfo"))
    key_info.set("Id", _KEY_INFO_ID)
    data = etree.SubElement(key_info, _ds("X509Data"))
    for certificate in signer.chain:
        der = certificate.public_bytes(Encoding.DER)
        etree.SubElement(data, _ds("X509Certificate")).text = b64encode(der).decode()
    return key_info


def _sign(key: PrivateKey, signed: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    # XMLDSig 6.4.3: r and s one after the other, each as long as the curve's order.
    length = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(length, "big") + s.to_bytes(length, "big")


def _method(key: PrivateKey) -> str:
    return _RSA_SHA256 if isinstance(key, rsa.RSAPrivateKey) else _ECDSA_SHA256


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def _root(document: bytes) -> etree._Element:
    # Our own documents, and yet nothing outside them is read.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(document, parser)


def _only(root: etree._Element, local_name: str) -> etree._Element:
    (found,) = (child for child in root if etree.QName(child).localname == local_name)
    return found


def _written(root: etree._Element) -> bytes:
    return _DECLARATION + etree.tostring(root, encoding="UTF-8")


def _child(parent: etree._Element, name: str, algorithm: str) -> None:
    etree.SubElement(parent, _ds(name)).set("Algorithm", algorithm)


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def _head(name: str) -> str:
    return f"{{{HEADER}}}{name}"
