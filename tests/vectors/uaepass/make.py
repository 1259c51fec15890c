"""Make UAE PASS's vectors: `python -m tests.vectors.uaepass.make`. PROVENANCE.md says from what.

Codes are computed here with the standard library alone, by the recipe that endpoint.yaml declares:
HMAC-SHA-256 over timestamp, method, path and body, joined by line feeds, in hexadecimal.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any, Final

from tests.vectors.writing import UNREADABLE, Files, Filled, compact, expected, request, write

DIRECTORY: Final = Path(__file__).parent
SAMPLE: Final = (DIRECTORY / "sample-accepted.json").read_bytes()
PATH: Final = "/api/v1/consent/transaction/callback"
RECEIVED: Final = "2025-06-24T09:56:41.250000Z"
NOW: Final = 1_750_759_001  # the same second
SAID: Final = {
    "transaction_id": "m9mf2a64pk21v9nolu",
    "native_status": "ACCEPTED",
    "references": {"uaepass_transaction_id": "cc8bd6a3-38aa-425b-98db-d3d792d8ce7f"},
}
Headers = list[tuple[str, bytes]]


def main() -> None:
    """Write every vector beside this file."""
    write(DIRECTORY, vectors())


def vectors() -> Files:
    """Return every made vector by its path below this folder."""
    files: Files = {"golden-vector.json": _golden_vector()}
    for name, (body, said) in _accepted().items():
        _accept(files, name, body, said)
    _accept(files, "second-hmac-key", SAMPLE, SAID, key="second")
    _accept(files, "timestamp-at-the-tolerance", SAMPLE, SAID, timestamp=b"%d" % (NOW - 299))
    _accept(files, "timestamp-ahead-of-us", SAMPLE, SAID, timestamp=b"%d" % (NOW + 300))
    for name, body in {**UNREADABLE, **_invalid()}.items():
        files[f"rejected/{name}.http"] = _http(body)
    stale = "rejected/timestamp_outside_tolerance"
    for name, timestamp in {
        "stale-timestamp": NOW - 300,
        "future-timestamp": NOW + 301,
        "timestamp-zero": 0,
        "timestamp-in-the-year-9999": 253_402_300_799,
    }.items():
        files[f"{stale}/{name}.http"] = _http(SAMPLE, timestamp=b"%d" % timestamp)
    files |= {f"refused/{name}.http": text for name, text in _refused().items()}
    return files


def _accepted() -> dict[str, tuple[bytes, dict[str, Any]]]:
    alone = {**SAID, "references": {}}
    return {
        "sample": (SAMPLE, SAID),
        "rejected-by-the-citizen": (
            _body(status="REJECTED"),
            {**SAID, "native_status": "REJECTED"},
        ),
        "status-with-a-capital": (_body(status=..., Status="ACCEPTED"), SAID),
        "status-in-both-spellings": (_body(Status="ACCEPTED"), SAID),
        "status-null-beside-the-other": (_body(status=None, Status="ACCEPTED"), SAID),
        "without-uaepass-transaction-id": (_body(uaePassTransactionID=...), alone),
        "uaepass-transaction-id-null": (_body(uaePassTransactionID=None), alone),
        "fields-we-do-not-know": (_body(version=2, signer={"name": "x", "list": [1.25]}), SAID),
        # The provider documents these for polls only: the state machine notes them.
        "expired-by-callback": (_body(status="EXPIRED"), {**SAID, "native_status": "EXPIRED"}),
        "init-failed-by-callback": (
            _body(status="INIT_FAILED"),
            {**SAID, "native_status": "INIT_FAILED"},
        ),
        "unknown-status": (_body(status="WITHDRAWN"), {**SAID, "native_status": "WITHDRAWN"}),
        "status-in-lower-case": (_body(status="accepted"), {**SAID, "native_status": "accepted"}),
    }


def _invalid() -> dict[str, bytes]:
    return {
        "payload_contradictory/two-spellings-differ": _body(Status="REJECTED"),
        "payload_invalid/status-missing": _body(status=...),
        "payload_invalid/status-null": _body(status=None, Status=None),
        "payload_invalid/status-empty": _body(status=""),
        "payload_invalid/status-empty-beside-the-other": _body(status="", Status="ACCEPTED"),
        "payload_invalid/status-a-truth-value": _body(status=True),
        "payload_invalid/status-with-line-feed": _body(status="ACCEPTED\n"),
        "payload_invalid/status-65-characters": _body(status="A" * 65),
        "payload_invalid/id-missing": _body(spTransactionID=...),
        "payload_invalid/id-in-other-case": _body(spTransactionID=..., spTransactionId="x1234"),
        "payload_invalid/id-empty": _body(spTransactionID=""),
        "payload_invalid/id-a-number": _body(spTransactionID=12345),
        "payload_invalid/id-control-characters": _body(spTransactionID="abcd\u0007\u009b1m"),
        "payload_invalid/id-with-space": _body(spTransactionID="m9mf 2a64"),
        "payload_invalid/id-10-kb": _body(spTransactionID="m" * 10_240),
        "payload_invalid/uaepass-transaction-id-a-list": _body(uaePassTransactionID=["cc8bd6a3"]),
    }


def _refused() -> Files:
    files = {f"credentials_wrong/{name}": text for name, text in _mismatches().items()}
    for name, stamp in {
        "malformed-timestamp": b"2025-06-24T09:56:41Z",
        "timestamp-negative": b"-1",
        "timestamp-with-sign": b"+%d" % NOW,
        "timestamp-with-fraction": b"%d.5" % NOW,
        "timestamp-of-16-digits": b"0000001750759001",
        "timestamp-beyond-year-9999": b"253402300800",
        "timestamp-not-ascii": "\u0661\u0662".encode(),
        "timestamp-with-underscore": b"1_750_759_001",
    }.items():
        text = _http(SAMPLE, timestamp=stamp, stored_anyway="timestamp_malformed")
        files[f"timestamp_malformed/{name}"] = text
    return {**files, **_missing(), **_ambiguous(), **_wrong_api_key()}


def _missing() -> Files:
    code, stamp = _signature(_sign(SAMPLE)), _stamp(b"%d" % NOW)
    bearer = [("Authorization", b"Bearer " + _secret("api-key"))]
    stripped = {"signature": [stamp], "timestamp": [code], "both": []}
    empty = [_signature(b""), stamp]
    files = {
        "api-key-missing": _http(SAMPLE, api_key=()),
        "api-key-as-bearer": _http(SAMPLE, api_key=bearer),
        "signature-empty": _http(SAMPLE, proof=empty, stored_anyway="signature_missing"),
    }
    for name, left in stripped.items():
        files[f"stripped-{name}"] = _http(SAMPLE, proof=left, stored_anyway="signature_missing")
    return {f"credentials_missing/{name}": text for name, text in files.items()}


def _ambiguous() -> Files:
    code, stamp = _signature(_sign(SAMPLE)), _stamp(b"%d" % NOW)
    return {
        "credentials_ambiguous/api-key-twice": _http(SAMPLE, api_key=_api_key() * 2),
        "credentials_ambiguous/signature-twice": _http(
            SAMPLE, proof=[code, _signature(b"0" * 64), stamp]
        ),
        "credentials_ambiguous/timestamp-twice": _http(SAMPLE, proof=[code, stamp, _stamp(b"0")]),
    }


def _wrong_api_key() -> Files:
    wrong = [("X-API-Key", b"test-only-uaepass-other")]
    return {
        "credentials_wrong/api-key-wrong": _http(SAMPLE, api_key=wrong),
        "body_too_large/oversize": _http(SAMPLE, filled=Filled(65_537)),
    }


def _mismatches() -> Files:
    code = _sign(SAMPLE)
    tampered = SAMPLE.replace(b"ACCEPTED", b"REJECTED")
    other = _sign(SAMPLE, secret=b"another" * 4)
    by_the_api_key = _sign(SAMPLE, secret=_secret("api-key"))
    base64_code = base64.b64encode(bytes.fromhex(code.decode()))
    return {
        "tampered-body": _mismatch(tampered, code),
        "tampered-body-by-a-space": _mismatch(SAMPLE + b" ", code),
        "serialised-again": _mismatch(compact(json.loads(SAMPLE)), code),
        "tampered-timestamp": _mismatch(SAMPLE, code, timestamp=b"%d" % (NOW + 1)),
        "tampered-path": _mismatch(SAMPLE, code, target=PATH + "/"),
        "parts-moved": _mismatch(b"\n" + SAMPLE, code),
        "wrong-hmac-key": _mismatch(SAMPLE, other),
        "signed-by-the-api-key": _mismatch(SAMPLE, by_the_api_key),
        "algorithm-swapped": _mismatch(SAMPLE, _sign(SAMPLE, digest="sha512")),
        "hash-without-key": _mismatch(SAMPLE, hashlib.sha256(SAMPLE).hexdigest().encode()),
        "other-encoding": _mismatch(SAMPLE, base64_code),
        "signature-shortened": _mismatch(SAMPLE, code[:-2]),
        "signature-not-hexadecimal": _mismatch(SAMPLE, b"none"),
        "signature-not-ascii": _mismatch(SAMPLE, code[:-1] + b"\xff"),
    }


def _mismatch(
    body: bytes,
    code: bytes,
    *,
    timestamp: bytes = b"%d" % NOW,
    target: str = PATH,
) -> bytes:
    proof = [_signature(code), _stamp(timestamp)]
    return _http(body, proof=proof, target=target, stored_anyway="signature_mismatch")


def _accept(
    files: Files,
    name: str,
    body: bytes,
    said: dict[str, Any],
    *,
    key: str = "first",
    timestamp: bytes = b"%d" % NOW,
) -> None:
    files[f"accepted/{name}.http"] = _http(body, key=key, timestamp=timestamp)
    proof = {
        "scheme": "hmac",
        "algorithm": "hmac-sha256",
        "key_id": key,
        "signer": "uaepass-gov",
    }
    files[f"accepted/{name}.expected.json"] = expected(
        [said],
        provider="uaepass",
        endpoint="uaepass-gov",
        received_at=RECEIVED,
        body=body,
        proof=proof,
    )


def _http(
    body: bytes,
    *,
    api_key: Headers | tuple[()] | None = None,
    proof: Headers | None = None,
    key: str = "first",
    timestamp: bytes = b"%d" % NOW,
    target: str = PATH,
    filled: Filled | None = None,
    stored_anyway: str = "",
) -> bytes:
    signed = body.ljust(filled.to) if filled else body
    own = _api_key() if api_key is None else list(api_key)
    if proof is None:
        code = _sign(signed, timestamp=timestamp, secret=_secret(f"hmac-{key}"))
        proof = [_signature(code), _stamp(timestamp)]
    return request(
        endpoint="uaepass-gov",
        received_at=RECEIVED,
        target=target,
        headers=[("Content-Type", b"application/json"), *own, *proof],
        body=body,
        filled=filled,
        stored_anyway=stored_anyway,
    )


def _sign(
    body: bytes,
    *,
    timestamp: bytes = b"%d" % NOW,
    secret: bytes | None = None,
    digest: str = "sha256",
) -> bytes:
    parts = b"\n".join((timestamp, b"POST", PATH.encode(), body))
    own = _secret("hmac-first") if secret is None else secret
    return hmac.new(own, parts, digest).hexdigest().encode()


def _golden_vector() -> bytes:
    body, secret = b'{"spTransactionID":"golden","status":"REJECTED"}', b"test-only-golden-secret"
    vector = {
        "method": "POST",
        "path": PATH,
        "target_uri": f"https://callbacks.example.org{PATH}",
        "timestamp": str(NOW),
        "body_base64": base64.b64encode(body).decode(),
        "secret": secret.decode(),
        "signature": _sign(body, secret=secret).decode(),
    }
    return json.dumps(vector, indent=2).encode() + b"\n"


def _signature(code: bytes) -> tuple[str, bytes]:
    return "X-UAEPASS-Signature", code


def _stamp(timestamp: bytes) -> tuple[str, bytes]:
    return "X-Timestamp", timestamp


def _api_key() -> Headers:
    return [("X-API-Key", _secret("api-key"))]


def _secret(name: str) -> bytes:
    return (DIRECTORY / "keys" / name).read_bytes().rstrip()


def _body(**changes: object) -> bytes:
    """Return the sample with `changes`; `...` takes a member away."""
    changed = {**json.loads(SAMPLE), **changes}
    return compact({name: value for name, value in changed.items() if value is not ...})


if __name__ == "__main__":
    main()
