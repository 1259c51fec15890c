"""Say what a provider will send and what must come out of it, as a value. Pure.

A story is one transaction's life (or one session's with its charges): steps in order. A step is
callbacks that may travel side by side, with what they must lead to beside them, written by hand:
the next step begins only once that is out, since only then is its own outcome certain.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.codes import AnomalyCode, RejectionCode


class Fault(StrEnum):
    """What can go wrong between a provider and us."""

    DUPLICATES = "duplicates"
    REORDERING = "reordering"
    LATE_PAID = "late-paid"
    WRONG_KEY = "wrong-key"
    STALE_TIMESTAMP = "stale-timestamp"
    TAMPERED_BODY = "tampered-body"
    OVERSIZE = "oversize"
    UNKNOWN_EVENT = "unknown-event"
    BURST = "burst"
    CONTRADICTION = "contradiction"


class Presents(StrEnum):
    """How a callback proves who sends it, well or badly."""

    CORRECT = "correct"
    WRONG_KEY = "wrong key"
    STALE_TIMESTAMP = "stale timestamp"
    TAMPERED = "signature of another body"


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback: its body, how it is authenticated, and the HTTP status it must end with."""

    body: bytes
    presents: Presents = Presents.CORRECT
    answer: int = 200

    @property
    def sha256(self) -> str:
        """Return the digest by which the raw record and the dead letter are recognised."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Step:
    """Callbacks sent side by side, and all they must lead to.

    `statuses` are (transaction, native status), one for each status event; `anomalies` are
    (transaction, code); `rejection` is the code under which every one of them becomes a dead
    letter.
    """

    callbacks: tuple[Callback, ...]
    statuses: tuple[tuple[str, str], ...] = ()
    anomalies: tuple[tuple[str, AnomalyCode], ...] = ()
    rejection: RejectionCode | None = None

    @property
    def outputs(self) -> int:
        """Return how many status events and anomalies the step leads to."""
        return len(self.statuses) + len(self.anomalies)


@dataclass(frozen=True, slots=True)
class Story:
    """The steps of one transaction, and the fault that it is about, if any."""

    steps: tuple[Step, ...]
    fault: Fault | None = None

    @property
    def transactions(self) -> frozenset[str]:
        """Return the ids that status events and anomalies of this story can have."""
        found = {name for step in self.steps for name, _ in step.statuses}
        return frozenset(found | {name for step in self.steps for name, _ in step.anomalies})


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come out of a plan, whatever the order between its stories.

    `statuses` has the native statuses of each transaction's events in order of sequence.
    `rejections` are (SHA-256 of the body, code). `refusals` are final answers that are errors.
    """

    statuses: Mapping[str, tuple[str, ...]]
    anomalies: Mapping[tuple[str, str], int]
    rejections: Mapping[tuple[str, str], int]
    refusals: Mapping[int, int]
    accepted: int

    @property
    def status_events(self) -> int:
        """Return how many status events there must be."""
        return sum(map(len, self.statuses.values()))


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one provider will send to one endpoint."""

    provider: str
    stories: tuple[Story, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps of all stories."""
        return tuple(step for story in self.stories for step in story.steps)

    @property
    def callbacks(self) -> tuple[Callback, ...]:
        """Return the callbacks of all steps."""
        return tuple(callback for step in self.steps for callback in step.callbacks)

    def expected(self) -> Expected:
        """Return what must come out."""
        statuses: dict[str, tuple[str, ...]] = {}
        for step in self.steps:
            for transaction, native in step.statuses:
                statuses[transaction] = (*statuses.get(transaction, ()), native)
        answers = Counter(callback.answer for callback in self.callbacks)
        return Expected(
            statuses=statuses,
            anomalies=Counter(
                (name, code.value) for step in self.steps for name, code in step.anomalies
            ),
            rejections=Counter(
                (callback.sha256, step.rejection.value)
                for step in self.steps
                if step.rejection is not None
                for callback in step.callbacks
            ),
            refusals={answer: count for answer, count in answers.items() if answer != _ACCEPTED},
            accepted=answers[_ACCEPTED],
        )


_ACCEPTED: Final = 200
_FAULT_SHARE: Final = 25  # one story in twenty-five for each fault: well below the breaker's half
_BURST_SHARE: Final = 4  # a burst of three is none


def faults_of_stories(stories: int, faults: Iterable[Fault]) -> tuple[Fault | None, ...]:
    """Return the fault that each of `stories` is about, None for most; each fault has at least one.

    Raises:
        ValueError: there are more faults than stories.
    """
    chosen: list[Fault | None] = []
    for fault in sorted(set(faults)):
        share = _BURST_SHARE if fault is Fault.BURST else _FAULT_SHARE
        chosen += [fault] * max(1, stories // share)
    if len(chosen) > stories:
        raise ValueError(
            f"{len(chosen)} transactions are the fewest for these faults, not {stories}"
        )
    return (*chosen, *([None] * (stories - len(chosen))))
