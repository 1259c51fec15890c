"""Make SEND's vectors: `python -m tests.vectors.send.make`. PROVENANCE.md says from what.

They are what comes in by callback: elements of timelines. Requests come in by the intake.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

from tests.vectors.writing import UNREADABLE, Files, Filled, compact, expected, request, write

DIRECTORY: Final = Path(__file__).parent
RECEIVED: Final = "2026-11-05T09:56:41.250000Z"
REQUEST: Final = "c2VuZCB2ZWN0b3JzOiBub3QgYW4gSVVOIQ=="
OTHER: Final = "YW5vdGhlciByZXF1ZXN0IG9mIHZlY3RvcnM="
IUN: Final = "AJMN-TXUA-MHGP-202309-Z-1"  # of pagoPA's public test data
ELEMENT_ID: Final = f"SEND_DIGITAL_DOMICILE.IUN_{IUN}.RECINDEX_0.SOURCE_PLATFORM.ATTEMPT_0"
# The rank of a category is its row in the table of contracts/send/timeline.py, counted from 0.
RANKS: Final = {
    "REQUEST_ACCEPTED": 8,
    "SEND_DIGITAL_DOMICILE": 20,
    "REFINEMENT": 44,
    "NOTIFICATION_VIEWED": 46,
}
Headers = list[tuple[str, bytes]]


def main() -> None:
    """Write every vector beside this file."""
    write(DIRECTORY, vectors())


def vectors() -> Files:
    """Return every made vector by its path below this folder."""
    files: Files = {}
    for name, (body, updates) in _accepted().items():
        content = compact(body)
        files[f"accepted/{name}.http"] = _http(content)
        files[f"accepted/{name}.expected.json"] = expected(
            updates,
            provider="send",
            endpoint="send-it",
            received_at=RECEIVED,
            body=content,
            proof={
                "scheme": "api_key",
                "algorithm": "none-over-body",
                "key_id": "current",
                "signer": "send-it",
            },
        )
    invalid = {f"payload_invalid/{name}": compact(body) for name, body in _invalid().items()}
    for name, text in {**UNREADABLE, **invalid}.items():
        files[f"rejected/{name}.http"] = _http(text)
    return files | {f"refused/{name}.http": text for name, text in _refused().items()}


def _accepted() -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    viewed = f"NOTIFICATION_VIEWED.IUN_{IUN}.RECINDEX_1"
    return {
        **_timed(),
        **_unknown(),
        "digital-domicile": (_told(), [_said()]),
        "without-an-iun": (_told(iun=...), [_said(terms={"category": "SEND_DIGITAL_DOMICILE"})]),
        "members-that-are-null": (
            {**_told(), "iun": None, "element": {**_element(), "legalFactsIds": None}},
            [_said(terms={"category": "SEND_DIGITAL_DOMICILE"})],
        ),
        "members-we-do-not-know": (
            _told(source="x", element={**_element(), "extra": 1}),
            [_said()],
        ),
        "legal-facts": (
            _told(
                element={
                    **_element(),
                    "legalFactsIds": [
                        {"key": "PN_LEGAL_FACTS-1.pdf", "category": "SENDER_ACK"},
                        {"key": "PN_LEGAL_FACTS-2.pdf", "category": "PEC_RECEIPT"},
                    ],
                }
            ),
            [_said(references={"legal_facts": "PN_LEGAL_FACTS-1.pdf PN_LEGAL_FACTS-2.pdf"})],
        ),
        "several-elements": (
            {"elements": [_told(), _told(notificationRequestId=OTHER, element=_viewed(viewed))]},
            [_said(), _said_viewed(viewed)],
        ),
    }


def _timed() -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    return {
        "nanoseconds-and-an-offset": (
            _told(element={**_element(), "timestamp": "2026-11-05T11:56:40.987654321+02:00"}),
            [_said(occurred_at="2026-11-05T11:56:40.987654321+02:00")],
        ),
        "event-timestamp-before-timestamp": (
            _told(
                element={
                    **_element(),
                    "timestamp": "2026-11-01T00:00:00Z",
                    "eventTimestamp": "2026-11-05T09:56:40.987654321Z",
                }
            ),
            [_said(occurred_at="2026-11-05T09:56:40.987654321Z")],
        ),
    }


def _unknown() -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    return {
        "unknown-category": (
            _told(element={**_element(), "category": "SENT_BY_PIGEON"}),
            [
                {
                    **_said(references={"element": "SENT_BY_PIGEON"}),
                    "native_status": "SENT_BY_PIGEON",
                    "terms": {"category": "SENT_BY_PIGEON", "iun": IUN},
                    "sort_key": "2026-11-05T09:56:40.987654Z 53",
                }
            ],
        ),
    }


def _invalid() -> dict[str, dict[str, Any]]:
    late = {"2026-13-01T00:00:00Z": "no-such-day", "2026-11-05T09:56:40": "without-an-offset"}
    return {
        "id-missing": _told(notificationRequestId=...),
        "id-with-space": _told(notificationRequestId="c2VuZCB2ZWN0b3J zOiBub3QgYW4gSVVOIQ="),
        "id-control-characters": _told(notificationRequestId=REQUEST[:34] + "\u0007\u009b"),
        "id-10-kb": _told(notificationRequestId="c" * 10_240),
        "id-35-characters": _told(notificationRequestId=REQUEST[:35]),
        "id-a-number": _told(notificationRequestId=36),
        "iun-with-a-wrong-check-letter": _told(iun="AJMN-TXUA-MHGP-202309-A-1"),
        "iun-with-a-forbidden-pair": _told(iun="AJMN-TUVA-MHGP-202309-Z-1"),
        "element-missing": _told(element=...),
        "element-a-text": _told(element="SEND_DIGITAL_DOMICILE"),
        "element-without-an-id": _told(element={**_element(), "elementId": ""}),
        "category-missing": _told(element={"elementId": "x", "timestamp": RECEIVED}),
        "category-in-lower-case": _told(element={**_element(), "category": "refinement"}),
        "recipient-negative": _told(element={**_element(), "details": {"recIndex": -1}}),
        "recipient-a-text": _told(element={**_element(), "details": {"recIndex": "zero"}}),
        "elements-none": {"elements": []},
        "elements-101": {"elements": [_told()] * 101},
        "one-of-several-invalid": {"elements": [_told(), _told(notificationRequestId="TooBrief")]},
        **{
            f"timestamp-{name}": _told(element={**_element(), "timestamp": text})
            for text, name in late.items()
        },
    }


def _refused() -> Files:
    body = compact(_told())
    wrong: Headers = [("X-API-Key", b"test-only-send-another-key")]
    bearer: Headers = [("Authorization", b"Bearer " + _secret())]
    return {
        "credentials_missing/api-key-missing": _http(body, api_key=[]),
        "credentials_missing/api-key-as-bearer": _http(body, api_key=bearer),
        "credentials_wrong/api-key-wrong": _http(body, api_key=wrong),
        "credentials_ambiguous/api-key-twice": _http(body, api_key=_api_key() * 2),
        "body_too_large/oversize": _http(body, filled_to=65_537),
    }


def _told(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of JSON
    """Return the body of one element; a member that is `...` is left out."""
    body = {"notificationRequestId": REQUEST, "iun": IUN, "element": _element(), **changes}
    return {name: value for name, value in body.items() if value is not ...}


def _element() -> dict[str, Any]:
    return {
        "elementId": ELEMENT_ID,
        "timestamp": "2026-11-05T09:56:40.987654321Z",
        "category": "SEND_DIGITAL_DOMICILE",
        "details": {"recIndex": 0, "digitalAddress": {"type": "PEC", "address": "a@pec.example"}},
    }


def _viewed(element_id: str) -> dict[str, Any]:
    return {
        "elementId": element_id,
        "timestamp": "2026-11-05T09:56:41Z",
        "category": "NOTIFICATION_VIEWED",
        "details": {"recIndex": 1},
    }


def _said(
    *,
    occurred_at: str = "2026-11-05T09:56:40.987654321Z",
    references: dict[str, str] | None = None,
    terms: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "transaction_id": REQUEST,
        "native_status": "DELIVERING",
        "fact": _fact(ELEMENT_ID),
        "occurred_at": occurred_at,
        "references": {
            "element": "SEND_DIGITAL_DOMICILE",
            "element_id": ELEMENT_ID,
            "rec_index": "0",
            **(references or {}),
        },
        "terms": terms or {"category": "SEND_DIGITAL_DOMICILE", "iun": IUN},
        "sort_key": f"2026-11-05T09:56:40.987654Z {RANKS['SEND_DIGITAL_DOMICILE']}",
    }


def _said_viewed(element_id: str) -> dict[str, Any]:
    return {
        "transaction_id": OTHER,
        "native_status": "VIEWED",
        "fact": _fact(element_id),
        "occurred_at": "2026-11-05T09:56:41Z",
        "references": {
            "element": "NOTIFICATION_VIEWED",
            "element_id": element_id,
            "rec_index": "1",
        },
        "terms": {"category": "NOTIFICATION_VIEWED", "iun": IUN},
        "sort_key": f"2026-11-05T09:56:41.000000Z {RANKS['NOTIFICATION_VIEWED']}",
    }


def _fact(element_id: str) -> str:
    return f"element:{hashlib.sha256(element_id.encode()).hexdigest()[:32]}"


def _secret() -> bytes:
    return (DIRECTORY / "keys" / "current").read_bytes()


def _api_key() -> Headers:
    return [("X-API-Key", _secret())]


def _http(body: bytes, *, api_key: Headers | None = None, filled_to: int = 0) -> bytes:
    return request(
        endpoint="send-it",
        received_at=RECEIVED,
        target="/callbacks/send",
        headers=[
            *(_api_key() if api_key is None else api_key),
            ("Content-Type", b"application/json"),
        ],
        body=body,
        filled=Filled(filled_to) if filled_to else None,
    )


if __name__ == "__main__":
    main()
