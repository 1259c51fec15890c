"""Write SRTP requests in each scheme, well signed unless a caller changes something after it."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Final

from simulator.pki import Identity
from simulator.sign_detached import Padding, signature_headers
from simulator.sign_jws import sign_detached_jws
from tests.vectors.srtp.pki import identity
from tests.vectors.writing import Filled, request

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
    filled: Filled | None = None,
) -> bytes:
    """Return a request handed over by the edge with the caller's certificate."""
    certificate = ("X-Client-Certificate", b64encode(identity(caller).der))
    headers = [("Content-Type", media_type.encode()), certificate, *(more or [])]
    return _written("srtp-tls", target, headers, body, filled=filled)


def detached_headers(
    body: bytes,
    *,
    signer: Identity | None = None,
    endpoint: str = "srtp-detached",
    sent: Mapping[str, str] | None = None,
    digest: str = "sha256",
    pad: Padding = Padding.PKCS1V15,
) -> dict[str, str]:
    """Return all headers of a request that is signed in its headers."""
    sent = sent or {"Content-Type": JSON, "X-Request-ID": "request-1"}
    signed = signature_headers(
        signer or identity("bank-a"),
        target_uri=ORIGIN + path_of(endpoint),
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
    endpoint: str = "srtp-detached",
    query: str = "",
    more: Iterable[tuple[str, bytes]] = (),
) -> bytes:
    """Return a request with these headers."""
    written = [(name, value.encode()) for name, value in headers.items()]
    return _written(endpoint, path_of(endpoint) + query, [*written, *more], body)


def by_jws(body: bytes, signature: str | None = None, *, endpoint: str = "srtp-jws") -> bytes:
    """Return a request whose body is signed by a detached JWS."""
    value = (
        sign_detached_jws(body, identity("bank-a"), algorithm="RS256")
        if signature is None
        else signature
    )
    headers = [("Content-Type", JSON.encode()), ("x-jws-signature", value.encode())]
    return _written(endpoint, path_of(endpoint), headers, body)


def by_xml(
    body: bytes,
    media_type: str = XML,
    *,
    endpoint: str = "srtp-xml",
    filled: Filled | None = None,
    stored_anyway: str = "",
) -> bytes:
    """Return a request whose proof is in its body alone."""
    headers = [("Content-Type", media_type.encode())]
    target = path_of(endpoint)
    return _written(endpoint, target, headers, body, filled=filled, stored_anyway=stored_anyway)


def path_of(endpoint: str) -> str:
    """Return where an endpoint that is named after its scheme has its callbacks sent."""
    return f"/{endpoint.removeprefix('srtp-')}/send"


def _written(
    endpoint: str,
    target: str,
    headers: Headers,
    body: bytes,
    *,
    filled: Filled | None = None,
    stored_anyway: str = "",
) -> bytes:
    return request(
        endpoint=endpoint,
        received_at=RECEIVED,
        target=target,
        headers=headers,
        body=body,
        filled=filled,
        stored_anyway=stored_anyway,
    )
