"""Take bodies apart down to every value: JSON, XML, tokens, disclosures, CBOR, one in another.

Nothing is checked here: what an attacker made is taken apart as far as it goes, because a value of
it can leak as well.
"""

import binascii
import json
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

import cbor2
from lxml import etree

_DEPTH_MAX: Final = 24
_DISCLOSURE_PARTS: Final = (2, 3)
_TOKEN_PARTS: Final = 3
# Below that, a text is never another thing in base64.
_ENCODED_CHARACTERS_MIN: Final = 16


class Leaf(NamedTuple):
    """One value, and where it stands: the last two names of members, elements, claims, entries."""

    name: str
    text: str


def leaves_of(body: bytes) -> frozenset[Leaf]:
    """Return every value of the body, on every level of encoding."""
    return frozenset(_bytes("body", body, 0))


def _bytes(name: str, raw: bytes, depth: int) -> Iterator[Leaf]:
    if depth > _DEPTH_MAX:
        return
    if raw.lstrip().startswith(b"<"):
        yield from _xml(raw, depth)
        return
    with suppress(ValueError, RecursionError):
        yield from _value(name, json.loads(raw), depth + 1)


def _value(name: str, value: Any, depth: int) -> Iterator[Leaf]:  # noqa: ANN401 - any value
    if depth > _DEPTH_MAX:
        return
    match value:
        case Mapping():
            yield from _mapping(name, value, depth)
        case list() | tuple():
            for item in value:
                yield from _value(name, item, depth + 1)
        case str():
            yield from _text(name, value, depth + 1)
        case bytes():
            yield from _cbor(name, value, depth + 1)
        case cbor2.CBORTag():
            yield from _value(name, value.value, depth + 1)
        case bool() | None:
            pass
        case _:
            yield Leaf(name, str(value))


def _mapping(name: str, value: Mapping[Any, Any], depth: int) -> Iterator[Leaf]:
    # ISO 18013-5: an element of an mdoc carries its own name.
    element = value.get("elementIdentifier")
    for key, member in value.items():
        named = element if key == "elementValue" and isinstance(element, str) else str(key)
        yield from _value(_below(name, named), member, depth + 1)


def _below(name: str, child: str) -> str:
    return f"{name.rpartition('.')[2]}.{child}"


def _text(name: str, text: str, depth: int) -> Iterator[Leaf]:
    yield Leaf(name, text)
    if "~" in text:
        for part in text.split("~"):
            yield from _text(name, part, depth + 1)
        return
    segments = text.split(".")
    if len(segments) == _TOKEN_PARTS:
        for segment in segments[:2]:
            yield from _encoded(name, segment, depth)
        return
    if text.lstrip().startswith("<"):
        yield from _xml(text.encode(), depth)
    elif len(text) >= _ENCODED_CHARACTERS_MIN:
        yield from _encoded(name, text, depth)


def _encoded(name: str, text: str, depth: int) -> Iterator[Leaf]:
    """Yield what the text holds in base64: JSON, XML, a disclosure, or CBOR."""
    raw = _decoded(text)
    if not raw:
        return
    with suppress(ValueError, RecursionError):
        found = json.loads(raw)
        if isinstance(found, list) and len(found) in _DISCLOSURE_PARTS:
            claim = found[1] if len(found) > _DISCLOSURE_PARTS[0] else name
            yield Leaf("disclosure", text)
            yield from _value(_below("disclosure", str(claim)), found[-1], depth + 1)
            return
        if isinstance(found, dict):
            yield from _value(name, found, depth + 1)
            return
    if raw.lstrip().startswith(b"<"):
        yield from _xml(raw, depth)
    else:
        yield from _cbor(name, raw, depth + 1)


def _decoded(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    for decode in (b64decode, urlsafe_b64decode):
        with suppress(binascii.Error, ValueError):
            raw = decode(padded.encode("ascii"))
            if raw:
                return raw
    return b""


def _xml(raw: bytes, depth: int) -> Iterator[Leaf]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    with suppress(etree.LxmlError, ValueError):
        root = etree.fromstring(raw, parser)
        for element in root.iter(etree.Element) if root is not None else ():
            parent = element.getparent()
            above = "" if parent is None else str(etree.QName(parent).localname)
            name = _below(above, str(etree.QName(element).localname))
            for attribute, value in element.attrib.items():
                yield Leaf(_below(name, str(etree.QName(str(attribute)).localname)), str(value))
            text = (element.text or "").strip()
            if text:
                yield from _text(name, text, depth + 1)


def _cbor(name: str, raw: bytes, depth: int) -> Iterator[Leaf]:
    with suppress(Exception):
        found = cbor2.loads(raw)
        if isinstance(found, Mapping | list | cbor2.CBORTag):
            yield from _value(name, found, depth + 1)
