"""Target what verifies signatures beside a body and of tokens: headers, detached and compact JWS.

Where the input is verified with keys that the fuzzer has not, what is accepted must have been
signed; where the target signs the input itself, every check behind the signature is reached.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Final

from contracts.json_object import read_json
from contracts.raw import RawCallback
from tests.conformance.vector import VECTORS
from tests.fuzz.framing import joined, parted
from tests.fuzz.keys import HOLDER_NUMBER, public_jwk, sign_es256
from tests.fuzz.target import Forged, Target, rejections
from tests.fuzz.targets.documents import JSON_TOKENS
from tests.fuzz.targets.vectors import NOON, callbacks, endpoint_of, endpoints_with, trust_of
from tests.sources import key_of_file
from workers.verifier.detached_jws import verify_detached_jws
from workers.verifier.detached_signature import canonical_request, verify_detached
from workers.verifier.jwk import parse_jwk, parse_jwks
from workers.verifier.jws import read_compact, verify_signature
from workers.verifier.tokens import verify_token

HEADER_TOKENS: Final = (
    *(
        b"x-srtp-signature: ",
        b"x-srtp-signature-certificate: ",
        b"x-srtp-signature-algorithm-digest: ",
    ),
    *(
        b"content-type: ",
        b"location: ",
        b"sha3-512",
        b"SHA_256",
        b"\0",
        b"==",
        b"https://",
        b"[::1]",
    ),
)
JOSE_TOKENS: Final = (
    *(b'"alg":"none"', b'"alg":"HS256"', b'"crit":["b64"]', b'"b64":false', b'"kid":', b'"x5c":['),
    *(b'"typ":"JWT"', b'"exp":', b'"iat":', b'"aud":', b'"cty":"JWT"', b'"jwks_uri":', b".."),
)
JWK_TOKENS: Final = (
    *(b'"kty":"RSA"', b'"kty":"EC"', b'"kty":"OKP"', b'"crv":"P-521"', b'"crv":"Ed25519"'),
    *(b'"use":"sig"', b'"key_ops":["verify"]', b'"e":"AQAB"', b'"d":"', b'"x":"', b'"n":"'),
)
_METHOD: Final = ":method"
_URI: Final = ":uri"


def targets() -> tuple[Target, ...]:
    """Return the targets of this module."""
    return (
        Target(
            "detached-signature",
            "a request with X-SRTP-Signature headers; an accepted one must be one that was signed",
            _detached,
            _verify_detached,
            HEADER_TOKENS,
        ),
        Target(
            "detached-jws",
            "a body with x-jws-signature; an accepted one must be one that was signed",
            _detached_jws,
            _verify_detached_jws,
            JOSE_TOKENS,
        ),
        Target(
            "token",
            "a compact JWS (jws, tokens); an accepted one must be one that was signed",
            _tokens,
            _verify_token,
            JOSE_TOKENS,
        ),
        Target(
            "token-signed",
            "any header and claims, signed by a trusted key (tokens to the end)",
            _token_parts,
            _verify_signed_token,
            (*JSON_TOKENS, *JOSE_TOKENS),
        ),
        Target(
            "jwks", "a key set (jwk), and what its keys verify", _key_sets, _read_keys, JWK_TOKENS
        ),
    )


def _detached(*, genuine: bool = False) -> Iterator[bytes]:
    for callback in callbacks("srtp", "detached_signature", genuine=genuine):
        fields = {_METHOD: callback.method.encode(), _URI: callback.target_uri.encode()}
        fields["content-type"] = callback.content_type.encode("utf-8", "surrogateescape")
        yield joined({**fields, **callback.http}.items(), callback.body)


def _verify_detached(data: bytes) -> None:
    if not genuine_requests().issuperset(_accepted_requests(data)):
        raise Forged("the signed request is none that was signed")


@cache
def genuine_requests() -> frozenset[bytes]:
    return frozenset(one for seed in _detached(genuine=True) for one in _accepted_requests(seed))


def _accepted_requests(data: bytes) -> Iterator[bytes]:
    """Yield the signed bytes of a request that an endpoint accepts."""
    callback = _request(data)
    for endpoint in endpoints_with("srtp", "detached_signature"):
        with rejections():
            verify_detached(callback, trust_of(endpoint), at=NOON)
            fields = dict(callback.http)
            if callback.content_type:
                fields["content-type"] = callback.content_type.encode("utf-8", "surrogateescape")
            yield canonical_request(callback.method, callback.target_uri, fields, callback.body)


def _request(data: bytes) -> RawCallback:
    """Return the request that an input is, with its texts as a record's reader would give them."""
    fields, body = parted(data)
    http = {name.lower(): value for name, value in fields}
    return replace(
        callbacks("srtp")[0],
        method=http.pop(_METHOD, b"POST").decode("utf-8", "ignore"),
        target_uri=http.pop(_URI, b"").decode("utf-8", "ignore"),
        content_type=http.pop("content-type", b"").decode("utf-8", "surrogateescape"),
        http=http,
        body=body,
    )


def _detached_jws(*, genuine: bool = False) -> Iterator[bytes]:
    for callback in callbacks("srtp", "detached_jws", genuine=genuine):
        yield callback.http.get("x-jws-signature", b"") + b"\n" + callback.body


def _verify_detached_jws(data: bytes) -> None:
    if not genuine_values().issuperset(_accepted_values(data)):
        raise Forged("header and body are none that were signed")


@cache
def genuine_values() -> frozenset[tuple[bytes, bytes]]:
    return frozenset(one for seed in _detached_jws(genuine=True) for one in _accepted_values(seed))


def _accepted_values(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    value, _, body = data.partition(b"\n")
    for endpoint in endpoints_with("srtp", "detached_jws"):
        section = endpoint_of("srtp", endpoint).detached_jws
        if section is not None:
            with rejections():
                trust = trust_of(endpoint)
                verify_detached_jws(value, body, trust, section.algorithms, at=NOON)
                yield value.partition(b".")[0], body


def _tokens(*, genuine: bool = False) -> Iterator[bytes]:
    for callback in callbacks("wallet", genuine=genuine):
        with rejections():
            entries = read_json(callback.body).get("tokens")
            for entry in entries.values() if isinstance(entries, dict) else ():
                if isinstance(entry, dict) and isinstance(entry.get("token"), str):
                    yield entry["token"].encode("utf-8", "ignore")


def _verify_token(data: bytes) -> None:
    if not genuine_tokens().issuperset(_accepted_tokens(data)):
        raise Forged("header and payload are none that were signed")


@cache
def genuine_tokens() -> frozenset[bytes]:
    return frozenset(one for seed in _tokens(genuine=True) for one in _accepted_tokens(seed))


def _accepted_tokens(data: bytes) -> Iterator[bytes]:
    for endpoint in endpoints_with("wallet", "tokens"):
        section = endpoint_of("wallet", endpoint).tokens
        issuers = {one.issuer: one for one in section.issuers} if section else {}
        with rejections():
            text = data.decode("utf-8", "replace")
            verify_token(text, issuers, key_of_file, at=NOON)
            yield read_compact(text).signing_input


def _token_parts() -> Iterator[bytes]:
    for token in _tokens():
        with rejections():
            jws = read_compact(token)
            header = {**jws.header, "alg": "ES256", "kid": "fuzz"}
            yield json.dumps(header).encode() + b"\n" + jws.payload


def _verify_signed_token(data: bytes) -> None:
    header, _, payload = data.partition(b"\n")
    signing_input = encoded(header) + b"." + encoded(payload)
    signature = encoded(sign_es256(HOLDER_NUMBER, signing_input))
    text = (signing_input + b"." + signature).decode()
    key = parse_jwk(public_jwk(HOLDER_NUMBER))
    section = endpoint_of("wallet", endpoints_with("wallet", "tokens")[0]).tokens
    issuers = {one.issuer: one for one in section.issuers} if section else {}
    verify_token(text, issuers, lambda *_: key, at=NOON)


def _key_sets() -> Iterator[bytes]:
    yield (VECTORS / "wallet" / "jwks.json").read_bytes()
    yield json.dumps({"keys": [public_jwk(HOLDER_NUMBER)]}).encode()
    for members in json.loads((VECTORS / "wallet" / "jwks.json").read_bytes())["keys"]:
        yield json.dumps({"keys": [members, public_jwk(HOLDER_NUMBER)]}).encode()


def _read_keys(data: bytes) -> None:
    try:
        keys = parse_jwks(data)
    except ValueError:
        return  # as it declares
    for key in keys:
        for algorithm in sorted(key.algorithms):
            with rejections():
                verify_signature(b"", _some_signature(algorithm), key=key.key, algorithm=algorithm)
                raise Forged("a signature of nobody holds")


def _some_signature(algorithm: str) -> bytes:
    sizes = {"ES256": 64, "ES384": 96, "ES512": 132, "EdDSA": 64}
    return b"\x01" * sizes.get(algorithm, 256)


def encoded(data: bytes) -> bytes:
    """Return base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=")
