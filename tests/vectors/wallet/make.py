"""Make the wallet's vectors: `python -m tests.vectors.wallet.make`.

PROVENANCE.md says from what.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runtime import path_token
from simulator.sign_jws import encode, encode_json, sign_token
from tests.vectors.wallet.keys import token_key
from tests.vectors.writing import UNREADABLE, Files, compact, expected, request, write

DIRECTORY: Final = Path(__file__).parent
ENDPOINT: Final = "wallet-it"
PATH: Final = "/callbacks/wallet"
RECEIVED: Final = "2026-11-21T12:00:00.000000Z"
NOW: Final = 1_795_262_400  # the same second
STATE: Final = "Zk3vQ0Yw7pV1cX8uTn5mRg"
CODE: Final = "abc123"
ISSUER: Final = "https://wallet.example.org"
SECRET: Final = b"test-only-wallet-path-secret-first"
CLAIMS: Final[dict[str, Any]] = {
    "iss": ISSUER,
    "jwks_uri": f"{ISSUER}/jwks.json",
    "aud": "esito",
    "iat": NOW - 5,
    "exp": NOW + 300,
    "verification_id": "v-1",
    "presented": {"family_name": "Quaranta", "birth_date": "1987-06-05"},
}


def main() -> None:
    """Write every vector beside this file."""
    write(DIRECTORY, vectors())


def vectors() -> Files:
    """Return every made vector by its path below this folder."""
    files: Files = {}
    for kid in ("rsa", "ed25519"):
        _accept(files, f"verified-{kid}", {"1": token(kid)}, kid)
    _accept(files, "failed-entry-with-any-token", {"1": None}, "")
    _issuances(files)
    for name, body in {**_unreadable(), **_payloads()}.items():
        files[f"rejected/{name}.http"] = callback(body)
    for name, text in {**_claims(), **_headers(), **_signatures()}.items():
        files[f"rejected/{name}.http"] = callback(body_of({"1": text}))
    files["rejected/path_token_mismatch/another-state.http"] = callback(
        body_of({"1": token()}, state="another-state-of-ours")
    )
    return {**files, **_refused()}


def token(kid: str = "rsa", *, header: dict[str, Any] | None = None, **changes: object) -> str:
    """Return a token with claims changed; `...` takes one away."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return sign_token(claims, token_key(kid), header=header)


def body_of(tokens: dict[str, str | None], *, state: object = STATE, code: object = CODE) -> bytes:
    """Return a verification's body; None is a failed entry with a token that is none."""
    entries = {
        name: {"token": text or "e30.e30.e30", "status": "COMPLETED" if text else "FAILED"}
        for name, text in tokens.items()
    }
    return compact({"state": state, "code": code, "tokens": entries})


def callback(body: bytes, *, segment: str | None = None, filled_to: int = 0) -> bytes:
    """Return a request to the path of our state, or to another."""
    if segment is None:
        segment = path_token.mint(SECRET, endpoint=ENDPOINT, state=STATE).segment
    return request(
        endpoint=ENDPOINT,
        received_at=RECEIVED,
        target=f"{PATH}/{segment}",
        headers=[("Content-Type", b"application/json")],
        body=body,
        filled_to=filled_to,
    )


def _accept(files: Files, name: str, tokens: dict[str, str | None], kid: str) -> None:
    body = body_of(tokens)
    transaction, verified = _transaction(), bool(kid)
    outcome = "completed" if verified else "failed"
    statement: dict[str, Any] = {
        "transaction_id": transaction,
        "native_status": "VERIFIED" if verified else "FAILED",
        "reason": {} if verified else {"code": "template_failed"},
        "references": {"1.outcome": outcome},
        "terms": {"code": _term(CODE), "interaction": "verification", "template:1": outcome},
    }
    updates = [statement]
    if verified:
        claims = json.dumps(CLAIMS, sort_keys=True, separators=(",", ":"))
        statement["references"] |= {
            "1.verification_id": "v-1",
            "1.claims_digest": _term(claims),
            "1.holder_binding": "gateway-attested",
        }
        statement["terms"][f"verification_id:{_term('v-1')}"] = ""
        used = hashlib.sha256(f"{ISSUER}\nv-1".encode()).hexdigest()
        updates.append({"transaction_id": f"witness:verification:{used}", "mark": transaction})
    _expect(files, name, body, updates, kid)


def _issuances(files: Files) -> None:
    for name, status, completed, native in (
        ("issued", "Issued", True, "ISSUED"),
        ("issued-more-to-come", "Issued", False, "ISSUED_OPEN"),
        ("not-issued", "Rejected", True, "NOT_ISSUED"),
        ("not-yet-issued", "Waiting", False, "PENDING"),
    ):
        members = {"state": STATE, "code": CODE, "template_id": 1}
        body = compact({**members, "status": status, "completed": completed})
        statement = {
            "transaction_id": _transaction(),
            "native_status": native,
            "fact": f"{native}:1",
            "references": {"template_id": "1"},
            "terms": {"code": _term(CODE), "interaction": "issuance", "template:1": native},
        }
        _expect(files, name, body, [statement], "")


def _expect(files: Files, name: str, body: bytes, updates: list[dict[str, Any]], kid: str) -> None:
    by_path = {"scheme": "path_token", "algorithm": "none-over-body", "key_id": "first"}
    algorithms = {"rsa": "RS256", "ed25519": "EdDSA"}
    proof = (
        {
            "scheme": "jws",
            "algorithm": algorithms[kid],
            "key_id": kid,
            "signer": ISSUER,
            "beside": ["path_token"],
        }
        if kid
        else {**by_path, "signer": ENDPOINT}
    )
    files[f"accepted/{name}.http"] = callback(body)
    files[f"accepted/{name}.expected.json"] = expected(
        updates, provider="wallet", endpoint=ENDPOINT, received_at=RECEIVED, body=body, proof=proof
    )


def _unreadable() -> Files:
    return dict(UNREADABLE)


def _payloads() -> Files:
    good = token()
    return {
        "payload_invalid/id-missing": compact({"code": CODE, "tokens": {}}),
        "payload_invalid/state-null": body_of({"1": good}, state=None),
        "payload_invalid/state-none": body_of({"1": good}, state="None"),
        "payload_invalid/code-missing": compact({"state": STATE, "tokens": {}}),
        "payload_invalid/neither-kind": compact({"state": STATE, "code": CODE}),
        "payload_invalid/completed-without-token": compact(
            {"state": STATE, "code": CODE, "tokens": {"1": {"status": "COMPLETED"}}}
        ),
        "payload_contradictory/both-kinds": compact(
            {"state": STATE, "code": CODE, "tokens": {}, "template_id": 1}
        ),
        "payload_contradictory/swapped-template": body_of({"1": good, "2": good}),
    }


def _claims() -> dict[str, str]:
    return {
        "token_expired/expired": token(exp=NOW - 61),
        "token_not_yet_valid/nbf": token(nbf=NOW + 61),
        "token_not_yet_valid/iat": token(iat=NOW + 61),
        "token_too_old/iat": token(iat=NOW - 3_700),
        "token_audience_wrong/another": token(aud="somebody-else"),
        "token_audience_wrong/list": token(aud=["a", "b"]),
        "token_issuer_unknown/another": token(iss="https://evil.example.org"),
        "token_issuer_unknown/slash": token(iss=ISSUER + "/"),
        "token_claim_missing/iss": token(iss=...),
        "token_claim_missing/verification-id": token(verification_id=...),
        "token_claim_missing/iat": token(iat=...),
        "token_claim_missing/exp-a-text": token(exp="2026"),
        "token_claim_missing/exp-a-truth-value": token(exp=True),
        "token_claim_missing/nothing-presented": token(presented=...),
    }


def _headers() -> dict[str, str]:
    return {
        "token_header_forbidden/jku": token(header={"jku": "https://evil.example.org/jwks.json"}),
        "token_header_forbidden/x5u": token(header={"x5u": "https://evil.example.org/x.pem"}),
        "token_header_forbidden/jwk": token(header={"jwk": {"kty": "RSA"}}),
        "token_header_forbidden/x5c": token(header={"x5c": ["AAAA"]}),
        "token_header_forbidden/crit": token(header={"crit": ["exp"]}),
        "token_type_wrong/kb-jwt": token(header={"typ": "kb+jwt"}),
        "token_key_unknown/kid-path": token(header={"kid": "../../etc/passwd"}),
        "token_key_unknown/kid-sql": token(header={"kid": "x' OR '1'='1"}),
        "algorithm_forbidden/none": _unsigned("none"),
        "algorithm_forbidden/none-mixed-case": _unsigned("nOnE"),
        "algorithm_forbidden/hs256-with-the-public-key": _hmac_forgery(),
    }


def _signatures() -> dict[str, str]:
    head, payload, code = token().split(".")
    other = token(verification_id="v-2").split(".")
    duplicate = encode(b'{"alg":"RS256","alg":"RS256","kid":"rsa"}')
    return {
        "signature_mismatch/payload-swapped": f"{head}.{other[1]}.{code}",
        "signature_mismatch/signature-swapped": f"{head}.{payload}.{other[2]}",
        "signature_mismatch/strangers-key": token("stranger", header={"kid": "rsa"}),
        "signature_malformed/ecdsa-zero": _forged("p256", bytes(64)),
        "signature_malformed/ecdsa-short": _forged("p256", b"\x01" * 63),
        "token_malformed/two-parts": f"{head}.{payload}",
        "token_malformed/five-parts": f"{head}.{payload}.{code}.e30.e30",
        "token_malformed/padding": f"{head}.{payload}.{code}==",
        "token_malformed/white-space": f"{head}.{payload}. {code}",
        "token_malformed/junk": f"{head}.{payload}.{code}!",
        "token_malformed/duplicate-member": f"{duplicate}.{payload}.{code}",
        "token_malformed/not-json": f"{encode(b'alg')}.{payload}.{code}",
        "token_malformed/nested": token(header={"cty": "JWT"}),
    }


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


def _refused() -> Files:
    body = body_of({"1": token()})
    right = path_token.mint(SECRET, endpoint=ENDPOINT, state=STATE)
    other = path_token.mint(SECRET, endpoint="wallet-fr", state=STATE)
    first, _, seal = right.segment.partition(".")
    segments = {
        "credentials_wrong/seal-wrong": f"{first}.{'0' * 32}",
        "credentials_wrong/seal-cut": f"{first}.{seal[:-1]}",
        "credentials_wrong/seal-in-upper-case": f"{first}.{seal.upper()}",
        "credentials_wrong/seal-of-another-transaction": f"{'0' * 32}.{seal}",
        "credentials_wrong/of-another-endpoint": other.segment,
        "credentials_missing/no-segment": "",
    }
    files = {
        f"refused/{name}.http": callback(body, segment=segment)
        for name, segment in segments.items()
    }
    return {**files, "refused/body_too_large/oversize.http": callback(body, filled_to=65_537)}


def _transaction() -> str:
    """Return the id by the recipe of runtime/path_token.py, computed here by itself."""
    text = f"esito transaction\n{ENDPOINT}\n{STATE}".encode()
    return hmac.digest(SECRET, text, "sha256").hex()[:32]


def _term(text: str) -> str:
    signed = f"esito term\n{ENDPOINT}\n{_transaction()}\n{text}".encode()
    return hmac.digest(SECRET, signed, "sha256").hex()[:32]


if __name__ == "__main__":
    main()
