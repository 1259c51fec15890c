"""Find what became of raw records: what their verifier said of them, and what was published.

A callback keeps its id when it is replayed, so what counts is the newest outcome of its id, however
often it was written. Two outcomes are the same if they say the same of the same transactions: which
key proved it, and where it lies, may differ.
"""

from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Final

from pydantic import ValidationError

from contracts import raw
from contracts.errors import Broken
from contracts.status import StatusEvent
from contracts.topics import Topics
from contracts.update import Expectation, Statement, VerifiedUpdate, Witness
from ops.cluster import Cluster
from ops.replay.letter_box import CLOCKS_APART_MILLISECONDS, Letter
from ops.terminal import text_of
from ops.topic_reader import OnProgress, Place, StoredRecord, all_partitions, read_to_end

# Given where nothing can be said now: a store or a key set is away.
UNAVAILABLE: Final = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one callback led to: statements of transactions, or the `code` that says why not.

    `said` compares, `shown` is for people: the same in short, without what may be personal.
    """

    code: str = ""
    detail: str = ""
    said: frozenset[str] = frozenset()
    shown: tuple[str, ...] = ()

    def line(self) -> str:
        """Return it in one line."""
        if self.code:
            return f"{self.code}: {self.detail}" if self.detail else self.code
        return "verified: " + ("; ".join(self.shown) or "nothing said")


@dataclass(slots=True)
class Outcomes:
    """What became of a set of callbacks; `published` are the status events of each."""

    # Of each callback, what became of each of its raw records, and when that was written.
    by_subject: dict[str, dict[Place, tuple[int, Outcome]]] = field(default_factory=dict)
    published: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, subject: str) -> Outcome | None:
        """Return the newest outcome, if there is one."""
        found = sorted(self.by_subject.get(subject, {}).values(), key=itemgetter(0))
        return found[-1][1] if found else None

    def at(self, place: Place, subject: str) -> Outcome | None:
        """Return the outcome of this very record, whichever came last."""
        found = self.by_subject.get(subject, {}).get(place)
        return found[1] if found else None


def subject_of(record: StoredRecord) -> str:
    """Return what a raw record is about: its callback's id; where it lies, if it has none."""
    return text_of(record.header(raw.CALLBACK_ID)) or record.id


def outcome_of(updates: Iterable[VerifiedUpdate]) -> Outcome:
    """Return the outcome of a callback that was verified."""
    said: dict[str, str] = {}
    for update in updates:
        what: Statement | Witness | Expectation | None = update.what
        while what is not None:
            # Given anew at each place of a request, and the first stands: no part of what is said.
            excluded = {"then", "assigned"}
            text = f"{update.endpoint} {what.model_dump_json(exclude=excluded)}"
            said[text] = _shown(what)
            what = what.then if isinstance(what, Witness) else None
    return Outcome(said=frozenset(said), shown=tuple(sorted(filter(None, said.values()))))


async def read_outcomes(
    cluster: Cluster,
    topics: Topics,
    subjects: Collection[str],
    *,
    since_milliseconds: int,
    on_progress: OnProgress,
) -> Outcomes:
    """Return what became of the callbacks `subjects`, of which none is older than that time."""
    counts = await cluster.partitions(topics.verified, topics.rejected, topics.status)
    found = Outcomes()
    records = read_to_end(
        cluster.clients,
        all_partitions(counts),
        since_milliseconds=max(0, since_milliseconds - CLOCKS_APART_MILLISECONDS),
        on_progress=on_progress,
    )
    await collect(records, topics, subjects, found)
    return found


async def collect(
    records: AsyncGenerator[StoredRecord],
    topics: Topics,
    subjects: Collection[str],
    found: Outcomes,
) -> None:
    """Add to `found` what `records` of the three topics tell of the callbacks `subjects`."""
    async for record in records:
        if record.topic == topics.rejected:
            _take_letter(Letter(record), topics, subjects, found)
            continue
        with suppress(ValidationError):  # not of this version: no outcome that could be compared
            if record.topic == topics.verified:
                update = VerifiedUpdate.model_validate_json(record.value or b"")
                if update.origin.callback_id in subjects:
                    _take_update(record, update, found)
            else:
                event = StatusEvent.model_validate_json(record.value or b"")
                subject = event.evidence.raw.callback_id
                if subject in subjects:
                    told = f"{event.transaction_id} {event.status}"
                    found.published[subject] = (*found.published.get(subject, ()), told)


def _take_letter(
    letter: Letter, topics: Topics, subjects: Collection[str], found: Outcomes
) -> None:
    try:
        place = letter.origin
    except Broken:
        return
    # A letter of the verified topic is the state machine's: the verifier had taken the callback.
    subject = text_of(letter.record.header(raw.CALLBACK_ID)) or "-".join(map(str, place))
    if place[0] != topics.raw or subject not in subjects:
        return
    _newest(letter.record, subject, place, Outcome(code=letter.code, detail=letter.detail), found)


def _take_update(record: StoredRecord, update: VerifiedUpdate, found: Outcomes) -> None:
    place = (update.origin.topic, update.origin.partition, update.origin.offset)
    subject, outcome = update.origin.callback_id, outcome_of([update])
    written, before = found.by_subject.get(subject, {}).get(place, (0, None))
    if before is not None and not before.code:
        # One of several updates of one callback, or one that its witness let go on.
        said, shown = before.said | outcome.said, {*before.shown, *outcome.shown}
        outcome = replace(outcome, said=said, shown=tuple(sorted(shown)))
        # They lie in several partitions, so they may be met in another order than written.
        found.by_subject[subject][place] = max(written, record.written_at), outcome
        return
    _newest(record, subject, place, outcome, found)


def _newest(
    record: StoredRecord, subject: str, place: Place, outcome: Outcome, found: Outcomes
) -> None:
    places = found.by_subject.setdefault(subject, {})
    if place not in places or places[place][0] <= record.written_at:
        places[place] = record.written_at, outcome


def _shown(what: Statement | Witness | Expectation) -> str:
    match what:
        case Statement(transaction_id=transaction_id, native_status=native, amount=amount):
            money = f" {amount.value} {amount.currency}" if amount else ""
            return f"{transaction_id} {native}{money}"
        case Expectation(transaction_id=transaction_id):
            return f"{transaction_id} announced"
        case Witness():
            return ""
