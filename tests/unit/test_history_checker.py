"""The history checker sees every violation it is for, each in a history that is sound otherwise."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checker import Acknowledged, History, StoredRecord, Verdict, judge

KEY = "shop:t1"


def raw(offset: int, body: bytes) -> StoredRecord:
    return StoredRecord(topic="raw", partition=0, offset=offset, key=None, value=body)


def verified(offset: int, origin: int, fact: str, key: str = KEY) -> StoredRecord:
    value = {
        "origin": {"topic": "raw", "partition": 0, "offset": origin},
        "what": {"transaction_id": "t1", "fact": fact},
    }
    return stored("verified", offset, key, value)


def event(
    offset: int, sequence: int, native: str, *, origin: int, identifier: str = ""
) -> StoredRecord:
    value = {
        "sequence": sequence,
        "native_status": native,
        "evidence": {"raw": {"topic": "raw", "partition": 0, "offset": origin}},
    }
    headers = {"ce_id": (identifier or native).encode()}
    return replace(stored("status", offset, KEY, value), headers=headers)


def anomaly(offset: int, origin: int | None, identifier: str = "a") -> StoredRecord:
    place = {"topic": "raw", "partition": 0, "offset": origin}
    value = {"evidence": None if origin is None else {"raw": place}}
    headers = {"ce_id": identifier.encode()}
    return replace(stored("anomalies", offset, KEY, value), headers=headers)


def snapshot(offset: int, status: str | None, sequence: int, *facts: str) -> StoredRecord:
    value = {"status": status, "sequence": sequence, "facts": dict.fromkeys(facts, "digest")}
    return stored("state", offset, KEY, value)


def letter(offset: int, topic: str, origin: int) -> StoredRecord:
    headers = {
        "__streams.errors.topic": topic.encode(),
        "__streams.errors.partition": b"0",
        "__streams.errors.offset": str(origin).encode(),
    }
    return StoredRecord(
        topic="rejected", partition=0, offset=offset, key=None, value=b"", headers=headers
    )


def stored(topic: str, offset: int, key: str, value: dict[str, Any]) -> StoredRecord:
    return StoredRecord(
        topic=topic,
        partition=0,
        offset=offset,
        key=key.encode(),
        value=json.dumps(value).encode(),
    )


SOUND = History(
    acknowledged=(
        Acknowledged("shop", "t1", "OPEN", b"opened"),
        Acknowledged("shop", "t1", "PAID", b"paid"),
    ),
    raw=(raw(0, b"opened"), raw(1, b"paid")),
    verified=(verified(0, 0, "OPEN"), verified(1, 1, "PAID")),
    status=(event(0, 1, "OPEN", origin=0), event(1, 2, "PAID", origin=1)),
    state=(snapshot(0, "OPEN", 1, "OPEN"), snapshot(1, "PAID", 2, "OPEN", "PAID")),
)


def broken_rules(verdict: Verdict) -> set[str]:
    return {violation.partition(":")[0] for violation in verdict.violations}


def test_sound_history_has_no_violation() -> None:
    verdict = judge(SOUND)

    assert verdict.violations == ()
    assert verdict.settled
    assert (verdict.acknowledged, verdict.stored, verdict.status_events) == (2, 2, 2)


@pytest.mark.parametrize(
    ("history", "rule"),
    [
        pytest.param(
            replace(
                SOUND,
                raw=SOUND.raw[:1],
                verified=SOUND.verified[:1],
                status=SOUND.status[:1],
                state=SOUND.state[:1],
            ),
            "lost",
            id="acknowledged-not-stored",
        ),
        pytest.param(
            replace(
                SOUND, verified=SOUND.verified[:1], status=SOUND.status[:1], state=SOUND.state[:1]
            ),
            "lost",
            id="stored-not-handled",
        ),
        pytest.param(
            replace(SOUND, acknowledged=(*SOUND.acknowledged, SOUND.acknowledged[1])),
            "lost",
            id="acknowledged-twice-stored-once",
        ),
        pytest.param(
            replace(SOUND, status=SOUND.status[:1], state=SOUND.state[:1]),
            "undecided",
            id="verified-without-effect",
        ),
        pytest.param(
            replace(
                SOUND,
                status=(*SOUND.status, event(2, 3, "FAILED", origin=7)),
                state=(*SOUND.state, snapshot(2, "FAILED", 3, "OPEN", "PAID", "FAILED")),
            ),
            "unproven",
            id="status-without-verified-update",
        ),
        pytest.param(
            replace(SOUND, verified=(*SOUND.verified, verified(2, 1, "PAID"))),
            "doubled_records",
            id="raw-verified-twice",
        ),
        pytest.param(
            replace(SOUND, rejected=(letter(0, "verified", 1), letter(1, "verified", 1))),
            "doubled_records",
            id="two-dead-letters",
        ),
        pytest.param(
            replace(SOUND, rejected=(letter(0, "raw", 1),)),
            "doubled_records",
            id="verified-and-dead-letter",
        ),
        pytest.param(
            replace(SOUND, anomalies=(anomaly(0, 1), anomaly(1, 1))),
            "doubled_ids",
            id="anomaly-published-twice",
        ),
        pytest.param(
            replace(
                SOUND,
                status=(SOUND.status[0], event(1, 3, "PAID", origin=1)),
                state=(SOUND.state[0], snapshot(1, "PAID", 3, "OPEN", "PAID")),
            ),
            "gaps",
            id="sequence-left-out",
        ),
        pytest.param(
            replace(
                SOUND,
                status=(event(0, 2, "PAID", origin=1), event(1, 1, "OPEN", origin=0)),
                state=(SOUND.state[1], snapshot(2, "OPEN", 1, "OPEN", "PAID")),
            ),
            "disorder",
            id="sequence-decreases",
        ),
        pytest.param(
            replace(SOUND, state=(SOUND.state[0], snapshot(1, "OPEN", 1, "OPEN", "PAID"))),
            "diverged",
            id="snapshot-behind-events",
        ),
        pytest.param(replace(SOUND, status=SOUND.status[:1]), "diverged", id="event-missing"),
    ],
)
def test_one_violation_is_reported_alone(history: History, rule: str) -> None:
    assert broken_rules(judge(history)) == {rule}


def test_status_event_published_twice_breaks_id_and_effect() -> None:
    twice = replace(SOUND, status=(*SOUND.status, replace(SOUND.status[1], offset=2)))

    assert broken_rules(judge(twice)) == {"doubled_ids", "doubled_effects"}


def test_same_effect_under_another_id_is_doubled() -> None:
    again = event(2, 3, "PAID", origin=1, identifier="another")
    history = replace(
        SOUND,
        status=(*SOUND.status, again),
        state=(*SOUND.state, snapshot(2, "PAID", 3, "OPEN", "PAID")),
    )

    assert broken_rules(judge(history)) == {"doubled_effects"}


def test_dead_letter_of_a_raw_record_is_not_lost() -> None:
    history = replace(
        SOUND,
        verified=SOUND.verified[:1],
        rejected=(letter(0, "raw", 1),),
        status=SOUND.status[:1],
        state=SOUND.state[:1],
    )

    assert judge(history).violations == ()


def test_anomaly_or_dead_letter_of_an_update_is_an_effect() -> None:
    without = replace(SOUND, status=SOUND.status[:1], state=SOUND.state[:1])

    assert judge(replace(without, anomalies=(anomaly(0, 1),))).violations == ()
    assert judge(replace(without, rejected=(letter(0, "verified", 1),))).violations == ()


def test_one_callback_about_two_transactions_is_not_doubled() -> None:
    other = replace(
        snapshot(0, "OPEN", 1, "OPEN"),
        partition=1,
        key=b"shop:t2",
        value=json.dumps({"status": None, "sequence": 0, "facts": {"OPEN": "digest"}}).encode(),
    )
    history = replace(
        SOUND,
        verified=(*SOUND.verified, verified(2, 0, "OPEN", key="shop:t2")),
        state=(*SOUND.state, other),
    )

    assert judge(history).violations == ()


def test_redelivery_that_is_stored_twice_is_sound() -> None:
    history = replace(
        SOUND,
        acknowledged=(*SOUND.acknowledged, SOUND.acknowledged[1]),
        raw=(*SOUND.raw, raw(2, b"paid")),
        verified=(*SOUND.verified, verified(2, 2, "PAID")),
    )

    assert judge(history).violations == ()


def test_overdue_anomaly_has_no_evidence_and_proves_nothing() -> None:
    assert judge(replace(SOUND, anomalies=(anomaly(0, None),))).violations == ()


def test_forgotten_transaction_does_not_diverge() -> None:
    tombstone = replace(SOUND.state[1], offset=2, value=None)
    history = replace(SOUND, state=(*SOUND.state, tombstone))

    assert broken_rules(judge(history)) == {"undecided"}
