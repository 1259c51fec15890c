"""Find the XML document that a callback carries: its body, or text in a JSON envelope. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from contracts.json_object import read_json
from contracts.provider import Form
from contracts.raw import RawCallback
from runtime.plain_base64 import decode_base64

_XML_MEDIA_TYPES: Final = frozenset({"application/xml", "text/xml"})

Find = Callable[[Mapping[str, Any]], str | None]


def form_of(callback: RawCallback) -> Form:
    """Return how the body says it is to be read; JSON unless it says XML."""
    media_type = callback.content_type.partition(";")[0].strip().lower()
    return Form.XML if media_type in _XML_MEDIA_TYPES else Form.JSON


def unverified_document(callback: RawCallback, find: Find | None) -> bytes | None:
    """Return the XML document that `callback` carries, nothing about it proven; None: no document.

    Raises:
        Rejected: the envelope is no JSON object, or the text neither XML nor strict base64.
    """
    if form_of(callback) is Form.XML:
        return callback.body
    if find is None:
        return None
    text = find(read_json(callback.body))
    return None if text is None else document_bytes(text)


def document_bytes(text: str) -> bytes:
    """Return the document that stands in a JSON envelope as text, plain or in base64.

    Raises:
        Rejected: `encoding_invalid`.
    """
    # No base64 text begins with "<", and no XML document without it.
    if text.lstrip(" \t\r\n").startswith("<"):
        return text.encode()
    try:
        return decode_base64(text.encode())
    except ValueError:
        rule = "the document is neither XML nor base64"
        raise Rejected(RejectionCode.ENCODING_INVALID, rule) from None
