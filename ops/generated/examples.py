"""Make the examples of the documents by running the pure steps on one callback: they cannot lie."""

import json
from typing import Final, NamedTuple

from contracts.anomaly import Anomaly
from contracts.codes import RejectionCode
from contracts.dead_letter import DeadLetter
from contracts.errors import Broken
from contracts.provider import Provider
from contracts.providers import provider_named
from contracts.raw import RawCallback, Source
from contracts.status import StatusEvent
from contracts.topics import Topics
from contracts.update import Statement, VerifiedUpdate
from runtime.endpoint_configuration import Endpoint
from runtime.key_source import EndpointKeys
from workers.state_machine.decide import decide
from workers.state_machine.decision import Decision, Rules
from workers.state_machine.events import anomaly, status_event
from workers.state_machine.snapshot import Snapshot
from workers.verifier.policy import Policy
from workers.verifier.verify import verify

_ENDPOINT: Final = "pivot-id"
_TRANSACTION: Final = "6d2f3c9a-51c5-4a53-9d0e-4b8a5f2f7c11"
_OFFSET: Final = 41


class Examples(NamedTuple):
    """One callback on its way: a session that was cancelled is paid after all."""

    callback: RawCallback
    update: VerifiedUpdate
    snapshot: Snapshot
    event: StatusEvent
    anomaly: Anomaly
    dead_letter: list[tuple[str, bytes]]


def examples() -> Examples:
    """Return the example of every record."""
    provider = provider_named("pivot")
    cancelled = _decided(None, _verified(provider, "CANCELLED", second=2), provider)
    paid_callback = _callback("PAID", second=9)
    paid = _decided(cancelled.after, _verified(provider, "PAID", second=9), provider)
    what, after, notice = paid.update.what, paid.after, paid.notice
    if not isinstance(what, Statement) or after is None or notice is None:
        raise Broken("the example of a late payment is no longer decided as one")
    return Examples(
        paid_callback,
        paid.update,
        after,
        status_event(paid, what, after, provider.lifecycle),
        anomaly(paid, notice, provider.lifecycle),
        _dead_letter(paid_callback, provider),
    )


def _callback(status: str, *, second: int) -> RawCallback:
    session = {
        "id": _TRANSACTION,
        "status": status,
        "clientReferenceId": "order-20417",
        "amount": {"value": 10001, "currency": "IDR"},
        "updatedAt": f"2026-11-02T09:49:{second:02}.020691396Z",
    }
    return RawCallback(
        body=json.dumps({"event": f"PAYMENT.{status}", "data": session}).encode(),
        callback_id=f"019a4363-1f00-7a31-8b52-6f0c4d2e{second:04}",
        endpoint=_ENDPOINT,
        source=Source.CALLBACK,
        received_at=f"2026-11-02T09:49:{second:02}.512000Z",
        method="POST",
        target_uri="https://callbacks.example.org/callbacks/pivot",
        principal="api_key:2026-11",
        content_type="application/json",
    )


def _verified(provider: Provider, status: str, *, second: int) -> VerifiedUpdate:
    endpoint = Endpoint(name=_ENDPOINT, provider=provider.name, path="/callbacks/pivot")
    policy = Policy(endpoint, provider.door, EndpointKeys)
    (update,) = verify(
        _callback(status, second=second),
        provider=provider,
        policies={_ENDPOINT: policy},
        topic=Topics.of(provider.name).raw,
        at=(3, _OFFSET + second),
    )
    return update


def _decided(before: Snapshot | None, update: VerifiedUpdate, provider: Provider) -> Decision:
    (decision,) = decide(before, update, Rules(provider=provider))
    return decision


def _dead_letter(callback: RawCallback, provider: Provider) -> list[tuple[str, bytes]]:
    letter = DeadLetter(
        code=RejectionCode.PAYLOAD_INVALID,
        detail="data.id: missing",
        topic=Topics.of(provider.name).raw,
        partition=3,
        offset=_OFFSET,
        exception="Rejected",
    )
    return letter.headers(callback.headers())
