"""Read a ds:Signature of exactly the shape we take, before any of it is believed. Pure.

XML Signature lets a signer choose what is signed, how it is transformed and where the key is
(https://www.w3.org/TR/xmldsig-bestpractices/). A provider needs none of that choice: whatever is
not expected here is refused, not ignored. What the signature says is read from the canonical bytes
of its SignedInfo, which are the bytes that the key signs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lxml import etree

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from runtime.plain_base64 import decode_base64
from workers.verifier.xml_algorithms import (
    DIGEST_ALGORITHMS,
    SIGNATURE_ALGORITHMS,
    DigestAlgorithm,
    SignatureAlgorithm,
)
from workers.verifier.xml_document import canonical, hardened_parser

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
SIGNATURE: Final = f"{DS}Signature"
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
# Three references make 18. What is larger is not made canonical: anybody may send it, unsigned.
SIGNED_INFO_ELEMENTS_MAX: Final = 64

_SPACE: Final = " \t\r\n"  # what XML calls white space; str.strip() would take more
_SPACE_BYTES: Final = _SPACE.encode()
# Of two letters first, which is told in a third of the time.
_IDS: Final = etree.XPath(
    "/descendant::*/@*[string-length(local-name()) = 2][translate(local-name(), 'ID', 'id') = 'id']"
)
_TOO_MANY: Final = etree.XPath(f"count(.//*) > {SIGNED_INFO_ELEMENTS_MAX}")
# All that one signer's SignedInfos differ in. In canonical XML "<" stands for nothing but a tag, so
# this is the whole text of an element of that name, and no part of another text or of an attribute.
_DIGEST_VALUE: Final = re.compile(rb"(<[^/<>\"]*DigestValue>)([A-Za-z0-9+/= \t\n]*+)(?=</)")
_NO_DIGEST: Final = rb"\1AAAA"
# A provider's software writes one form of SignedInfo, or two. The bounds are against a caller who
# sends ever new ones: together they are 1 MiB.
_FORMS_MAX: Final = 256
_FORM_BYTES_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class Reference:
    """What one ds:Reference says: which part, transformed how, and its digest.

    `uri` None is no URI attribute at all, which is another thing than an empty one.
    """

    uri: str | None
    transforms: tuple[str, ...]
    digest_algorithm: DigestAlgorithm
    digest: bytes


@dataclass(frozen=True, slots=True)
class XmlSignature:
    """What a ds:Signature says. Nothing of it is proven."""

    signed_info: bytes
    algorithm: SignatureAlgorithm
    references: tuple[Reference, ...]
    value: bytes
    key_info: etree._Element | None


def only_signature(root: etree._Element) -> etree._Element:
    """Return the one ds:Signature in the whole document.

    Raises:
        Rejected: `signature_missing`; `signature_ambiguous` for a second one, or for one id twice.
    """
    signatures = list(root.iter(SIGNATURE))
    if not signatures:
        raise Rejected(RejectionCode.SIGNATURE_MISSING, "no ds:Signature")
    if len(signatures) > 1:
        raise Rejected(RejectionCode.SIGNATURE_AMBIGUOUS, "more than one ds:Signature")
    ids = _IDS(root)
    if not isinstance(ids, list) or len(set(ids)) != len(ids):
        raise Rejected(RejectionCode.SIGNATURE_AMBIGUOUS, "one id stands twice")
    return signatures[0]


def read_signature(signature: etree._Element) -> XmlSignature:
    """Return what `signature` says.

    Raises:
        Rejected: `signature_malformed`, `signature_misplaced` for an Object inside it,
            `algorithm_forbidden`.
    """
    if signature.find(f"{DS}Object") is not None:
        raise Rejected(RejectionCode.SIGNATURE_MISPLACED, "Signature holds an Object")
    names = ["SignedInfo", "SignatureValue", "KeyInfo"][: max(2, len(signature))]
    signed_info, value, *key_info = parts(signature, names, {"Id"})
    if _TOO_MANY(signed_info):
        raise _malformed(signed_info, f"has more than {SIGNED_INFO_ELEMENTS_MAX} elements")
    signed_bytes = canonical(signed_info)
    algorithm, references = _signed_info(signed_bytes)
    return XmlSignature(
        signed_bytes,
        algorithm,
        references,
        strict_base64(value, attributes={"Id"}),
        key_info[0] if key_info else None,
    )


def strict_base64(element: etree._Element, *, attributes: Iterable[str] = ()) -> bytes:
    """Return the bytes that `element` holds in base64; white space is the only freedom.

    Raises:
        Rejected: `signature_malformed`.
    """
    parts(element, (), attributes, text=True)
    return base64_binary(element.text or "", name=_name(element))


def base64_binary(text: str | bytes, *, name: str) -> bytes:
    """Return the bytes that `text` writes as xs:base64Binary; `name` is the element's.

    There is one byte at least, and white space anywhere.

    Raises:
        Rejected: `signature_malformed`.
    """
    try:
        # As bytes, because removing characters from text takes longer than the signature does.
        given = text.encode("ascii") if isinstance(text, str) else text
        decoded = decode_base64(given.translate(None, _SPACE_BYTES))
    except ValueError:
        decoded = b""
    if not decoded:
        raise Rejected(RejectionCode.SIGNATURE_MALFORMED, f"{name} is not canonical base64")
    return decoded


def plain_text(element: etree._Element) -> str:
    """Return the text of `element`, which has no child and no attribute.

    Raises:
        Rejected: `signature_malformed`.
    """
    parts(element, (), (), text=True)
    return (element.text or "").strip(_SPACE)


def parts(
    element: etree._Element,
    names: Iterable[str],
    attributes: Iterable[str] = (),
    *,
    text: bool = False,
) -> list[etree._Element]:
    """Return the children of `element`, which are exactly `names`, with no text between them.

    Raises:
        Rejected: `signature_malformed`.
    """
    children = list(element)
    if [child.tag for child in children] != [DS + name for name in names]:
        raise _malformed(element, "has other children than it must")
    if not set(attributes).issuperset(element.keys()):
        raise _malformed(element, "has an attribute that it must not")
    for one in () if text else (element.text, *[child.tail for child in children]):
        if one and one.strip(_SPACE):
            raise _malformed(element, "has text that it must not")
    return children


_Form = tuple[SignatureAlgorithm, tuple[Reference, ...]]


def _signed_info(signed_bytes: bytes) -> _Form:
    """Return what a canonical SignedInfo says; its form is judged once, its digests each time."""
    digests = _DIGEST_VALUE.findall(signed_bytes)
    form = _DIGEST_VALUE.sub(_NO_DIGEST, signed_bytes)
    if len(form) > _FORM_BYTES_MAX:
        return _form(signed_bytes)
    algorithm, references = _known_form(form)
    if len(digests) != len(references):  # one is written in a way that the pattern leaves alone
        return _form(signed_bytes)
    return algorithm, tuple(
        Reference(
            one.uri,
            one.transforms,
            one.digest_algorithm,
            base64_binary(digest, name="DigestValue"),
        )
        for one, (_, digest) in zip(references, digests, strict=True)
    )


def _form(canonical_bytes: bytes) -> _Form:
    signed_info = etree.fromstring(canonical_bytes, hardened_parser())
    names = ["CanonicalizationMethod", "SignatureMethod"]
    names += ["Reference"] * max(1, len(signed_info) - len(names))
    canonicalization, method, *references = parts(signed_info, names, {"Id"})
    if _algorithm(canonicalization) != EXCLUSIVE:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "CanonicalizationMethod")
    algorithm = SIGNATURE_ALGORITHMS.get(_algorithm(method))
    if algorithm is None:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "SignatureMethod")
    return algorithm, tuple(_reference(reference) for reference in references)


# The same bytes have the same form for ever. A refusal is not remembered.
_known_form: Final = lru_cache(maxsize=_FORMS_MAX)(_form)


def _reference(reference: etree._Element) -> Reference:
    if reference.find(f"{DS}Transforms") is None:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "a Reference without Transforms")
    transforms, method, value = parts(
        reference, ("Transforms", "DigestMethod", "DigestValue"), {"Id", "URI"}
    )
    names = ["Transform"] * max(1, len(transforms))
    digest_algorithm = DIGEST_ALGORITHMS.get(_algorithm(method))
    if digest_algorithm is None:
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, "DigestMethod")
    return Reference(
        reference.get("URI"),
        tuple(_algorithm(transform) for transform in parts(transforms, names, ())),
        digest_algorithm,
        strict_base64(value),
    )


def _algorithm(element: etree._Element) -> str:
    # A parameter changes what an algorithm does: HMACOutputLength, InclusiveNamespaces, XPath.
    if len(element):
        raise Rejected(RejectionCode.ALGORITHM_FORBIDDEN, f"{_name(element)} has a parameter")
    parts(element, (), {"Algorithm"})
    return element.get("Algorithm", "")


def _malformed(element: etree._Element, why: str) -> Rejected:
    return Rejected(RejectionCode.SIGNATURE_MALFORMED, f"{_name(element)} {why}")


def _name(element: etree._Element) -> str:
    # Only called with elements that we looked up by name: it cannot repeat a sender's word.
    return etree.QName(element).localname
