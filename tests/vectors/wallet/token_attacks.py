"""Make tokens that the wallet's endpoint must not take, by `code/name`."""

import hmac
import json
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator.sign_jws import encode, encode_json, sign_input
from tests.vectors.wallet.keys import token_key
from tests.vectors.wallet.tokens import CLAIMS, ISSUER, NOW, token

_ELSEWHERE: Final = "https://evil.example.org"
# SEC 2 §2.4.2: a signature's r and s are smaller than the order of P-256.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HEADER: Final = b'{"alg":"RS256","kid":"rsa","typ":"JWT"}'


def rejected() -> dict[str, str]:
    """Return every one for the endpoint whose key set is a file."""
    return {
        **_claims(),
        **_headers(),
        **_algorithms(),
        **_signatures(),
        **_elliptic(),
        **_encodings(),
        **_members(),
    }


def of_another_address() -> dict[str, str]:
    """Return those for the endpoint that pins the address of the key set."""
    return {
        f"token_key_source_wrong/{name}": token(jwks_uri=uri)
        for name, uri in {
            "another": f"{_ELSEWHERE}/jwks.json",
            "plain-http": f"{ISSUER}/jwks.json".replace("https", "http"),
            "query-added": f"{ISSUER}/jwks.json?again",
            "a-list": [f"{ISSUER}/jwks.json"],
        }.items()
    }


def _claims() -> dict[str, str]:
    return {
        "token_expired/expired": token(exp=NOW - 61),
        "token_not_yet_valid/nbf": token(nbf=NOW + 61),
        "token_not_yet_valid/iat": token(iat=NOW + 61),
        "token_too_old/iat": token(iat=NOW - 3_700),
        "token_audience_wrong/another": token(aud="somebody-else"),
        "token_audience_wrong/list": token(aud=["a", "b"]),
        "token_audience_wrong/missing": token(aud=...),
        # The same gateway and keys, another customer of it.
        "token_audience_wrong/of-another-tenant": token(
            aud="another-tenant", verification_id="v-of-another-tenant"
        ),
        "token_issuer_unknown/another": token(iss=_ELSEWHERE),
        "token_issuer_unknown/slash": token(iss=ISSUER + "/"),
        "token_claim_missing/iss": token(iss=...),
        "token_claim_missing/iss-a-list": token(iss=[ISSUER]),
        "token_claim_missing/verification-id": token(verification_id=...),
        "token_claim_missing/iat": token(iat=...),
        "token_claim_missing/exp-a-text": token(exp="2026"),
        "token_claim_missing/exp-a-truth-value": token(exp=True),
        "token_claim_missing/exp-beyond-year-9999": token(exp=10**12),
        "token_claim_missing/aud-a-number": token(aud=1),
        "token_claim_missing/nothing-presented": token(presented=...),
    }


def _headers() -> dict[str, str]:
    return {
        "token_header_forbidden/jku": token(header={"jku": f"{_ELSEWHERE}/jwks.json"}),
        "token_header_forbidden/x5u": token(header={"x5u": f"{_ELSEWHERE}/x.pem"}),
        "token_header_forbidden/jwk": token(header={"jwk": {"kty": "RSA"}}),
        "token_header_forbidden/x5c": token(header={"x5c": ["AAAA"]}),
        "token_header_forbidden/crit": token(header={"crit": ["exp"]}),
        "token_header_forbidden/crit-empty": token(header={"crit": []}),
        "token_header_forbidden/b64": token(header={"b64": False}),
        "token_type_wrong/kb-jwt": token(header={"typ": "kb+jwt"}),
        "token_type_wrong/a-number": token(header={"typ": 1}),
        "token_key_unknown/kid-path": token(header={"kid": "../../etc/passwd"}),
        "token_key_unknown/kid-sql": token(header={"kid": "x' OR '1'='1"}),
        "token_key_unknown/kid-of-a-stranger": token("stranger"),
        "token_key_unknown/kid-in-upper-case": token(header={"kid": "RSA"}),
        "token_malformed/kid-a-list": token(header={"kid": ["rsa"]}),
        "token_malformed/kid-10-kb": token(header={"kid": "k" * 10_240}),
        "token_malformed/nested": token(header={"cty": "JWT"}),
    }


def _algorithms() -> dict[str, str]:
    return {
        "algorithm_forbidden/none": _unsigned("none"),
        "algorithm_forbidden/none-mixed-case": _unsigned("nOnE"),
        "algorithm_forbidden/hs256-with-the-public-key": _hmac_forgery(),
        "algorithm_forbidden/ps256": token(header={"alg": "PS256"}),
        "algorithm_forbidden/es256-with-an-rsa-key": token(header={"alg": "ES256"}),
        "algorithm_forbidden/rs256-with-an-elliptic-key": token(header={"kid": "p256"}),
        "token_malformed/without-alg": token(header={"alg": None}),
    }


def _signatures() -> dict[str, str]:
    head, payload, code = token().split(".")
    other = token(verification_id="v-2").split(".")
    eddsa = token("ed25519").rpartition(".")[0]
    return {
        "signature_mismatch/payload-swapped": f"{head}.{other[1]}.{code}",
        "signature_mismatch/signature-swapped": f"{head}.{payload}.{other[2]}",
        "signature_mismatch/strangers-key": token("stranger", header={"kid": "rsa"}),
        "signature_malformed/rsa-short": f"{head}.{payload}.{encode(bytes(255))}",
        "signature_malformed/rsa-empty": f"{head}.{payload}.",
        "signature_malformed/ed25519-short": f"{eddsa}.{encode(bytes(63))}",
    }


def _elliptic() -> dict[str, str]:
    one = (1).to_bytes(32)
    order = _ORDER.to_bytes(32)
    forged = {
        "signature_malformed/ecdsa-zero": bytes(64),
        "signature_malformed/ecdsa-r-zero": bytes(32) + one,
        "signature_malformed/ecdsa-s-zero": one + bytes(32),
        "signature_malformed/ecdsa-short": b"\x01" * 63,
        "signature_malformed/ecdsa-long": b"\x01" * 65,
        "signature_malformed/ecdsa-empty": b"",
        "signature_malformed/ecdsa-in-der": bytes.fromhex("3006020101020101"),
        "signature_mismatch/ecdsa-ones": one + one,
        # Zero again, to a verifier that reduces before it looks.
        "signature_mismatch/ecdsa-of-the-order": order + order,
    }
    return {name: _forged("p256", signature) for name, signature in forged.items()}


def _encodings() -> dict[str, str]:
    head, payload, code = token().split(".")
    # The signature has 256 bytes: 4 bits of its last character belong to no byte.
    spelt_otherwise = code[:-1] + chr(ord(code[-1]) + 1)
    return {
        "token_malformed/empty": ".",
        "token_malformed/two-parts": f"{head}.{payload}",
        "token_malformed/five-parts": f"{head}.{payload}.{code}.e30.e30",
        "token_malformed/padding": f"{head}.{payload}.{code}==",
        "token_malformed/white-space": f"{head}.{payload}. {code}",
        "token_malformed/junk": f"{head}.{payload}.{code}!",
        "token_malformed/junk-in-the-payload": f"{head}.{payload}!.{code}",
        "token_malformed/line-feed-in-the-payload": f"{head}.{payload[:9]}\n{payload[9:]}.{code}",
        "token_malformed/left-over-bits": f"{head}.{payload}.{spelt_otherwise}",
        "token_malformed/not-the-url-alphabet": f"{head}.{payload}.+/{code[2:]}",
        "token_malformed/not-ascii": f"{head}.{payload}.{code[:-1]}é",
    }


def _members() -> dict[str, str]:
    payload = json.dumps(CLAIMS).encode()
    twice = payload[:-1] + b', "iss": "https://evil.example.org"}'
    return {
        "token_malformed/duplicate-member": _signed(_HEADER[:-1] + b',"alg":"none"}', payload),
        "token_malformed/duplicate-claim": _signed(_HEADER, twice),
        "token_malformed/claim-not-a-number": _signed(
            _HEADER, payload.replace(str(NOW + 300).encode(), b"NaN")
        ),
        "token_malformed/claims-a-list": _signed(_HEADER, b"[" + payload + b"]"),
        "token_malformed/claims-in-utf-16": _signed(_HEADER, payload.decode().encode("utf-16")),
        "token_malformed/header-a-list": _signed(b"[" + _HEADER + b"]", payload),
        "token_malformed/not-json": _signed(b"alg", payload),
    }


def _signed(header: bytes, payload: bytes) -> str:
    text = f"{encode(header)}.{encode(payload)}"
    return f"{text}.{encode(sign_input(token_key('rsa').key, 'RS256', text.encode()))}"


def _unsigned(algorithm: str) -> str:
    return f"{encode_json({'alg': algorithm, 'typ': 'JWT'})}.{encode_json(CLAIMS)}."


def _hmac_forgery() -> str:
    public = token_key("rsa").key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encode_json({'alg': 'HS256', 'kid': 'rsa', 'typ': 'JWT'})}.{encode_json(CLAIMS)}"
    return f"{signed}.{encode(hmac.digest(pem, signed.encode(), 'sha256'))}"


def _forged(kid: str, signature: bytes) -> str:
    header = {"alg": "ES256", "kid": kid, "typ": "JWT"}
    return f"{encode_json(header)}.{encode_json(CLAIMS)}.{encode(signature)}"
