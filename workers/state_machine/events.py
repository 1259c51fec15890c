"""Write decisions as records: status events, anomalies. Pure."""

from typing import assert_never

from contracts.anomaly import Anomaly
from contracts.cloud_event import event_id
from contracts.codes import AnomalyCode
from contracts.instants import Instant
from contracts.lifecycle import Lifecycle, Status
from contracts.provider import Provider
from contracts.status import Evidence, StatusEvent
from contracts.update import Expectation, Statement, Witness
from workers.state_machine.decision import Decision, Notice
from workers.state_machine.digests import statement_digest, terms_digest
from workers.state_machine.snapshot import Snapshot


def status_event(
    decision: Decision, what: Statement, after: Snapshot, lifecycle: Lifecycle
) -> StatusEvent:
    """Return the status event of an applied decision."""
    update = decision.update
    return StatusEvent(
        id=event_id(update.endpoint, what.transaction_id, what.fact),
        provider=update.provider,
        endpoint=update.endpoint,
        transaction_id=what.transaction_id,
        status=lifecycle.statuses[what.native_status],
        native_status=what.native_status,
        previous_status=_status(decision.before.status, lifecycle),
        final=what.native_status in lifecycle.final,
        reason=what.reason,
        amount=what.amount,
        references=what.references,
        occurred_at=what.occurred_at,
        received_at=update.received_at,
        sequence=after.sequence,
        evidence=Evidence(raw=update.origin, proof=update.proof),
    )


def anomaly(decision: Decision, notice: Notice, lifecycle: Lifecycle) -> Anomaly:
    """Return the anomaly of a decision; its id is that of the oddity, not of the delivery."""
    update = decision.update
    said: str | None = None
    match update.what:
        case Statement() as what:
            said, fact = what.native_status, f"{what.fact}:{statement_digest(what)}"
        case Witness() as what:
            fact = what.mark
        case Expectation() as what:
            fact = terms_digest(what.terms)
        case unreachable:
            assert_never(unreachable)
    standing = (decision.after or decision.before).status
    return Anomaly(
        id=event_id(update.endpoint, update.what.transaction_id, f"{notice.code}:{fact}"),
        code=notice.code,
        provider=update.provider,
        endpoint=update.endpoint,
        transaction_id=update.what.transaction_id,
        standing=standing,
        status=_status(standing, lifecycle),
        said=said,
        detail=notice.detail,
        noticed_at=update.received_at,
        evidence=Evidence(raw=update.origin, proof=update.proof),
    )


def alarm_anomaly(
    key: str, snapshot: Snapshot, notice: Notice, *, provider: Provider, noticed_at: Instant
) -> Anomaly:
    """Return the anomaly of an alarm that rang: overdue, or unsolicited after parking."""
    endpoint, _, transaction_id = key.partition(":")
    parked = (
        snapshot.parked[0] if snapshot.parked and notice.code is AnomalyCode.UNSOLICITED else None
    )
    since = snapshot.parked_until if parked else snapshot.deadline
    return Anomaly(
        id=event_id(endpoint, transaction_id, f"{notice.code}:{since}"),
        code=notice.code,
        provider=provider.name,
        endpoint=endpoint,
        transaction_id=transaction_id,
        standing=snapshot.status,
        status=_status(snapshot.status, provider.lifecycle),
        said=parked.what.native_status if parked and isinstance(parked.what, Statement) else None,
        detail=notice.detail,
        noticed_at=noticed_at,
        evidence=Evidence(raw=parked.origin, proof=parked.proof) if parked else None,
    )


def _status(native: str | None, lifecycle: Lifecycle) -> Status | None:
    return lifecycle.statuses[native] if native is not None else None
