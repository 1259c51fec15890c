"""Hold what a decision depends on, and what it leads to. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.codes import AnomalyCode
from contracts.errors import Rejected
from contracts.provider import Provider
from contracts.update import VerifiedUpdate
from workers.state_machine.snapshot import Snapshot

_DAY_MILLISECONDS: Final = 86_400_000


class Outcome(StrEnum):
    """The name of a decision, as metrics and people use it."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    CONFLICT = "conflict"
    PARKED = "parked"
    REGISTERED = "registered"
    NOTED = "noted"
    WITNESSED = "witnessed"
    HELD = "held"
    POISONED = "poisoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the decision depends on besides snapshot and update: all of it configuration."""

    provider: Provider
    registration_required: bool = False
    early_milliseconds: int = 0
    final_retention_milliseconds: int = 90 * _DAY_MILLISECONDS
    open_retention_milliseconds: int = 400 * _DAY_MILLISECONDS
    parked_updates_max: int = 8
    settle_milliseconds: int = 0

    def __post_init__(self) -> None:
        """Require registration where a provider's statements must keep to its terms."""
        if self.provider.keep is not None:
            object.__setattr__(self, "registration_required", True)


@dataclass(frozen=True, slots=True)
class Notice:
    """An anomaly to publish, and why in our own words."""

    code: AnomalyCode
    detail: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What one update leads to: an outcome, the snapshot after it, and perhaps an anomaly.

    `after` is None where the update leaves no trace in the transaction. `forward` is an update of
    another transaction that waited for this decision. `rejection` says why the update is a dead
    letter instead.
    """

    outcome: Outcome
    update: VerifiedUpdate
    before: Snapshot
    after: Snapshot | None
    notice: Notice | None = None
    forward: VerifiedUpdate | None = None
    rejection: Rejected | None = None
