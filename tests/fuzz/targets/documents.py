"""Target what reads documents: JSON, XML, and the signature inside an XML document."""

import json
from collections.abc import Iterator
from functools import cache

from contracts.json_object import read_json
from contracts.provider import Form
from contracts.providers.srtp import PROVIDER
from tests.fuzz.keys import BANK, trust
from tests.fuzz.target import Forged, Target, rejections
from tests.fuzz.targets.vectors import NOON, as_signed, bodies, callbacks, endpoints_with, trust_of
from tests.srtp_messages import DATA_SETS, xml_body
from tests.xml_signing import MORE, Signed
from workers.verifier.carrier import unverified_document
from workers.verifier.decode_xml import decode_xml
from workers.verifier.xml_document import canonical, parse_xml
from workers.verifier.xmldsig import verify_document

JSON_TOKENS = (b'{"":', b"[[", b"\\ud800", b"\\u0000", b"null", b"true", b"NaN", b"-0", b'":"')
XML_TOKENS = (
    *(b"<!DOCTYPE x [", b"<!ENTITY", b"<![CDATA[", b"]]>", b"<!--", b"<?x ?>", b"&amp;", b"&#x0;"),
    *(
        b"xmlns=",
        b"xmlns:ds=",
        b' Id="',
        b' URI=""',
        b"<Document",
        b"</Document>",
        b"<SplmtryData>",
    ),
    *(b"<ds:Signature", b"<ds:Object>", b"<ds:Reference", b"<ds:Transform ", b"<ds:KeyInfo>"),
)
_XMLDSIG = "xmldsig"


def targets() -> tuple[Target, ...]:
    """Return the targets of this module."""
    return (
        Target("json", "a body → a JSON object (decode)", _json, _read_json, JSON_TOKENS),
        Target(
            "xml", "a document → fields (xml_document, decode_xml)", _xml, _read_xml, XML_TOKENS
        ),
        Target(
            "xml-signature",
            "a signed document, changed (xmldsig); an accepted one must be one that was signed",
            _signed_documents,
            _verify_xml,
            XML_TOKENS,
        ),
        Target(
            "xml-signed",
            "any document, signed by a trusted key (xmldsig to its end)",
            _unsigned_documents,
            _verify_signed_xml,
            XML_TOKENS,
        ),
    )


def _json() -> Iterator[bytes]:
    for provider in ("pivot", "uaepass", "wallet", "srtp"):
        yield from bodies(provider)


def _read_json(data: bytes) -> None:
    members = read_json(data)
    # Whatever is read can be written: UTF-8 without half a surrogate pair, numbers of some size.
    json.dumps(members, default=str, allow_nan=False, ensure_ascii=False).encode()


def _xml() -> Iterator[bytes]:
    yield from _unsigned_documents()
    yield from _signed_documents()


def _read_xml(data: bytes) -> None:
    canonical(parse_xml(data))
    decode_xml(as_signed(data, callbacks("srtp")[0], Form.XML))


def _unsigned_documents() -> Iterator[bytes]:
    return (xml_body(message) for message in DATA_SETS.values())


@cache
def _signed_documents(*, genuine: bool = False) -> tuple[bytes, ...]:
    # The attacks of tests/xml_attacks.py are among them, as they were recorded.
    found = []
    for callback in callbacks("srtp", _XMLDSIG, genuine=genuine):
        with rejections():
            found.append(unverified_document(callback, PROVIDER.document) or b"")
    return tuple(one for one in found if one)


@cache
def genuine_bodies() -> frozenset[bytes]:
    """Return what was signed: the bytes that the verifier returns of the seeds as they are."""
    documents = _signed_documents(genuine=True)
    return frozenset(body for document in documents for body in _accepted(document))


def _accepted(document: bytes) -> Iterator[bytes]:
    for endpoint in endpoints_with("srtp", _XMLDSIG):
        with rejections():
            yield verify_document(document, trust_of(endpoint), at=NOON).body


def _verify_xml(data: bytes) -> None:
    if not genuine_bodies().issuperset(_accepted(data)):
        raise Forged("the signed bytes are none that were signed")


def _verify_signed_xml(data: bytes) -> None:
    signer = Signed(signer=BANK, method=f"{MORE}ecdsa-sha256")
    canonical(parse_xml(data))  # else there is nothing to sign
    document = signer.document(data.decode())
    signed = verify_document(document, trust(), at=NOON)
    decode_xml(as_signed(signed.body, callbacks("srtp")[0], Form.XML))
