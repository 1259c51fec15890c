"""Make status events, as the state machine publishes them."""

import json
from typing import Any, Final

from contracts.cloud_event import event_id
from contracts.lifecycle import Status
from contracts.status import Evidence, StatusEvent
from contracts.update import Origin, Proof, Reason, Scheme

RECEIVED_AT: Final = "2026-11-20T10:00:00.000000Z"
IUN: Final = "ADEG-HJKL-MNPQ-202611-R-1"
EVIDENCE: Final = Evidence(
    raw=Origin(topic="callbacks.x.raw.v1", partition=0, offset=1, sha256="0" * 64, callback_id="c"),
    proof=Proof(scheme=Scheme.API_KEY, algorithm="", key_id="a", signer=""),
)
_STATUSES: Final = {
    "IN_VALIDATION": Status.PENDING,
    "ACCEPTED": Status.ACCEPTED,
    "REFUSED": Status.REJECTED,
    "VIEWED": Status.COMPLETED,
}


def status_event(
    transaction_id: str = "tx1",
    native_status: str = "PAID",
    *,
    sequence: int = 1,
    endpoint: str = "pivot-id",
    provider: str = "pivot",
    status: Status = Status.COMPLETED,
    **more: Any,  # noqa: ANN401 - any other member of the event
) -> StatusEvent:
    """Return one event; the same arguments give the same id."""
    members = {
        "previous_status": None,
        "final": False,
        "reason": None,
        "amount": None,
        "references": {},
        "occurred_at": RECEIVED_AT,
        "received_at": RECEIVED_AT,
        "evidence": EVIDENCE,
        **more,
    }
    return StatusEvent(
        id=event_id(endpoint, transaction_id, f"{sequence}:{native_status}"),
        provider=provider,
        endpoint=endpoint,
        transaction_id=transaction_id,
        status=status,
        native_status=native_status,
        sequence=sequence,
        **members,
    )


def element_event(
    category: str,
    native_status: str,
    *,
    request_id: str = "cmVxdWVzdC1vbmUtb2YtdHdlbnR5LXNldmVu",
    sequence: int = 1,
    sender: str = "comune-a",
    group: str | None = None,
    reasons: tuple[Reason, ...] = (),
) -> StatusEvent:
    """Return the event of one element of a notification's timeline."""
    references = {"sender": sender, "element": category, "element_id": f"{category}.{sequence}"}
    if group is not None:
        references["group"] = group
    if native_status != "REFUSED":
        references["iun"] = IUN
    return status_event(
        request_id,
        native_status,
        sequence=sequence,
        endpoint="send",
        provider="send",
        status=_STATUSES.get(native_status, Status.PROCESSING),
        references=references,
        reason=reasons[0] if reasons else None,
        reasons=reasons,
    )


def value_of(event: StatusEvent) -> bytes:
    """Return the record value, as the state machine writes it."""
    return event.model_dump_json().encode()


def members_of(event: StatusEvent) -> dict[str, Any]:
    """Return the JSON members of the record value."""
    found: dict[str, Any] = json.loads(value_of(event))
    return found
