"""Decode a proven ISO 20022 document to the shape that its JSON form has. Pure.

An element becomes its text, or an object of its children by local name; a name that repeats becomes
a list. With attributes it is an object too: `{"@Ccy": "EUR", "#text": "1.00"}`. Everything must be
in the document's own namespace, so that no local name can stand for another vocabulary's element.
Two things are left out: the signature, which is no part of what is said, and what a provider may
add of its own below `SplmtryData/Envlp`.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.provider import SignedBytes, SignedFields
from workers.verifier.iso_message import message_document
from workers.verifier.xml_document import parse_xml
from workers.verifier.xml_signature import SIGNATURE

_SPACE: Final = " \t\r\n"  # what XML calls white space; str.strip() would take more
_INSTANCE: Final = "{http://www.w3.org/2001/XMLSchema-instance}"  # hints to a validator


@dataclass(frozen=True, slots=True)
class SignedXml(SignedBytes):
    """The document that an XML signature signs; `root` is what `body`, and no more, was parsed to.

    It spares a second parser's run, which costs as much as the decoding.
    """

    root: etree._Element | None = field(default=None, kw_only=True, repr=False, compare=False)


def decode_xml(signed: SignedBytes) -> SignedFields:
    """Return the members of the document in `signed`, and its namespace as `document`.

    Raises:
        Rejected: as `parse_xml`; `document_unknown` where it is no ISO 20022 document, or holds an
            element of another namespace; `payload_invalid` where text stands between elements.
    """
    document = message_document(root_of(signed))
    if document is None:
        raise Rejected(RejectionCode.DOCUMENT_UNKNOWN, "not a document of ISO 20022")
    namespace = etree.QName(document).namespace or ""
    for signature in document.findall(SIGNATURE):
        document.remove(signature)
    value = _value(document, f"{{{namespace}}}")
    return SignedFields({"Document": value}, signed, document=namespace)


def root_of(signed: SignedBytes) -> etree._Element:
    """Return what the bytes were parsed to, or parse them.

    Raises:
        Rejected: as `parse_xml`.
    """
    root = signed.root if isinstance(signed, SignedXml) else None
    return parse_xml(signed.body) if root is None else root


def _value(element: etree._Element, namespace: str) -> Any:  # noqa: ANN401 - text or members
    """Return text or members of `element`, which is no deeper than parse_xml lets it be."""
    members = _attributes(element) if element.keys() else {}
    if not len(element):
        text = (element.text or "").strip(_SPACE)
        return members | {"#text": text} if members else text
    if element.text:
        _refuse_text(element.text, element)
    for child in element:
        tag = str(child.tag)
        if not tag.startswith(namespace):
            raise Rejected(RejectionCode.DOCUMENT_UNKNOWN, f"{_at(child)}: another namespace")
        name = tag[len(namespace) :]
        read = _envelope if name == "Envlp" and _is_supplementary(element, namespace) else _value
        value = read(child, namespace)
        if name not in members:
            members[name] = value
        elif isinstance(members[name], list):  # no value is a list by itself
            members[name].append(value)
        else:
            members[name] = [members[name], value]
        if child.tail:
            _refuse_text(child.tail, child)
    return members


def _envelope(element: etree._Element, _: str) -> Any:  # noqa: ANN401 - text or members
    """Return the attributes of supplementary data, whose content is anybody's."""
    members = _attributes(element)
    return members | {"#text": ""} if members else ""


def _attributes(element: etree._Element) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in element.attrib.items():
        if not str(name).startswith("{"):
            members[f"@{name}"] = value
        elif not str(name).startswith(_INSTANCE):
            raise Rejected(
                RejectionCode.DOCUMENT_UNKNOWN, f"{_at(element)}: an attribute of another namespace"
            )
    return members


def _is_supplementary(element: etree._Element, namespace: str) -> bool:
    return element.tag == f"{namespace}SplmtryData"


def _refuse_text(text: str, element: etree._Element) -> None:
    if text.strip(_SPACE):
        raise Rejected(RejectionCode.PAYLOAD_INVALID, f"{_at(element)}: text between elements")


def _at(element: etree._Element) -> str:
    return f"line {element.sourceline}"
