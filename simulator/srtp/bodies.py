"""Put SRTP messages into bodies: JSON in both envelopes, XML documents, cancellations. Pure."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from lxml import etree

REPORT: Final = "CdtrPmtActvtnReqStsRpt"
CANCELLATION: Final = "RsltnOfInvstgtn"
REPORT_VERSIONS: Final = ("07", "08", "10")
_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:"
_RESOLUTION: Final = f"{_NAMESPACE}camt.029.001.09"
# XSD: these are amounts with their currency as an attribute; in JSON they are bare numbers.
_AMOUNTS: Final = frozenset({"InstdAmt", "AccptdAmt"})


class Envelope(StrEnum):
    """Where the report stands in the JSON body; the two are equally legal (EPC133-22 v3.1)."""

    DIRECT = "direct"
    DOCUMENT = "document"


def json_body(content: Mapping[str, Any], envelope: Envelope = Envelope.DOCUMENT) -> bytes:
    """Return the body of `/send` in one of its two shapes; `content` is {REPORT: …}."""
    if envelope is Envelope.DIRECT:
        return carrying(content)
    return carrying({"Document": content})


def carrying(held: Mapping[str, Any]) -> bytes:
    """Return the outermost envelope with `held` inside: a report, or a signed document as text."""
    body = {
        "resourceId": "answer",
        "AsynchronousSepaRequestToPayResponse": held,
        "_links": {
            "initialSepaRequestToPayUri": {
                "href": "https://creditor.example.org/requests",
                "templated": False,
            }
        },
    }
    return _written(body)


def cancellation_body(content: Mapping[str, Any]) -> bytes:
    """Return the body of `/cancel`; `content` is {CANCELLATION: …}."""
    return _written({"SepaRequestToPayCancellationResponse": {"Document": content}})


def xml_document(content: Mapping[str, Any], version: str = "07") -> bytes:
    """Return the document: pain.014 in this version of its schema (07, 08, 10), or camt.029."""
    namespace = _RESOLUTION if CANCELLATION in content else f"{_NAMESPACE}pain.014.001.{version}"
    root = etree.Element(f"{{{namespace}}}Document", nsmap={None: namespace})
    for name, value in content.items():
        _append(root, namespace, name, value)
    declaration = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    return declaration + etree.tostring(root, encoding="UTF-8")


def _written(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, indent=1).encode()


def _append(parent: etree._Element, namespace: str, name: str, value: object) -> None:
    if isinstance(value, list):
        for item in value:
            _append(parent, namespace, name, item)
        return
    element = etree.SubElement(parent, f"{{{namespace}}}{name}")
    if isinstance(value, Mapping):
        for child, inner in value.items():
            _append(element, namespace, child, inner)
    elif isinstance(value, bool):
        element.text = str(value).lower()
    elif name in _AMOUNTS:
        element.set("Ccy", "EUR")
        element.text = f"{value:.2f}"
    else:
        element.text = str(value)
