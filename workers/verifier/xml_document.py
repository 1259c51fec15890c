"""Read bytes as one XML element, refusing what two readers could read differently. Pure.

What needs no parser is refused before one runs: another encoding, a DTD (and so every entity of the
document's own), processing instructions, and comments. Canonical XML drops comments, so whoever
reads the text around one reads another value than the signer's. CDATA is text, and stays text.
"""

import re
from typing import Final

from lxml import etree

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.json_object import BODY_BYTES_MAX

DEPTH_MAX: Final = 32  # the deepest path of pain.014.001.10 has 14 elements
ELEMENTS_MAX: Final = 50_000  # a report of 500 transactions with all 100 elements of the profile
ATTRIBUTES_MAX: Final = 16  # of one element; ISO 20022 has one at most, XML signatures two
NAMESPACES_MAX: Final = 4_096  # declarations in all; each is looked through for each element
# The canonical form repeats a declaration at each element that uses it: 200 kB with one of 100 kB
# would become 2 GB. Those of ISO 20022 and of XML signatures have at most 46 characters.
NAMESPACE_BYTES_MAX: Final = 256
PREFIX_BYTES_MAX: Final = 64
TEXT_CHARACTERS_MAX: Final = 1_048_576  # of one element; only an enclosed file is longer than 2,048

_SPACES: Final = rb" \t\r\n"
_SPACE: Final = rb"[%b]" % _SPACES
_DECLARATION: Final = re.compile(
    rb"<\?xml%s+version%s*=%s*(?:\"1\.0\"|'1\.0')" % (_SPACE, _SPACE, _SPACE)
    + rb"(?:%s+encoding%s*=%s*(?:\"utf-8\"|'utf-8'))?" % (_SPACE, _SPACE, _SPACE)
    + rb"(?:%s+standalone%s*=%s*(?:\"(?:yes|no)\"|'(?:yes|no)'))?" % (_SPACE, _SPACE, _SPACE)
    + rb"%s*\?>" % _SPACE,
    re.IGNORECASE,
)
_OTHER_DECLARATION: Final = re.compile(rb"<\?xml%s" % _SPACE, re.IGNORECASE)
_FORBIDDEN: Final = re.compile(rb"<\?|<!(?!\[CDATA\[)")
# What looks like a declaration in a text counts too. A long prefix ends the search where it stands,
# so that no document makes it look through a stretch twice.
_LONG_NAMESPACE: Final = re.compile(
    rb"xmlns(?::[^%b='\"<>]{%d}" % (_SPACES, PREFIX_BYTES_MAX + 1)
    + rb"|(?::[^%b='\"<>]*+)?[%b]*+=[%b]*+" % (_SPACES, _SPACES, _SPACES)
    + rb"(?:'[^']{%d}|\"[^\"]{%d}))" % (NAMESPACE_BYTES_MAX + 1, NAMESPACE_BYTES_MAX + 1)
)
_RESOURCE_LIMIT: Final = 114  # XML_ERR_RESOURCE_LIMIT of libxml2: deeper than 256, a huge name
_TOO_DEEP: Final = etree.XPath("boolean(" + "/*" * (DEPTH_MAX + 1) + ")")
_TOO_MANY: Final = etree.XPath(f"count(//*) > {ELEMENTS_MAX}")
# The long form of an axis: "//" looks at every node once more, and costs three times as much.
_TOO_WIDE: Final = etree.XPath(f"boolean(/descendant::*/@*[{ATTRIBUTES_MAX + 1}])")
# Each by itself: the library unites two sets of nodes in the product of their sizes.
_TOO_LONG: Final = tuple(
    etree.XPath(f"boolean({nodes}[string-length() > {TEXT_CHARACTERS_MAX}])")
    for nodes in ("//text()", "//@*")
)
_XINCLUDE: Final = "{http://www.w3.org/2001/XInclude}*"


def parse_xml(document: bytes) -> etree._Element:
    """Return the root element of `document`, which nobody has vouched for yet.

    Raises:
        Rejected: `body_too_large`, `xml_invalid`, `xml_forbidden` or `xml_too_deep`.
    """
    _refuse_bytes(document)
    try:
        root = etree.fromstring(document, hardened_parser())
    except etree.XMLSyntaxError as error:
        code = RejectionCode.XML_INVALID
        if error.code == _RESOURCE_LIMIT:
            code = RejectionCode.XML_TOO_DEEP
        # The parser's own words quote the document.
        raise Rejected(code, "line {}, column {}".format(*error.position)) from None
    _refuse_tree(root, document)
    return root


def canonical(element: etree._Element) -> bytes:
    """Return the exclusive canonical form of `element` and what is in it, without comments.

    It does not depend on what stands around the element (Exclusive XML Canonicalization 1.0).

    Raises:
        Rejected: `xml_invalid`, as for a namespace that is a relative URI.
    """
    try:
        return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    except etree.LxmlError:
        raise Rejected(RejectionCode.XML_INVALID, "it has no canonical form") from None


def hardened_parser() -> etree.XMLParser:
    """Return a parser to be used once.

    A parser keeps every name it has ever read: shared, it would grow with each hostile document.
    """
    return etree.XMLParser(
        encoding="utf-8",  # whatever the document declares; anything else is refused above
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=False,
        remove_pis=False,
        collect_ids=False,
    )


def refuse_size(document: bytes) -> None:
    """Return if `document` is not too large to be looked at.

    Raises:
        Rejected: `body_too_large`, `xml_too_deep`.
    """
    if len(document) > BODY_BYTES_MAX:
        raise Rejected(RejectionCode.BODY_TOO_LARGE, f"more than {BODY_BYTES_MAX} bytes")
    # An element has two tags at most; the bound spares us a tree of millions. What is not as long
    # as the bound need not be counted: two counts cost as much as a third of the parser's work.
    if len(document) > ELEMENTS_MAX and document.count(b"<") > 2 * ELEMENTS_MAX:
        raise Rejected(RejectionCode.XML_TOO_DEEP, f"more than {ELEMENTS_MAX} elements")
    if len(document) > NAMESPACES_MAX and document.count(b"xmlns") > NAMESPACES_MAX:
        raise Rejected(RejectionCode.XML_TOO_DEEP, f"more than {NAMESPACES_MAX} namespaces")


def _refuse_bytes(document: bytes) -> None:
    refuse_size(document)
    try:
        document.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Rejected(RejectionCode.XML_INVALID, f"byte {error.start} is not UTF-8") from None
    declaration = _DECLARATION.match(document)
    begin = declaration.end() if declaration else 0
    if not declaration and not document.lstrip(b" \t\r\n").startswith(b"<"):
        raise Rejected(RejectionCode.XML_INVALID, "it begins with no element")
    if not declaration and _OTHER_DECLARATION.match(document):
        raise Rejected(RejectionCode.XML_INVALID, "a declaration of something else than UTF-8")
    forbidden = _FORBIDDEN.search(document, begin)
    if forbidden:
        raise Rejected(
            RejectionCode.XML_FORBIDDEN,
            f"byte {forbidden.start()}: a DTD, a comment or a processing instruction",
        )
    long = _LONG_NAMESPACE.search(document)
    if long:
        raise Rejected(RejectionCode.XML_TOO_DEEP, f"byte {long.start()}: a namespace too long")


def _refuse_tree(root: etree._Element, document: bytes) -> None:
    # Bytes are counted faster than nodes, and there are no more elements than "<", no more
    # attributes than "=", and no text longer than the document, which has no entities.
    if _TOO_DEEP(root):
        raise Rejected(RejectionCode.XML_TOO_DEEP, f"more than {DEPTH_MAX} levels")
    if len(document) > ELEMENTS_MAX and document.count(b"<") > ELEMENTS_MAX and _TOO_MANY(root):
        raise Rejected(RejectionCode.XML_TOO_DEEP, f"more than {ELEMENTS_MAX} elements")
    if document.count(b"=") > ATTRIBUTES_MAX and _TOO_WIDE(root):
        raise Rejected(RejectionCode.XML_TOO_DEEP, f"more than {ATTRIBUTES_MAX} attributes")
    if len(document) > TEXT_CHARACTERS_MAX and any(is_long(root) for is_long in _TOO_LONG):
        raise Rejected(
            RejectionCode.XML_TOO_DEEP, f"a text of more than {TEXT_CHARACTERS_MAX} characters"
        )
    for inclusion in root.iter(_XINCLUDE):
        raise Rejected(RejectionCode.XML_FORBIDDEN, f"line {inclusion.sourceline}: an inclusion")
    # Nothing above should let one through; whoever changes it must not find out by an incident.
    docinfo = root.getroottree().docinfo
    if docinfo.internalDTD is not None or docinfo.externalDTD is not None:
        raise Rejected(RejectionCode.XML_FORBIDDEN, "a DTD")
    for other in root.iter(etree.Entity, etree.Comment, etree.ProcessingInstruction):
        raise Rejected(RejectionCode.XML_FORBIDDEN, f"line {other.sourceline}: no element or text")
