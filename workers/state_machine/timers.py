"""Set the timers of a snapshot, by the times of records alone, and ring its alarm. Pure."""

from dataclasses import replace
from typing import Any

from contracts.codes import AnomalyCode
from contracts.instants import epoch_milliseconds
from contracts.update import VerifiedUpdate, Witness
from workers.state_machine.decision import Notice, Rules
from workers.state_machine.settle import earliest_due
from workers.state_machine.snapshot import NEVER, Snapshot, thirteen_digits


def after_update(
    before: Snapshot,
    update: VerifiedUpdate,
    rules: Rules,
    **changes: Any,  # noqa: ANN401 - as dataclasses.replace
) -> Snapshot:
    """Return the snapshot with `changes`, and its timers set by the update's own time."""
    status = changes.get("status", before.status)
    final = status in rules.provider.lifecycle.final or isinstance(update.what, Witness)
    retention = rules.final_retention_milliseconds if final else rules.open_retention_milliseconds
    expiry = thirteen_digits(epoch_milliseconds(update.received_at) + retention)
    after = replace(before, expiry=expiry, **changes)
    alarm = _alarm(after, rules, final=final)
    return after if alarm == after.alarm else replace(after, alarm=alarm)


def ring(snapshot: Snapshot, now: int, rules: Rules) -> tuple[Snapshot, tuple[Notice, ...]]:
    """Return the snapshot after its alarm has rung at `now` (milliseconds), and what to publish.

    That it rang is part of the snapshot, so a restart neither repeats nor forgets it.
    """
    notices = []
    final = snapshot.status in rules.provider.lifecycle.final
    if snapshot.deadline <= now and not final and not snapshot.overdue:
        snapshot = replace(snapshot, overdue=True)
        notices.append(Notice(AnomalyCode.OVERDUE, "no final callback before the deadline"))
    if snapshot.parked and snapshot.parked_until <= now and not snapshot.unsolicited:
        snapshot = replace(snapshot, unsolicited=True)
        notices.append(
            Notice(AnomalyCode.UNSOLICITED, "no expectation came while the update was parked")
        )
    return replace(snapshot, alarm=_alarm(snapshot, rules, final=final)), tuple(notices)


def _alarm(snapshot: Snapshot, rules: Rules, *, final: bool) -> int:
    deadline = NEVER if final or snapshot.overdue else snapshot.deadline
    parked = snapshot.parked_until if snapshot.parked and not snapshot.unsolicited else NEVER
    return min(deadline, parked, earliest_due(snapshot.held, rules.settle_milliseconds))
