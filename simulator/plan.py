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
    # Of signed messages and their certificates.
    UNSIGNED = "unsigned"
    WRAPPED_SIGNATURE = "wrapped-signature"
    OTHER_SIGNER = "other-signer"
    OTHER_ROOT = "other-root"
    EXPIRED_CERTIFICATE = "expired-certificate"
    REVOKED_CERTIFICATE = "revoked-certificate"
    VERSION_HEADER = "version-header"
    REUSED_ID = "reused-id"
    # Of tokens, and of transactions that our own side has announced.
    EARLY = "early"
    WRONG_PATH = "wrong-path"
    WRONG_CODE = "wrong-code"
    MISSING_TEMPLATE = "missing-template"
    EXTRA_TEMPLATE = "extra-template"
    FAILED_ENTRY = "failed-entry"
    FOREIGN_TOKEN = "foreign-token"  # noqa: S105 - a fault's name
    EXPIRED_TOKEN = "expired-token"  # noqa: S105 - a fault's name
    HMAC_FORGERY = "hs256-forgery"
    NO_ALGORITHM = "alg-none"
    UNKNOWN_KEY = "unknown-kid"
    KEY_ROTATION = "key-rotation"
    # Of SEND: a request refused for each reason, and what is not taken at all.
    FILE_ABSENT = "file-absent"
    FILE_GONE = "file-gone"
    FILE_CHANGED = "file-changed"
    FILE_NO_PDF = "file-no-pdf"
    FILE_TOO_LARGE = "file-too-large"
    METADATA_INVALID = "metadata-invalid"
    TAX_ID_REFUSED = "tax-id-refused"
    ADDRESS_INVALID = "address-invalid"
    ADDRESS_UNKNOWN = "address-unknown"
    REGISTRY_AWAY = "registry-away"
    PAYMENT_MISSING = "payment-missing"
    TOO_HEAVY = "too-heavy"
    INVALID_REQUEST = "invalid-request"
    REPEATED_REQUEST = "repeated-request"
    BAD_UPLOAD = "bad-upload"
    OTHER_BODY = "other-body"
    OTHER_IUN = "other-iun"


class Presents(StrEnum):
    """How a callback proves who sends it, well or badly."""

    CORRECT = "correct"
    WRONG_KEY = "wrong key"
    STALE_TIMESTAMP = "stale timestamp"
    TAMPERED = "signature of another body"


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback: its body, how it is authenticated, and the HTTP status it must end with.

    `endpoint` is the name of the one it calls, by default the provider's first; `path` what it
    calls there, by default the endpoint's own. `headers` come beside and over the credentials: what
    is signed before it is sent. An announcement of our own side is one too, answered 202.
    """

    body: bytes
    presents: Presents = Presents.CORRECT
    answer: int = 200
    endpoint: str = ""
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def sha256(self) -> str:
        """Return the digest by which the raw record and the dead letter are recognised."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the closing table: how many were expected, how many were seen."""

    what: str
    expected: int
    seen: int


@dataclass(frozen=True, slots=True)
class Step:
    """Callbacks sent side by side, and all they must lead to.

    `statuses` are (transaction, native status), one for each status event; `anomalies` are
    (transaction, code); `rejection` is the code under which every one of them becomes a dead
    letter. `cue`, where given, is the key set that a token issuer publishes first.
    """

    callbacks: tuple[Callback, ...]
    statuses: tuple[tuple[str, str], ...] = ()
    anomalies: tuple[tuple[str, AnomalyCode], ...] = ()
    rejection: RejectionCode | None = None
    cue: str = ""

    @property
    def outputs(self) -> int:
        """Return how many status events and anomalies the step leads to."""
        return len(self.statuses) + len(self.anomalies)


@dataclass(frozen=True, slots=True)
class Story:
    """The steps of one transaction, and the fault that it is about, if any.

    `private` are the texts about people in it that no reading of its bodies as JSON would find.
    """

    steps: tuple[Step, ...]
    fault: Fault | None = None
    private: frozenset[str] = frozenset()

    @property
    def transactions(self) -> frozenset[str]:
        """Return the ids that status events and anomalies of this story can have."""
        found = {name for step in self.steps for name, _ in step.statuses}
        return frozenset(found | {name for step in self.steps for name, _ in step.anomalies})


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come out of a plan, whatever the order between its stories.

    `statuses` has the native statuses of each transaction's events in order of sequence.
    `rejections` are (SHA-256 of the body, code). `refusals` are the final answers other than 200:
    errors, and the 202 of an announcement.
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
# One story in twenty-five for each fault, or fewer where there are many: together a third of the
# stories, well below the breaker's half.
_FAULT_SHARE: Final = 25
_FAULTS_TOGETHER: Final = 3
_BURST_SHARE: Final = 4  # a burst of three is none


def faults_of_stories(stories: int, faults: Iterable[Fault]) -> tuple[Fault | None, ...]:
    """Return the fault that each of `stories` is about, None for most; each fault has at least one.

    Raises:
        ValueError: there are more faults than stories.
    """
    chosen: list[Fault | None] = []
    different = set(faults)
    usual = max(_FAULT_SHARE, _FAULTS_TOGETHER * len(different))
    for fault in sorted(different):
        share = _BURST_SHARE if fault is Fault.BURST else usual
        chosen += [fault] * max(1, stories // share)
    if len(chosen) > stories:
        raise ValueError(
            f"{len(chosen)} transactions are the fewest for these faults, not {stories}"
        )
    return (*chosen, *([None] * (stories - len(chosen))))
