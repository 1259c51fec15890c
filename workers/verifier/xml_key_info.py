"""Find the certificate that a ds:KeyInfo means. Pure.

Whether it is trusted is judged elsewhere. A KeyInfo is not signed, so it only points: all that it
says of the certificate must be true of the one that is taken, for of two keys another reader might
take the other one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from workers.verifier.certificates import CHAIN_BYTES_MAX, Trust, read_certificate
from workers.verifier.xml_algorithms import DIGEST_ALGORITHMS
from workers.verifier.xml_signature import DS, base64_binary, parts, plain_text, strict_base64

CERTIFICATES_MAX: Final = 10  # the longest chain that the EPC's profile verifies
# Signers are hundreds at most; at CHAIN_BYTES_MAX of text, hostile ones make this 16 MiB.
_CHAINS_MAX: Final = 256

_DS11: Final = "{http://www.w3.org/2009/xmldsig11#}"
_SERIAL: Final = re.compile(r"[0-9]{1,49}")  # RFC 5280 §4.1.2.2: at most 20 octets
_CURVES: Final = {
    "urn:oid:1.2.840.10045.3.1.7": "secp256r1",
    "urn:oid:1.3.132.0.34": "secp384r1",
    "urn:oid:1.3.132.0.35": "secp521r1",
}

Fits = Callable[[x509.Certificate], bool]
_Chain = tuple[x509.Certificate, tuple[x509.Certificate, ...]]


def signing_certificate(key_info: etree._Element | None, trust: Trust) -> _Chain:
    """Return the certificate that `key_info` means, and the others it brings along.

    It is the one of its X509Certificates that issued none of the others; where it has none, the
    only pinned certificate that fits what it says.

    Raises:
        Rejected: `signature_malformed`; `signature_ambiguous` where it says two things;
            `certificate_missing`, `certificate_malformed`.
    """
    described = list(_described(key_info))
    try:
        texts = tuple(_brought(key_info))
        leaf, chain = _brought_chain(texts) if texts else (_pinned(described, trust), ())
        for name, fits in described:
            if not fits(leaf):
                raise Rejected(
                    RejectionCode.SIGNATURE_AMBIGUOUS, f"{name} is not that of the certificate"
                )
    # What the library raises of its own on a certificate that is none, or has an odd key.
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise Rejected(RejectionCode.CERTIFICATE_MALFORMED, "KeyInfo") from None
    return leaf, chain


def _brought_chain(texts: tuple[str, ...]) -> _Chain:
    """Return the signing certificate, and the others, of their texts in base64."""
    small = sum(map(len, texts)) <= CHAIN_BYTES_MAX
    return _known_chain(texts) if small else _chain(texts)


def _chain(texts: Sequence[str]) -> _Chain:
    brought = [read_certificate(base64_binary(one, name="X509Certificate")) for one in texts]
    leaf = _leaf(brought)
    return leaf, tuple(one for one in brought if one is not leaf)


# Each signer sends the same texts every time; a refusal is not remembered.
_known_chain: Final = lru_cache(maxsize=_CHAINS_MAX)(_chain)


def _leaf(brought: list[x509.Certificate]) -> x509.Certificate:
    # XML Signature 1.1 §4.5.4: the order of the certificates says nothing.
    if len(brought) == 1:
        return brought[0]
    leaves = [
        one
        for one in brought
        if not any(other.issuer == one.subject for other in brought if other is not one)
    ]
    if len(leaves) != 1:
        raise Rejected(RejectionCode.SIGNATURE_AMBIGUOUS, "X509Data: not one chain")
    return leaves[0]


def _pinned(described: list[tuple[str, Fits]], trust: Trust) -> x509.Certificate:
    fitting = [
        certificate
        for certificate in trust.pinned.values()
        if all(fits(certificate) for _, fits in described)
    ]
    if len(fitting) != 1:
        how_many = "several" if fitting else "none"
        raise Rejected(
            RejectionCode.CERTIFICATE_MISSING,
            f"KeyInfo has no certificate, and {how_many} of the pinned ones fits it",
        )
    return fitting[0]


def _brought(key_info: etree._Element | None) -> Iterator[str]:
    if key_info is None:
        return
    found = key_info.findall(f"{DS}X509Data/{DS}X509Certificate")
    if len(found) > CERTIFICATES_MAX:
        raise Rejected(
            RejectionCode.CERTIFICATE_CHAIN_INVALID, f"more than {CERTIFICATES_MAX} certificates"
        )
    for one in found:
        parts(one, (), text=True)
        yield one.text or ""


def _described(key_info: etree._Element | None) -> Iterator[tuple[str, Fits]]:
    """Yield each thing that `key_info` says of the certificate, as a test of one."""
    for child in () if key_info is None else key_info:
        if child.tag == f"{DS}X509Data":
            yield from _x509_data(child)
        elif child.tag == f"{DS}KeyValue":
            yield "KeyValue", _key_value(child)
        elif child.tag != f"{DS}KeyName":
            # RetrievalMethod fetches a key from elsewhere; the others know no certificate.
            raise Rejected(RejectionCode.SIGNATURE_MALFORMED, "KeyInfo: a child that is not taken")


def _x509_data(data: etree._Element) -> Iterator[tuple[str, Fits]]:
    for child in data:
        name = etree.QName(child).localname
        if child.tag == f"{DS}X509SKI":
            yield name, _by_key_identifier(strict_base64(child))
        elif child.tag == f"{DS}X509IssuerSerial":
            yield name, _by_serial(parts(child, ("X509IssuerName", "X509SerialNumber"))[1])
        elif child.tag == f"{_DS11}X509Digest":
            yield name, _by_digest(child)
        elif child.tag not in {f"{DS}X509Certificate", f"{DS}X509SubjectName"}:
            raise Rejected(RejectionCode.SIGNATURE_MALFORMED, "X509Data: a child that is not taken")


def _by_key_identifier(identifier: bytes) -> Fits:
    def fits(certificate: x509.Certificate) -> bool:
        try:
            kind = x509.SubjectKeyIdentifier
            own = certificate.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            own = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
        return own.digest == identifier

    return fits


def _by_serial(element: etree._Element) -> Fits:
    # The issuer's name has too many spellings to compare; it is bound when the chain is checked.
    text = plain_text(element)
    if not _SERIAL.fullmatch(text):
        raise Rejected(RejectionCode.SIGNATURE_MALFORMED, "X509SerialNumber is no number")
    return lambda certificate: certificate.serial_number == int(text)


def _by_digest(element: etree._Element) -> Fits:
    algorithm = DIGEST_ALGORITHMS.get(element.get("Algorithm", ""))
    if algorithm is None:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "X509Digest")
    expected = strict_base64(element, attributes={"Algorithm"})
    return lambda certificate: certificate.fingerprint(algorithm.hash) == expected


def _key_value(element: etree._Element) -> Fits:
    if [child.tag for child in element] == [f"{DS}RSAKeyValue"]:
        modulus, exponent = (
            int.from_bytes(strict_base64(one)) for one in parts(element[0], ("Modulus", "Exponent"))
        )
        return lambda certificate: _is_rsa(certificate, modulus, exponent)
    curve = element.find(f"{_DS11}ECKeyValue/{_DS11}NamedCurve")
    point = element.find(f"{_DS11}ECKeyValue/{_DS11}PublicKey")
    if (
        curve is None
        or point is None
        or len(element) != 1
        or len(element[0]) != len((curve, point))
    ):
        raise Rejected(RejectionCode.SIGNATURE_MALFORMED, "KeyValue: a key that is not taken")
    name, encoded = _CURVES.get(curve.get("URI", "")), strict_base64(point)
    return lambda certificate: _is_ec(certificate, name, encoded)


def _is_rsa(certificate: x509.Certificate, modulus: int, exponent: int) -> bool:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    return (key.public_numbers().n, key.public_numbers().e) == (modulus, exponent)


def _is_ec(certificate: x509.Certificate, curve: str | None, point: bytes) -> bool:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != curve:
        return False
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) == point
