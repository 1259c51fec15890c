"""Bodies of Pivot's vectors: the sample with changes, and those the verifier must reject."""

import json
from pathlib import Path
from typing import Any, Final

from tests.vectors.writing import compact

DIRECTORY: Final = Path(__file__).parent
SAMPLE: Final = (DIRECTORY / "sample-paid.json").read_bytes()


def invalid() -> dict[str, bytes]:
    """Return the bodies of which a field has the wrong shape."""
    bodies = {
        "id-missing": sample_without("id"),
        "id-empty": sample_with(id=""),
        "id-a-number": sample_with(id=1750758552),
        "id-control-characters": sample_with(id="session\u0000\u001b[2J"),
        "id-line-feed-at-the-end": sample_with(id="session-1\n"),
        "id-with-space": sample_with(id="session 1"),
        "id-10-kb": sample_with(id="x" * 10_240),
        "id-not-ascii": sample_with(id="sessi\u00f6n"),
        "event-missing": compact({"data": payload_with()["data"]}),
        "event-a-list": compact({**payload_with(), "event": ["PAYMENT.PAID"]}),
        "event-with-space": compact({**payload_with(), "event": "PAYMENT PAID"}),
        "data-missing": compact({"event": "PAYMENT.PAID"}),
        "data-a-list": compact({"event": "PAYMENT.PAID", "data": [payload_with()["data"]]}),
        "currency-lower-case": sample_with(amount={"value": 10001, "currency": "idr"}),
        "currency-missing": sample_with(amount={"value": 10001}),
        "time-of-41-characters": sample_with(updatedAt="2025-06-24T09:56:40." + "0" * 20 + "Z"),
        "reference-501-characters": sample_with(clientReferenceId="9" * 501),
    }
    bodies |= {**_invalid_amounts(), **_invalid_charges()}
    return {f"payload_invalid/{name}": body for name, body in bodies.items()}


def _invalid_amounts() -> dict[str, bytes]:
    amounts = {
        "negative": "-1",
        "negative-text": '"-500.00"',
        "with-exponent": "1e3",
        "with-exponent-text": '"1e3"',
        "a-truth-value": "true",
        "of-19-digits": '"1000000000000000000"',
        "of-10-decimals": '"1.0000000001"',
        "arabic-digits": '"\u0661\u0662"',
        "with-separators": '"10.001,00"',
        "with-underscore": '"10_001"',
        "without-whole-part": '".5"',
        "point-at-the-end": '"5."',
        "empty": '""',
        "line-feed-at-the-end": '"5\\n"',
    }
    body = sample_with(amount={"value": "MONEY", "currency": "IDR"})
    return {
        f"amount-{name}": body.replace(b'"MONEY"', written.encode())
        for name, written in amounts.items()
    }


def _invalid_charges() -> dict[str, bytes]:
    return {
        "charges-no-list": sample_with("CHARGE.SUCCESS", status="ACTIVE", chargeDetails={}),
        "charge-without-id": sample_with("CHARGE.SUCCESS", chargeDetails=[{"status": "SUCCESS"}]),
        "charge-status-with-space": sample_with(
            "CHARGE.SUCCESS",
            chargeDetails=[charge_with(), charge_with(id="charge-2", status="WAITING FOR BANK")],
        ),
        "charge-status-58-characters": sample_with(
            "CHARGE.SUCCESS",
            chargeDetails=[charge_with(), charge_with(id="charge-2", status="S" * 58)],
        ),
    }


def contradictory() -> dict[str, bytes]:
    """Return the bodies that say two things."""
    twice = [charge_with(), charge_with(status="PROCESSING")]
    bodies = {
        "paid-but-cancelled": sample_with("PAYMENT.PAID", status="CANCELLED"),
        "cancelled-but-paid": sample_with("PAYMENT.CANCELLED", status="PAID"),
        "success-without-successful-charge": sample_with(
            "CHARGE.SUCCESS", chargeDetails=[charge_with(status="PROCESSING")]
        ),
        "success-without-charges": sample_with("CHARGE.SUCCESS", chargeDetails=None),
        "one-charge-twice": sample_with("CHARGE.SUCCESS", chargeDetails=twice),
    }
    return {f"payload_contradictory/{name}": body for name, body in bodies.items()}


def payload_with(event: str = "PAYMENT.PAID", /, **changes: object) -> dict[str, Any]:
    """Return the sample's payload under another event, with changes in its data."""
    payload: dict[str, Any] = json.loads(SAMPLE)
    return {"event": event, "data": {**payload["data"], **changes}}


def sample_with(event: str = "PAYMENT.PAID", /, **changes: object) -> bytes:
    """Return that payload as bytes."""
    return compact(payload_with(event, **changes))


def sample_without(member: str) -> bytes:
    """Return the sample without one member of its data."""
    payload = payload_with()
    del payload["data"][member]
    return compact(payload)


def charge_with(**changes: object) -> dict[str, Any]:
    """Return the sample's charge with changes."""
    charge: dict[str, Any] = json.loads(SAMPLE)["data"]["chargeDetails"][0]
    return {**charge, **changes}
