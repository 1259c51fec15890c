"""Say which bytes of a vector are protected: what is signed, and what proves it. Pure.

This is a second statement of each scheme, by hand; the verifier is not asked what it looks at.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from contracts.provider import Door
from runtime.endpoint_configuration import Endpoint
from tests.conformance.vector import Vector

_CERTIFICATE_TEXT: Final = re.compile(rb"<ds:X509Certificate>(.*?)</ds:X509Certificate>", re.DOTALL)
_SPACE: Final = re.compile(rb"(?:\s|\\n)+")
_SIGNATURE: Final = "x-srtp-signature"
_CERTIFICATE: Final = "x-srtp-signature-certificate"
_CHAIN: Final = "x-srtp-signature-certificate-chain"
_DIGEST: Final = "x-srtp-signature-algorithm-digest"
_SIGNED_HEADERS: Final = ("content-type", "idempotency-key", "location", "x-request-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some bytes of a request: from `start` to before `end` of its `body`, `target` or a header.

    `where` is one of these two words, or a header's name in lower case. No other byte may be taken
    in the place of one that is not `free`.
    """

    where: str
    start: int
    end: int
    free: frozenset[int] = frozenset()

    def flipped(self, vector: Vector, offset: int, mask: int) -> Vector:
        """Return the vector with the bits of `mask` turned over in one byte."""
        match self.where:
            case "body":
                return replace(vector, body=_flipped(vector.body, offset, mask))
            case "target":
                raw = _flipped(vector.target.encode(), offset, mask)
                return replace(vector, target=raw.decode("utf-8", "surrogateescape"))
            case header:
                fields = [
                    (name, _flipped(value, offset, mask) if name.lower() == header else value)
                    for name, value in vector.fields
                ]
                return replace(vector, fields=fields)


def parts_of(vector: Vector, endpoint: Endpoint, door: Door) -> list[Part]:
    """Return the protected parts of an accepted vector; no byte is in two of them."""
    found = {(part.where, part.start): part for part in _parts(vector, endpoint, door)}
    return list(found.values())


def security_headers(vector: Vector, endpoint: Endpoint, door: Door) -> Iterator[tuple[str, bool]]:
    """Yield the names of the headers that prove or are signed, and whether one has a default."""
    sent = {name.lower() for name, _ in vector.fields}
    for part in parts_of(vector, endpoint, door):
        # Twice the same media type is for the HTTP library to refuse, which no vector goes through.
        if part.where in sent - {"content-type"}:
            yield part.where, part.where == _DIGEST


def _parts(vector: Vector, endpoint: Endpoint, door: Door) -> Iterator[Part]:
    body = Part(where="body", start=0, end=len(vector.body))
    target = Part(where="target", start=0, end=len(vector.target))
    if endpoint.api_key:
        yield from _headers(vector, door.api_key_header)
    if endpoint.hmac:
        yield from (body, target)
        yield from _headers(vector, door.timestamp_header)
        # Its digits may be of either case.
        yield from _headers(vector, door.signature_header, strict=False)
    if endpoint.detached_signature:
        yield from (body, target)
        yield from _headers(vector, _SIGNATURE, _CERTIFICATE, *_SIGNED_HEADERS)
        # Not signed: a digest must fit the signature by any of its spellings, and a certificate
        # of the chain that we have ourselves need not come.
        yield from _headers(vector, _DIGEST, _CHAIN, strict=False)
    if endpoint.detached_jws:
        yield body
        yield from _headers(vector, endpoint.detached_jws.header)
    if endpoint.xmldsig:
        yield replace(body, free=_free_in_xml(vector))
    if endpoint.client_certificate:
        yield from _headers(vector, endpoint.client_certificate.header or "")
    if endpoint.path_token:
        yield replace(target, start=vector.target.rindex("/") + 1)
        yield from _in_body(vector)


def _headers(vector: Vector, *names: str, strict: bool = True) -> Iterator[Part]:
    for name, value in vector.fields:
        if name.lower() in names:
            free = frozenset() if strict else frozenset(range(len(value)))
            yield Part(where=name.lower(), start=0, end=len(value), free=free)


def _in_body(vector: Vector) -> Iterator[Part]:
    """Yield the state, to which the path is bound, and the tokens of templates that succeeded."""
    members = json.loads(vector.body)
    entries = members.get("tokens", {}).values()
    texts = [entry["token"] for entry in entries if entry["status"] == "COMPLETED"]
    for text in (members["state"], *texts):
        start = vector.body.index(text.encode())
        yield Part(where="body", start=start, end=start + len(text.encode()))


def _free_in_xml(vector: Vector) -> frozenset[int]:
    """Return where the body of an XML signature is signed by nobody, and says nothing.

    That is the declaration, which canonical XML does not have; white space behind SignedInfo, which
    is no part of a base64 value; certificates behind the first one, which we have ourselves; and
    what stands around the document in a JSON envelope.
    """
    start, end, document = _document(vector)
    after = document.index(b"</ds:SignedInfo>")
    spans = [(0, document.index(b"?>") + 2)]
    spans += [found.span() for found in _SPACE.finditer(document, after)]
    if b"AppHdr" not in document:  # else they are signed, with all of KeyInfo
        spans += [found.span() for found in list(_CERTIFICATE_TEXT.finditer(document))[1:]]
    offsets = {*range(start), *range(end, len(vector.body))}
    in_base64 = end - start != len(document)
    if in_base64:  # four characters for three bytes
        spans = [(begin // 3 * 4, -(-until // 3) * 4) for begin, until in spans]
    for begin, until in spans:
        offsets |= {*range(start + begin, start + until)}
    return frozenset(offsets)


def _document(vector: Vector) -> tuple[int, int, bytes]:
    """Return where the document begins and ends in the body, and its bytes as they stand there."""
    if not vector.body.startswith(b"{"):
        return 0, len(vector.body), vector.body
    text = json.loads(vector.body)["AsynchronousSepaRequestToPayResponse"]["Document"]
    written = json.dumps(text, ensure_ascii=False)[1:-1].encode()
    start = vector.body.index(written)
    is_xml = text.startswith("<")
    return start, start + len(written), written if is_xml else b64decode(text)


def _flipped(raw: bytes, offset: int, mask: int) -> bytes:
    return raw[:offset] + bytes([raw[offset] ^ mask]) + raw[offset + 1 :]
