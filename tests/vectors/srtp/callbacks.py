"""Write SRTP requests in each scheme, well signed unless a caller changes something after it."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Final

from simulator.sign_detached import Padding, signature_headers
from simulator.sign_jws import sign_detached_jws
from tests.vectors.srtp.pki import identity
from tests.vectors.writing import request

RECEIVED: Final = "2026-11-21T12:00:00.000000Z"
ORIGIN: Final = "https://callbacks.example.org"
JSON: Final = "application/json"
XML: Final = "application/xml"
Headers = list[tuple[str, bytes]]


def by_tls(
    body: bytes,
    *,
    caller: str = "bank-a-tls",
    media_type: str = JSON,
    target: str = "/rtp/cb/v1/send",
    more: Headers | None = None,
    filled_to: int = 0,
) -> bytes:
    """Return a request handed over by the edge with the caller's certificate."""
    certificate = ("X-Client-Certificate", b64encode(identity(caller).der))
    headers = [("Content-Type", media_type.encode()), certificate, *(more or [])]
    return _written("srtp-tls", target, headers, body, filled_to=filled_to)


def detached_headers(
    body: bytes,
    *,
    signer: str = "bank-a",
    target: str = "/detached/send",
    sent: Mapping[str, str] | None = None,
    digest: str = "sha256",
    pad: Padding = Padding.PKCS1V15,
) -> dict[str, str]:
    """Return all headers of a request that is signed in its headers."""
    sent = sent or {"Content-Type": JSON, "X-Request-ID": "request-1"}
    signed = signature_headers(
        identity(signer),
        target_uri=ORIGIN + target,
        body=body,
        headers=sent,
        digest=digest,
        pad=pad,
    )
    return {**sent, **signed}


def detached(
    body: bytes,
    headers: Mapping[str, str],
    *,
    target: str = "/detached/send",
    endpoint: str = "srtp-detached",
    more: Iterable[tuple[str, bytes]] = (),
) -> bytes:
    """Return a request with these headers."""
    written = [(name, value.encode()) for name, value in headers.items()]
    return _written(endpoint, target, [*written, *more], body)


def by_jws(body: bytes, signature: str | None = None) -> bytes:
    """Return a request whose body is signed by a detached JWS."""
    value = (
        sign_detached_jws(body, identity("bank-a"), algorithm="RS256")
        if signature is None
        else signature
    )
    headers = [("Content-Type", JSON.encode()), ("x-jws-signature", value.encode())]
    return _written("srtp-jws", "/jws/send", headers, body)


def by_xml(body: bytes, media_type: str = XML) -> bytes:
    """Return a request whose proof is in its body alone."""
    return _written("srtp-xml", "/xml/send", [("Content-Type", media_type.encode())], body)


def _written(
    endpoint: str, target: str, headers: Headers, body: bytes, *, filled_to: int = 0
) -> bytes:
    return request(
        endpoint=endpoint,
        received_at=RECEIVED,
        target=target,
        headers=headers,
        body=body,
        filled_to=filled_to,
    )
