"""Make the wallet's vectors: `python -m tests.vectors.wallet.make`.

PROVENANCE.md says from what.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any, Final

from runtime import path_token
from tests.vectors.wallet import token_attacks
from tests.vectors.wallet.tokens import CLAIMS, ISSUER, token
from tests.vectors.writing import UNREADABLE, Files, Filled, compact, expected, request, write

DIRECTORY: Final = Path(__file__).parent
ENDPOINT: Final = "wallet-it"
PATHS: Final = {ENDPOINT: "/callbacks/wallet", "wallet-online": "/callbacks/online"}
RECEIVED: Final = "2026-11-21T12:00:00.000000Z"
STATE: Final = "Zk3vQ0Yw7pV1cX8uTn5mRg"
CODE: Final = "abc123"
SECRET: Final = b"test-only-wallet-path-secret-first"


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
    for name, text in token_attacks.rejected().items():
        files[f"rejected/{name}.http"] = callback(body_of({"1": text}))
    for name, text in token_attacks.of_another_address().items():
        files[f"rejected/{name}.http"] = callback(body_of({"1": text}), endpoint="wallet-online")
    files["rejected/path_token_mismatch/another-state.http"] = callback(
        body_of({"1": token()}, state="another-state-of-ours")
    )
    return {**files, **_refused()}


def body_of(tokens: dict[str, str | None], *, state: object = STATE, code: object = CODE) -> bytes:
    """Return a verification's body; None is a failed entry with a token that is none."""
    entries = {
        name: {"token": text or "e30.e30.e30", "status": "COMPLETED" if text else "FAILED"}
        for name, text in tokens.items()
    }
    return compact({"state": state, "code": code, "tokens": entries})


def callback(
    body: bytes,
    *,
    segment: str | None = None,
    endpoint: str = ENDPOINT,
    filled: Filled | None = None,
) -> bytes:
    """Return a request to the path of our state, or to another."""
    if segment is None:
        segment = path_token.mint(SECRET, endpoint=endpoint, state=STATE).segment
    return request(
        endpoint=endpoint,
        received_at=RECEIVED,
        target=f"{PATHS[endpoint]}/{segment}",
        headers=[("Content-Type", b"application/json")],
        body=body,
        filled=filled,
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
    said = statement
    if verified:
        claims = json.dumps(CLAIMS, sort_keys=True, separators=(",", ":"))
        statement["references"] |= {
            "1.verification_id": "v-1",
            "1.claims_digest": _term(claims),
            "1.holder_binding": "gateway-attested",
        }
        statement["terms"][f"verification_id:{_term('v-1')}"] = ""
        used = hashlib.sha256(f"{ISSUER}\nv-1".encode()).hexdigest()
        behind = {name: text for name, text in statement.items() if text} | {"fact": "VERIFIED"}
        name_of_use = f"witness:verification:{used}"
        said = {"transaction_id": name_of_use, "mark": transaction, "then": behind}
    _expect(files, name, body, [said], kid)


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
    return {**files, "refused/body_too_large/oversize.http": callback(body, filled=Filled(65_537))}


def _transaction() -> str:
    """Return the id by the recipe of runtime/path_token.py, computed here by itself."""
    text = f"esito transaction\n{ENDPOINT}\n{STATE}".encode()
    return hmac.digest(SECRET, text, "sha256").hex()[:32]


def _term(text: str) -> str:
    signed = f"esito term\n{ENDPOINT}\n{_transaction()}\n{text}".encode()
    return hmac.digest(SECRET, signed, "sha256").hex()[:32]


if __name__ == "__main__":
    main()
