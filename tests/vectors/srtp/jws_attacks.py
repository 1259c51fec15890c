"""Make detached JWS that an SRTP endpoint must not take."""

import hmac
import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator.sign_jws import encode, encode_json, sign_detached_jws
from tests.vectors.srtp.callbacks import by_jws
from tests.vectors.srtp.pki import identity
from tests.vectors.writing import Files

_ELSEWHERE: Final = "https://evil.example.org/key"


def rejected(good: bytes) -> Files:
    """Return attacks by `verdict/code/name`; `good` is a body that would be accepted."""
    signature = _signed(good)
    bodies = {
        "signature_mismatch/jws-body-tampered": good.replace(b"ACTC", b"ACCP"),
        "signature_mismatch/jws-body-re-serialised": json.dumps(json.loads(good)).encode(),
        "signature_mismatch/jws-body-and-a-line-feed": good + b"\n",
    }
    values = {**_malformed(good), **_headers(good), **_algorithms(good), **_keys(good)}
    return {
        **{f"rejected/{name}": by_jws(body, signature) for name, body in bodies.items()},
        **{f"rejected/{name}": by_jws(good, value) for name, value in values.items()},
    }


def _malformed(good: bytes) -> dict[str, str]:
    protected, _, code = _signed(good).split(".")
    text = json.dumps(_members(protected))
    twice = encode((text[:-1] + ', "alg": "RS256"}').encode())
    return {
        "signature_malformed/jws-with-payload": f"{protected}.e30.{code}",
        "signature_malformed/jws-padding": f"{protected}..{code}=",
        "signature_malformed/jws-junk": f"{protected}..{code}!",
        "signature_malformed/jws-white-space": f"{protected}.. {code}",
        "signature_malformed/jws-short": f"{protected}..{encode(bytes(255))}",
        "signature_malformed/jws-without-signature": f"{protected}..",
        "signature_malformed/jws-duplicate-member": f"{twice}..{code}",
        "signature_malformed/jws-b64-true": _signed(good, b64=True),
        "signature_malformed/jws-b64-absent": _signed(good, b64=None, crit=None),
        "signature_malformed/jws-b64-not-critical": _signed(good, crit=None),
    }


def _headers(good: bytes) -> dict[str, str]:
    return {
        "token_header_forbidden/jws-jku": _signed(good, jku=_ELSEWHERE),
        "token_header_forbidden/jws-x5u": _signed(good, x5u=_ELSEWHERE),
        "token_header_forbidden/jws-jwk": _signed(good, jwk={"kty": "RSA"}),
        "token_header_forbidden/jws-crit-more": _signed(good, crit=["b64", "exp"]),
    }


def _algorithms(good: bytes) -> dict[str, str]:
    protected, _, code = _signed(good).split(".")
    members = _members(protected)

    def named(algorithm: str) -> str:
        return encode_json({**members, "alg": algorithm})

    public = identity("bank-a").key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = hmac.digest(pem, named("HS256").encode() + b"." + good, "sha256")
    return {
        "algorithm_forbidden/jws-none": f"{named('none')}..",
        "algorithm_forbidden/jws-none-beside-a-signature": f"{named('none')}..{code}",
        "algorithm_forbidden/jws-hs256": f"{named('HS256')}..{encode(mac)}",
        "algorithm_forbidden/jws-of-another-key": f"{named('ES256')}..{code}",
        "signature_mismatch/jws-algorithm-swapped": f"{named('PS256')}..{code}",
    }


def _keys(good: bytes) -> dict[str, str]:
    bank = identity("bank-b")
    thumbprint = encode(bytes.fromhex(bank.fingerprint))
    in_base64url = urlsafe_b64encode(identity("bank-a").der).decode().rstrip("=")
    return {
        "certificate_missing/jws-without-x5c": _signed(good, x5c=None),
        "certificate_malformed/jws-x5c-empty": _signed(good, x5c=[]),
        "certificate_malformed/jws-x5c-in-base64url": _signed(good, x5c=[in_base64url]),
        "certificate_malformed/jws-x5t-of-another": _signed(good, **{"x5t#S256": thumbprint}),
        "algorithm_forbidden/jws-certificate-of-another": _signed(
            good, x5c=[b64encode(bank.der).decode()]
        ),
    }


def _signed(good: bytes, **header: Any) -> str:  # noqa: ANN401 - any JSON
    return sign_detached_jws(good, identity("bank-a"), algorithm="RS256", header=header)


def _members(protected: str) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(urlsafe_b64decode(protected + "=="))
    return members
