"""Tell the story of one transaction in the order of time, one line for each record. Pure."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from contracts import dead_letter, raw
from contracts.instants import instant
from contracts.update import Expectation, Statement, VerifiedUpdate
from ops.replay.letter_box import Letter
from ops.story.collected import Story
from ops.terminal import text_of
from ops.topic_reader import StoredRecord

# Within one millisecond, causes come before effects.
_ORDER: Final = ("callback", "expectation", "poll", "verified", "dead letter", "status", "anomaly")
_NEVER: Final = 9_999_999_999_999  # as the state machine writes a timer that is not set


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One record's part in the story; `body` is set only for what a provider sent."""

    at: str
    kind: str
    said: str
    record: str
    body: bytes | None = None

    def as_json(self, *, with_body: bool) -> dict[str, Any]:
        """Return it as a JSON object."""
        value: dict[str, Any] = {
            "at": self.at,
            "kind": self.kind,
            "said": self.said,
            "record": self.record,
        }
        if self.body is not None:
            value["body_bytes"] = len(self.body)
            value["body_sha256"] = hashlib.sha256(self.body).hexdigest()
            if with_body:
                value["body"] = text_of(self.body)
        return value


def story_lines(story: Story) -> list[StoryLine]:
    """Return the story's lines, oldest first."""
    lines = [
        *_callbacks(story),
        *(_verified(record, update) for record, update in story.updates),
        *(_letter(letter) for letter in story.letters),
        *_published(story),
        *(
            _line(one, kind="unreadable", said="not a record of this version")
            for one in story.unreadable
        ),
    ]
    return sorted(lines, key=_when)


def snapshot_fields(story: Story) -> dict[str, Any] | None:
    """Return where the transaction stands, without the updates parked in it; None if forgotten."""
    if story.snapshot is None:
        return None
    value: dict[str, Any] = json.loads(story.snapshot.value or b"{}")
    value["parked"] = len(value.get("parked", ()))
    for name in ("alarm", "expiry", "deadline", "parked_until"):
        milliseconds = value.get(name, _NEVER)
        value[name] = None if milliseconds == _NEVER else _instant(milliseconds)
    return value


def _when(line: StoryLine) -> tuple[str, int]:
    rank = _ORDER.index(line.kind) if line.kind in _ORDER else len(_ORDER)
    # Kafka keeps milliseconds, the ingress microseconds.
    return line.at[: len("2026-11-21T10:00:00.000")], rank


def _callbacks(story: Story) -> Iterator[StoryLine]:
    for place, origin in story.origins().items():
        name = "-".join(map(str, place))
        record = story.callbacks.get(place)
        if record is None:
            received = [u.received_at for _, u in story.updates if u.origin == origin]
            received += [e.received_at for _, e in story.events if e.evidence.raw == origin]
            at = min(received, default="")
            said = f"no longer kept; its sha256 was {origin.sha256}"
            yield StoryLine(at=at, kind="callback", said=said, record=name)
            continue
        body = record.value or b""
        said = f"{len(body)} bytes, by {text_of(record.header(raw.PRINCIPAL)) or 'nobody'}"
        replayed = record.header(dead_letter.REPLAYED_FROM)
        if replayed:
            said += f", replayed from {text_of(replayed)}"
        yield StoryLine(
            at=text_of(record.header(raw.RECEIVED_AT)),
            kind=text_of(record.header(raw.SOURCE)) or raw.Source.CALLBACK.value,
            said=said,
            record=name,
            body=body,
        )


def _verified(record: StoredRecord, update: VerifiedUpdate) -> StoryLine:
    proof = f"by {update.proof.scheme} {update.proof.algorithm} key {update.proof.key_id}"
    match update.what:
        case Expectation(deadline=deadline, then=then):
            opening = f"{then.native_status}, " if then else ""
            said = f"{opening}announced, to be final by {deadline or 'no deadline'}, {proof}"
        case Statement(native_status=native, amount=amount):
            money = f", {amount.value} {amount.currency}" if amount else ""
            said = f"{native}{money}, {proof}"
    origin = update.origin
    said += f", from {origin.topic}-{origin.partition}-{origin.offset}"
    return _line(record, kind="verified", said=said)


def _letter(letter: Letter) -> StoryLine:
    said = f"{letter.code}: {letter.detail}" if letter.detail else letter.code
    if letter.record.key is None:
        said += " (unverified: the body holds this transaction's id)"
    return StoryLine(
        at=_instant(letter.record.written_at),
        kind="dead letter",
        said=said,
        record=letter.id,
        body=letter.record.value or b"",
    )


def _published(story: Story) -> Iterator[StoryLine]:
    for record, event in story.events:
        final = ", final" if event.final else ""
        said = f"{event.previous_status or 'new'} → {event.status} ({event.native_status})"
        yield _line(record, kind="status", said=f"{said}, #{event.sequence}{final}")
    for record, anomaly in story.anomalies:
        claim = f"said {anomaly.said}, " if anomaly.said else ""
        said = f"{anomaly.code}: {claim}{anomaly.detail}"
        yield _line(record, kind="anomaly", said=said)


def _line(record: StoredRecord, *, kind: str, said: str) -> StoryLine:
    return StoryLine(at=_instant(record.written_at), kind=kind, said=said, record=record.id)


def _instant(milliseconds: int) -> str:
    return instant(datetime.fromtimestamp(milliseconds / 1000, UTC))
