"""Make Pivot's vectors: `python -m tests.vectors.pivot.make`. PROVENANCE.md says from what."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from tests.vectors.pivot.bodies import (
    DIRECTORY,
    SAMPLE,
    charge_with,
    contradictory,
    invalid,
    payload_with,
    sample_with,
    sample_without,
)
from tests.vectors.writing import UNREADABLE, Files, Filled, compact, expected, request, write

RECEIVED: Final = "2025-06-24T09:56:41.250000Z"
SESSION: Final = "bca0b57a-391e-4f6f-bfef-8cd37492ee5b"
CHARGE: Final = "cf2842f4-e263-4643-8bc9-af682a5060cd"
MONEY: Final = {"value": "10001", "currency": "IDR"}
SAID: Final = {
    "transaction_id": SESSION,
    "native_status": "PAID",
    "amount": MONEY,
    "occurred_at": "2025-06-24T09:56:40.020691396Z",
    "references": {"client_reference_id": "1750758552"},
}
SAID_OF_CHARGE: Final = {
    "transaction_id": CHARGE,
    "native_status": "CHARGE.SUCCESS",
    "amount": MONEY,
    "occurred_at": "2025-06-24T09:56:40.020691Z",
    "references": {"client_reference_id": "1750758552", "session_id": SESSION},
}


def main() -> None:
    """Write every vector beside this file."""
    write(DIRECTORY, vectors())


def vectors() -> Files:
    """Return every made vector by its path below this folder."""
    files: Files = {}
    for name, (body, updates) in {**_events(), **_values(), **_tolerated()}.items():
        _accept(files, name, body, updates)
    _accept(files, "second-key", SAMPLE, [SAID], key="next")
    _accept(files, "redelivered-by-hand", SAMPLE, [SAID], received_at="2025-07-19T08:00:00.000000Z")
    for name, body in {**UNREADABLE, **invalid(), **contradictory()}.items():
        files[f"rejected/{name}.http"] = _http(body)
    files |= {f"refused/{name}.http": text for name, text in _refused().items()}
    return files


def _events() -> dict[str, tuple[bytes, list[dict[str, Any]]]]:
    several = [
        charge_with(),
        charge_with(id="charge-2", status="PROCESSING", amount={"value": 5, "currency": "IDR"}),
        charge_with(id="charge-3", status="DECLINED_BY_ISSUER"),
    ]
    return {
        "sample": (SAMPLE, [SAID]),
        "payment-processing": _session_event("PAYMENT.PROCESSING", "PROCESSING"),
        "payment-processing-of-an-open-session": _session_event("PAYMENT.PROCESSING", "ACTIVE"),
        "payment-paid": _session_event("PAYMENT.PAID", "PAID"),
        "payment-cancelled": _session_event("PAYMENT.CANCELLED", "CANCELLED"),
        "payment-expired": _session_event("PAYMENT.EXPIRED", "EXPIRED"),
        "charge-success": (
            sample_with("CHARGE.SUCCESS", status="ACTIVE", paymentType="MULTIPLE"),
            [SAID_OF_CHARGE],
        ),
        "charge-success-of-several-charges": (
            sample_with("CHARGE.SUCCESS", status="ACTIVE", chargeDetails=several),
            [
                SAID_OF_CHARGE,
                {
                    **SAID_OF_CHARGE,
                    "transaction_id": "charge-2",
                    "native_status": "CHARGE.PROCESSING",
                    "amount": {"value": "5", "currency": "IDR"},
                },
                {
                    **SAID_OF_CHARGE,
                    "transaction_id": "charge-3",
                    "native_status": "CHARGE.DECLINED_BY_ISSUER",
                },
            ],
        ),
        **_undocumented_events(),
    }


def _undocumented_events() -> dict[str, tuple[bytes, list[dict[str, Any]]]]:
    refund = {"id": "refund-1", "amount": {"value": "500.00", "currency": "IDR"}}
    return {
        "payment-test-without-id": _of_its_bytes({"event": "PAYMENT.TEST", "data": {}}),
        "payment-test-without-data": _of_its_bytes({"event": "PAYMENT.TEST"}),
        "payment-test-with-id": _unknown("PAYMENT.TEST", {"id": "probe-1"}),
        "unknown-event": _unknown("PAYMENT.REVERSED", {"id": SESSION, "status": "REVERSED"}),
        "unknown-event-without-id": _of_its_bytes({"event": "PAYOUT.DONE", "data": {"total": 1}}),
        "refund-pending": _unknown("REFUND.PENDING", {**refund, "status": "PENDING"}),
        "refund-success": _unknown("REFUND.SUCCESS", {**refund, "status": "SUCCESS"}),
    }


def _values() -> dict[str, tuple[bytes, list[dict[str, Any]]]]:
    money = {
        "money-number": ("10001", "10001"),
        "money-decimal-string": ('"500.00"', "500.00"),
        "money-integer-string": ('"100000"', "100000"),
        "money-number-with-fraction": ("10001.50", "10001.50"),
        "money-zero": ("0", "0"),
        "money-of-eighteen-digits": ('"999999999999999999.99"', "999999999999999999.99"),
    }
    times = {
        "time-without-fraction": "2025-06-24T09:56:40Z",
        "time-of-6-digits": "2025-06-24T09:56:40.861006Z",
        "time-of-7-digits": "2025-06-24T09:56:40.0549468Z",
        "time-of-9-digits": "2025-06-24T09:56:40.020691396Z",
    }
    found = {}
    for name, (written, value) in money.items():
        body = compact(payload_with(amount={"value": "MONEY", "currency": "IDR"}))
        amount = {"value": value, "currency": "IDR"}
        found[name] = (body.replace(b'"MONEY"', written.encode()), [{**SAID, "amount": amount}])
    for name, time in times.items():
        found[name] = (sample_with(updatedAt=time), [{**SAID, "occurred_at": time}])
    return found


def _tolerated() -> dict[str, tuple[bytes, list[dict[str, Any]]]]:
    without = {key: value for key, value in SAID.items() if key not in ("amount", "references")}
    long_id = "session/" + "x" * 192
    return {
        "fields-we-do-not-know": (
            sample_with(newField={"deep": [1, {"x": None}], "price": 1.5}, another=True),
            [SAID],
        ),
        "status-absent": (sample_without("status"), [SAID]),
        "status-null": (sample_with(status=None), [SAID]),
        "amount-and-reference-absent": (
            compact(payload_with(amount=None, clientReferenceId=None)),
            [without],
        ),
        "id-with-colon": (sample_with(id="a:b:c"), [{**SAID, "transaction_id": "a:b:c"}]),
        "id-of-200-characters": (sample_with(id=long_id), [{**SAID, "transaction_id": long_id}]),
        "whole-surrogate-pair": (
            sample_with().replace(b"Reforza Jordan", rb"\ud83d\ude00"),
            [SAID],
        ),
        "brackets-in-a-text": (sample_with(note='[{"' * 60 + "\\"), [SAID]),
        "thirty-charges": (
            sample_with(chargeDetails=[charge_with(id=f"charge-{n}") for n in range(30)]),
            [SAID],
        ),
    }


def _refused() -> Files:
    key = _key("current")
    fields = {
        "credentials_missing/api-key-missing": [],
        "credentials_missing/api-key-empty": [("X-API-Key", b"")],
        "credentials_missing/api-key-as-bearer": [("Authorization", b"Bearer " + key)],
        "credentials_wrong/api-key-wrong": [("X-API-Key", b"test-only-pivot-other-key")],
        "credentials_wrong/api-key-shortened": [("X-API-Key", key[:-1])],
        "credentials_wrong/api-key-lengthened": [("X-API-Key", key + b"0")],
        "credentials_wrong/api-key-other-case": [("X-API-Key", key.upper())],
        "credentials_wrong/api-key-not-ascii": [("X-API-Key", key[:-1] + b"\xff")],
        "credentials_wrong/api-key-expired": [("X-API-Key", _key("former"))],
        "credentials_wrong/api-key-too-early": [("X-API-Key", _key("later"))],
        "credentials_ambiguous/api-key-twice": [("X-API-Key", key), ("x-api-key", key)],
    }
    files = {name: _http(SAMPLE, credentials=found) for name, found in fields.items()}
    files["body_too_large/oversize"] = _http(SAMPLE, filled=Filled(65_537))
    return files


def _accept(
    files: Files,
    name: str,
    body: bytes,
    updates: list[dict[str, Any]],
    *,
    key: str = "current",
    received_at: str = RECEIVED,
) -> None:
    credentials = [("X-API-Key", _key(key))]
    files[f"accepted/{name}.http"] = _http(body, credentials=credentials, received_at=received_at)
    proof = {
        "scheme": "api_key",
        "algorithm": "none-over-body",
        "key_id": key,
        "signer": "pivot-id",
    }
    files[f"accepted/{name}.expected.json"] = expected(
        updates,
        provider="pivot",
        endpoint="pivot-id",
        received_at=received_at,
        body=body,
        proof=proof,
    )


def _http(
    body: bytes,
    *,
    credentials: list[tuple[str, bytes]] | None = None,
    received_at: str = RECEIVED,
    filled: Filled | None = None,
) -> bytes:
    # The capitals in the media types are Pivot's.
    fixed = [("Content-Type", b"application/JSON"), ("Accept", b"application/JSON")]
    own = [("X-API-Key", _key("current"))] if credentials is None else credentials
    return request(
        endpoint="pivot-id",
        received_at=received_at,
        target="/callbacks/pivot",
        headers=[*fixed, *own],
        body=body,
        filled=filled,
    )


def _key(name: str) -> bytes:
    return (DIRECTORY / "keys" / name).read_bytes().rstrip()


def _session_event(event: str, status: str) -> tuple[bytes, list[dict[str, Any]]]:
    return sample_with(event, status=status), [{**SAID, "native_status": status}]


def _unknown(event: str, data: Mapping[str, Any]) -> tuple[bytes, list[dict[str, Any]]]:
    said = {"transaction_id": data["id"], "native_status": event}
    return compact({"event": event, "data": data}), [said]


def _of_its_bytes(payload: Mapping[str, Any]) -> tuple[bytes, list[dict[str, Any]]]:
    body = compact(payload)
    name = f"callback-{hashlib.sha256(body).hexdigest()}"
    return body, [{"transaction_id": name, "native_status": payload["event"]}]


if __name__ == "__main__":
    main()
