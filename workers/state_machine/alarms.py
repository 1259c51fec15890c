"""Do what time brings to one transaction, so that nothing that fails there stops its partition.

What has settled is decided, and then the alarm rings. Each held update is tried by itself: what
fails twice is a dead letter, as a record is. Where the rest fails twice, or what it leads to cannot
be written, every update held there is a dead letter, and the alarm is silent until the next update.
"""

from dataclasses import replace
from datetime import UTC, datetime

from contracts.errors import Rejected
from contracts.instants import instant
from contracts.update import VerifiedUpdate
from workers.poison import attempted
from workers.state_machine.decide import decide_held, release
from workers.state_machine.decision import Decision, Outcome, Rules
from workers.state_machine.events import alarm_anomaly
from workers.state_machine.outputs import Made, Outputs
from workers.state_machine.snapshot import NEVER, Snapshot
from workers.state_machine.timers import after_update, ring


def settle(
    key: bytes, before: Snapshot, now: int, *, rules: Rules, outputs: Outputs
) -> tuple[Snapshot, Made]:
    """Return the snapshot once what has settled at `now` (milliseconds) is decided."""
    made = Made()
    if not before.held:  # as nearly always: this is done for every record
        return before, made

    def attempt(standing: Snapshot, update: VerifiedUpdate, rules: Rules) -> Decision:
        found = attempted(lambda: outputs.of(key, [decide_held(standing, update, rules)]))
        if isinstance(found, Rejected):
            after = after_update(standing, update, rules)
            poisoned = Decision(Outcome.POISONED, update, standing, after, rejection=found)
            found = outputs.of(key, [poisoned])
        made.add(found)
        return found.decided[0][0]

    decisions = release(before, now, rules, attempt)
    return (decisions[-1].after or before) if decisions else before, made


def rung(
    key: bytes, before: Snapshot, now: int, *, rules: Rules, outputs: Outputs
) -> tuple[Snapshot, Made]:
    """Return the snapshot after its alarm has rung at `now`, and what to publish."""
    standing, made = settle(key, before, now, rules=rules, outputs=outputs)
    after, notices = ring(standing, now, rules)
    noticed_at = instant(datetime.fromtimestamp(now / 1000, UTC))
    found = [
        alarm_anomaly(
            key.decode(), standing, notice, provider=rules.provider, noticed_at=noticed_at
        )
        for notice in notices
    ]
    made.add(outputs.of_anomalies(key, found))
    return after, made


def dismissed(
    key: bytes, before: Snapshot, rejection: Rejected, outputs: Outputs
) -> tuple[Snapshot, Made]:
    """Return the snapshot without what is held, each a dead letter, and with no alarm."""
    after = replace(before, held=(), alarm=NEVER)
    decisions = [
        Decision(Outcome.POISONED, update, before, after, rejection=rejection)
        for update in before.held
    ]
    return after, outputs.of(key, decisions)
