"""Sign SRTP callbacks for each endpoint as it demands: who signs, in which carrier, which headers.

An endpoint's sections say which schemes it takes; here every one it has is used. The identities lie
beside the trust files that `esito pki` wrote: DIRECTORY/trust is given to the receiver,
DIRECTORY/identities is the banks' own.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, partial
from random import Random
from typing import Any, Final, TypeVar
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding

from contracts.errors import Broken
from runtime.endpoint_configuration import Endpoint
from simulator.people import uuid
from simulator.pki import Identity
from simulator.pki_files import read_identity
from simulator.plan import Callback
from simulator.scene import Scene
from simulator.sign_detached import DIGESTS, Padding, signature_headers
from simulator.sign_jws import sign_detached_jws
from simulator.sign_xml import business_message, sign_business_message, sign_document
from simulator.srtp.bodies import (
    CANCELLATION,
    REPORT_VERSIONS,
    Envelope,
    cancellation_body,
    carrying,
    json_body,
    xml_document,
)
from simulator.srtp.messages import CREDITOR_BIC, Message, written

JSON: Final = "application/json"
XML: Final = "application/xml"
_DEFINITION: Final = re.compile(rb"xsd:([a-z0-9.]+)")
SIGNATURES: Final = ("xmldsig", "detached_signature", "detached_jws")

Edit = Callable[[bytes], bytes]
"""Change what was signed, after it was signed."""

Carry = TypeVar("Carry")


class Carrier(StrEnum):
    """How a message lies in a body; an XML signature needs one of the last four."""

    JSON_DIRECT = "json-direct"
    JSON_DOCUMENT = "json-document"
    XML_BODY = "xml-body"
    XML_TEXT = "xml-text"
    XML_BASE64 = "xml-base64"
    BUSINESS_MESSAGE = "business-message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One callback to be made: the message and its content, and everything that is wrong with it.

    `signer` is the name of an identity, by default the speaker's own; `caller` that of who connects
    by TLS, by default the signer. `edit` changes the signed document, or the body where a header
    signs it. `signed` False leaves every signature out. Without `carrier` chance decides.
    """

    message: Message
    content: Mapping[str, Any]
    carrier: Carrier | None = None
    signer: str = ""
    caller: str = ""
    signed: bool = True
    edit: Edit = field(default=bytes)
    answer: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Request:
    """What a signature in a header covers."""

    target_uri: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cast:
    """All who sign in one scene."""

    scene: Scene
    identity: Callable[[str], Identity]

    def endpoints(self, *schemes: str) -> tuple[Endpoint, ...]:
        """Return the endpoints that have one of these sections, or any of them all."""
        wanted = schemes or (*SIGNATURES, "client_certificate")
        return tuple(
            one
            for one in self.scene.endpoints.values()
            if any(getattr(one, scheme) is not None for scheme in wanted)
        )

    def callback(self, rng: Random, endpoint: Endpoint, act: Act) -> Callback:
        """Return the callback, signed in every way that the endpoint has a section for."""
        signer = self.identity(act.signer or act.message.speaker.id)
        media_type, body = self._body(rng, endpoint, act, signer)
        path = _path(endpoint, act)
        headers = {"Content-Type": media_type, "X-Request-ID": uuid(rng)}
        if act.signed:
            request = _Request(self.scene.public_url + path, body, dict(headers))
            headers |= _signatures(rng, endpoint, signer, request)
            headers |= self._client_certificate(endpoint, act)
        if endpoint.xmldsig is None:
            body = act.edit(body)
        return Callback(
            body,
            answer=act.answer,
            endpoint=endpoint.name,
            path=path,
            headers=(*headers.items(), *act.headers),
        )

    def _body(
        self, rng: Random, endpoint: Endpoint, act: Act, signer: Identity
    ) -> tuple[str, bytes]:
        if endpoint.xmldsig is None:
            return _chosen(_UNSIGNED_CARRIERS, rng, endpoint, act)(rng, act)
        document = _xml(rng, act)
        if not act.signed:
            return XML, act.edit(document)
        return _chosen(_SIGNED_CARRIERS, rng, endpoint, act)(act, document, signer)

    def _client_certificate(self, endpoint: Endpoint, act: Act) -> dict[str, str]:
        """Return the header of the edge; where Esito ends TLS itself, a handshake is all it has."""
        section = endpoint.client_certificate
        if section is None or section.header is None:
            return {}
        caller = self.identity(caller_of(act))
        pem = caller.certificate.public_bytes(Encoding.PEM).decode()
        der = b64encode(caller.der).decode()
        return {section.header: quote(pem) if section.encoding == "pem_urlencoded" else der}


def cast_of(scene: Scene) -> Cast:
    """Return the cast whose identities lie beside the first endpoint's trust files.

    Raises:
        Broken: no endpoint trusts a PKI of ours; nothing can be signed.
    """
    for endpoint in scene.endpoints.values():
        if endpoint.certificates is not None and endpoint.certificates.root_files:
            directory = endpoint.certificates.root_files[0].parent.parent
            return Cast(scene, cache(partial(read_identity, directory)))
    raise Broken(
        f"endpoint {scene.first.name}: certificates.root_files names no test PKI to sign with; "
        "esito pki writes one"
    )


def caller_of(act: Act) -> str:
    """Return the name of the identity that the callback's TLS connection is made with."""
    name = act.caller or act.signer or act.message.speaker.id
    # The bad identities seal only; whoever calls with one of them has it as its own.
    return f"{name}-tls" if name in {"bank-a", "bank-b"} else name


def _path(endpoint: Endpoint, act: Act) -> str:
    """Return the path for this message: /cancel for a cancellation where there is one."""
    if CANCELLATION in act.content:
        for path in endpoint.more_paths:
            if path.endswith("/cancel"):
                return path
    return endpoint.path


def _signatures(
    rng: Random, endpoint: Endpoint, signer: Identity, request: _Request
) -> dict[str, str]:
    found: dict[str, str] = {}
    if endpoint.detached_signature is not None:
        found |= signature_headers(
            signer,
            target_uri=request.target_uri,
            body=request.body,
            headers=request.headers,
            digest=rng.choice(list(DIGESTS)),
            pad=rng.choice(list(Padding)),
        )
    if endpoint.detached_jws is not None:
        found[endpoint.detached_jws.header] = sign_detached_jws(request.body, signer)
    return found


def _chosen(carriers: Mapping[Carrier, Carry], rng: Random, endpoint: Endpoint, act: Act) -> Carry:
    """Return how to carry the act: as it says, or one of the ways the endpoint takes."""
    carrier = act.carrier or rng.choice(list(carriers))
    if carrier not in carriers:
        raise Broken(f"endpoint {endpoint.name} takes no {carrier}; it takes {', '.join(carriers)}")
    return carriers[carrier]


def _xml(rng: Random, act: Act) -> bytes:
    return xml_document(act.content, rng.choice(REPORT_VERSIONS))


def _json_direct(_: Random, act: Act) -> tuple[str, bytes]:
    return JSON, _json(act, Envelope.DIRECT)


def _json_document(_: Random, act: Act) -> tuple[str, bytes]:
    return JSON, _json(act, Envelope.DOCUMENT)


def _unsigned_xml(rng: Random, act: Act) -> tuple[str, bytes]:
    return XML, _xml(rng, act)


def _json(act: Act, envelope: Envelope) -> bytes:
    if CANCELLATION in act.content:
        return cancellation_body(act.content)
    return json_body(act.content, envelope)


def _xml_body(act: Act, document: bytes, signer: Identity) -> tuple[str, bytes]:
    return XML, act.edit(sign_document(document, signer))


def _xml_text(act: Act, document: bytes, signer: Identity) -> tuple[str, bytes]:
    signed = act.edit(sign_document(document, signer))
    return JSON, carrying({"Document": signed.decode()})


def _xml_base64(act: Act, document: bytes, signer: Identity) -> tuple[str, bytes]:
    signed = act.edit(sign_document(document, signer))
    return JSON, carrying({"Document": b64encode(signed).decode()})


def _xml_business_message(act: Act, document: bytes, signer: Identity) -> tuple[str, bytes]:
    name = _DEFINITION.search(document)
    unsigned = business_message(
        document,
        sender=act.message.speaker.bic,
        receiver=CREDITOR_BIC,
        identifier=act.message.id,
        created=written(act.message.created),
        definition=name[1].decode() if name else "",
    )
    return XML, act.edit(sign_business_message(unsigned, signer))


_UNSIGNED_CARRIERS: Final = {
    Carrier.JSON_DIRECT: _json_direct,
    Carrier.JSON_DOCUMENT: _json_document,
    Carrier.XML_BODY: _unsigned_xml,
}
_SIGNED_CARRIERS: Final = {
    Carrier.XML_BODY: _xml_body,
    Carrier.XML_TEXT: _xml_text,
    Carrier.XML_BASE64: _xml_base64,
    Carrier.BUSINESS_MESSAGE: _xml_business_message,
}
