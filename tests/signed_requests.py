"""Sign requests for tests as a provider does, and take from them or add to them."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from contracts.raw import RawCallback, Source
from tests.certificates import (
    Issued,
    intermediate,
    leaf,
    pem,
    root,
    trust,
)
from workers.verifier.detached_signature import (
    CERTIFICATE,
    CHAIN,
    DIGEST,
    SIGNATURE,
    canonical_request,
)

ROOT: Final = root()
ISSUING_CA: Final = intermediate(ROOT)
BANK: Final = leaf(ISSUING_CA, key_type="rsa")
TRUST: Final = trust(ROOT)
URI: Final = "https://callbacks.example.org/rtp/cb/v2/send?x=%2F"
BODY: Final = b'{"resourceId":"1"}'
SENT: Final = {"x-request-id": b"r-1", "idempotency-key": b"K", "traceparent": b"00-1"}

Sign = Callable[[Issued, bytes, hashes.HashAlgorithm], bytes]


def pkcs1(one: Issued, signed: bytes, digest: hashes.HashAlgorithm) -> bytes:
    return rsa_key(one).sign(signed, padding.PKCS1v15(), digest)


def pss(one: Issued, signed: bytes, digest: hashes.HashAlgorithm) -> bytes:
    salt = padding.PSS.DIGEST_LENGTH
    return rsa_key(one).sign(signed, padding.PSS(padding.MGF1(digest), salt), digest)


def pss_max(one: Issued, signed: bytes, digest: hashes.HashAlgorithm) -> bytes:
    salt = padding.PSS.MAX_LENGTH
    return rsa_key(one).sign(signed, padding.PSS(padding.MGF1(digest), salt), digest)


def pss_short(one: Issued, signed: bytes, digest: hashes.HashAlgorithm) -> bytes:
    return rsa_key(one).sign(signed, padding.PSS(padding.MGF1(digest), 0), digest)


def ecdsa(one: Issued, signed: bytes, digest: hashes.HashAlgorithm) -> bytes:
    assert isinstance(one.key, ec.EllipticCurvePrivateKey)
    return one.key.sign(signed, ec.ECDSA(digest))


def rsa_key(one: Issued) -> rsa.RSAPrivateKey:
    assert isinstance(one.key, rsa.RSAPrivateKey)
    return one.key


def callback(
    one: Issued = BANK,
    *,
    body: bytes = BODY,
    digest: hashes.HashAlgorithm | None = None,
    digest_name: bytes | None = None,
    sign: Sign = pkcs1,
) -> RawCallback:
    fields = {**SENT, "content-type": b"application/json"}
    signed = canonical_request("POST", URI, fields, body)
    http = {
        **SENT,
        SIGNATURE: b64encode(sign(one, signed, digest or hashes.SHA256())),
        CERTIFICATE: b64encode(one.der),
        CHAIN: b64encode(pem(one, ISSUING_CA)),
    }
    if digest_name is not None:
        http[DIGEST] = digest_name
    return RawCallback(
        body=body,
        callback_id="",
        endpoint="bank",
        source=Source.CALLBACK,
        received_at="2026-11-02T12:00:00.000000Z",
        method="POST",
        target_uri=URI,
        principal="",
        content_type="application/json",
        http=http,
    )


def without(one: RawCallback, name: str) -> RawCallback:
    return replace(one, http={key: value for key, value in one.http.items() if key != name})


def having(one: RawCallback, name: str, value: bytes) -> RawCallback:
    return replace(one, http={**one.http, name: value})
