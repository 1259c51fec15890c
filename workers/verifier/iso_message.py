"""Find an ISO 20022 document in an XML tree: by itself, or in a business message. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

_DOCUMENT: Final = re.compile(
    r"\{urn:iso:std:iso:20022:tech:xsd:[a-z]{4}\.[0-9]{3}\.[0-9]{3}\.[0-9]{2}\}Document"
)
_HEADER: Final = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:head\.001\.001\.[0-9]{2}\}AppHdr")


@dataclass(frozen=True, slots=True)
class BusinessMessage:
    """A business application header and the document that it heads."""

    header: etree._Element
    document: etree._Element

    @property
    def signer(self) -> etree._Element | None:
        """Return the header's one Sgntr, which holds its signature."""
        signers = self.header.findall(f"{{{etree.QName(self.header).namespace}}}Sgntr")
        return signers[0] if len(signers) == 1 else None


def is_document(element: etree._Element) -> bool:
    """Tell whether `element` is the document of an ISO 20022 message, of whichever kind."""
    return _DOCUMENT.fullmatch(str(element.tag)) is not None


def business_message(root: etree._Element) -> BusinessMessage | None:
    """Return the parts of a business message; None where `root` is not exactly one.

    ISO 20022 names no element around header and document, so any may be: it holds nothing else.
    """
    children = list(root)
    headers = [child for child in children if _HEADER.fullmatch(str(child.tag))]
    documents = [child for child in children if is_document(child)]
    if len(children) != 2 or len(headers) != 1 or len(documents) != 1:  # noqa: PLR2004 - one each
        return None
    return BusinessMessage(headers[0], documents[0])


def message_document(root: etree._Element) -> etree._Element | None:
    """Return the ISO 20022 document that `root` is, or heads in a business message."""
    if is_document(root):
        return root
    message = business_message(root)
    return message.document if message else None
