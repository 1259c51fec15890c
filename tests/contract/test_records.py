"""Records as others read them: literals that no release may change without a new topic version."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.anomaly import Anomaly
from contracts.cloud_event import event_id
from contracts.codes import AnomalyCode, RejectionCode
from contracts.dead_letter import DeadLetter, original_headers
from contracts.lifecycle import Status
from contracts.status import Evidence, StatusEvent
from contracts.topics import CO_PARTITIONED, Role, Topics
from contracts.update import Amount, Expectation, Reason, Statement, VerifiedUpdate
from tests.updates import announced, at, said

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UPDATE = said("PAID", amount="10001", reason="CAPTURED", offset=41)
EVIDENCE = Evidence(raw=UPDATE.origin, proof=UPDATE.proof)
EVENT = StatusEvent(
    id=event_id("shop", "t1", "PAID"),
    provider="pivot",
    endpoint="shop",
    transaction_id="t1",
    status=Status.COMPLETED,
    native_status="PAID",
    previous_status=None,
    final=True,
    reason=Reason(code="CAPTURED", text="captured"),
    amount=Amount(value="10001", currency="IDR"),
    references={"client_reference_id": "INV-1"},
    occurred_at="2026-11-02T11:59:59.020691396Z",
    received_at=at(),
    sequence=1,
    evidence=EVIDENCE,
)
ANOMALY = Anomaly(
    id=event_id("shop", "t1", "conflict:PAID:0123456789abcdef"),
    code=AnomalyCode.CONFLICT,
    provider="pivot",
    endpoint="shop",
    transaction_id="t1",
    standing="PAID",
    status=Status.COMPLETED,
    said="CANCELLED",
    detail="PAID stands",
    noticed_at=at(),
    evidence=None,
)
ORIGIN_JSON = {
    "topic": "callbacks.pivot.raw.v1",
    "partition": 0,
    "offset": 41,
    "sha256": "ab" * 32,
    "callback_id": "019a0000-0000-7000-8000-000000000000",
}
PROOF_JSON = {
    "scheme": "api_key",
    "algorithm": "none-over-body",
    "key_id": "current",
    "signer": "shop",
}


@pytest.mark.parametrize(
    ("fact", "identifier"),
    [
        (("shop", "t1", "PAID"), "5131edd2-11ec-56a2-88cb-364123613157"),
        (
            ("pivot-id", "bca0b57a-391e-4f6f-bfef-8cd37492ee5b", "PAID"),
            "7a191a04-c8b8-50d5-9025-4d72c39f4a65",
        ),
        (
            ("pivot-id", "cf2842f4-e263-4643-8bc9-af682a5060cd", "CHARGE.SUCCESS"),
            "cdc10547-d47d-50be-869e-ed970fc32906",
        ),
        (
            ("uaepass-gov", "m9mf2a64pk21v9nolu", "ACCEPTED"),
            "b723991f-ef13-50ba-b4ed-9f7340c79b3d",
        ),
    ],
)
def test_id_of_a_fact_never_changes(fact: tuple[str, str, str], identifier: str) -> None:
    """A subscriber that remembers ids relies on it; computed by hand as RFC 9562 §5.5 says."""
    assert event_id(*fact) == identifier


def test_ids_of_different_facts_differ_however_their_parts_are_cut() -> None:
    facts = [("a", "b", "c"), ("a", "bc", ""), ("ab", "c", ""), ("", "ab", "c"), ("a:b", "c", "")]

    assert len({event_id(*fact) for fact in facts}) == len(facts)


def test_verified_update_of_a_statement() -> None:
    assert json.loads(UPDATE.model_dump_json(exclude_none=True)) == {
        "provider": "pivot",
        "endpoint": "shop",
        "source": "callback",
        "received_at": "2026-11-02T12:00:00.000000Z",
        "what": {
            "transaction_id": "t1",
            "native_status": "PAID",
            "fact": "PAID",
            "reason": {"code": "CAPTURED"},
            "amount": {"value": "10001", "currency": "IDR"},
            "occurred_at": "2026-11-02T11:59:59.020691396Z",
            "references": {"client_reference_id": "INV-1"},
        },
        "proof": PROOF_JSON,
        "origin": ORIGIN_JSON,
    }
    assert UPDATE.key == "shop:t1"


def test_verified_update_of_an_expectation() -> None:
    update = announced(deadline=at(60), offset=41)

    assert json.loads(update.model_dump_json(exclude_none=True)) == {
        "provider": "pivot",
        "endpoint": "shop",
        "source": "expectation",
        "received_at": "2026-11-02T12:00:00.000000Z",
        "what": {"transaction_id": "t1", "deadline": "2026-11-02T12:01:00.000000Z"},
        "proof": PROOF_JSON,
        "origin": ORIGIN_JSON,
    }


@pytest.mark.parametrize(
    ("update", "kind"),
    [(UPDATE, Statement), (announced(deadline=at(60)), Expectation), (announced(), Expectation)],
)
def test_verified_update_is_read_as_what_it_was(update: VerifiedUpdate, kind: type) -> None:
    found = VerifiedUpdate.model_validate_json(update.model_dump_json(exclude_none=True))

    assert found == update
    assert isinstance(found.what, kind)


def test_status_event() -> None:
    assert json.loads(EVENT.model_dump_json()) == {
        "id": EVENT.id,
        "provider": "pivot",
        "endpoint": "shop",
        "transaction_id": "t1",
        "status": "completed",
        "native_status": "PAID",
        "previous_status": None,
        "final": True,
        "reason": {"code": "CAPTURED", "text": "captured"},
        "amount": {"value": "10001", "currency": "IDR"},
        "references": {"client_reference_id": "INV-1"},
        "occurred_at": "2026-11-02T11:59:59.020691396Z",
        "received_at": "2026-11-02T12:00:00.000000Z",
        "sequence": 1,
        "evidence": {"raw": ORIGIN_JSON, "proof": PROOF_JSON},
    }
    assert StatusEvent.model_validate_json(EVENT.model_dump_json()) == EVENT


def test_status_event_headers() -> None:
    assert EVENT.headers(TRACEPARENT) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", EVENT.id.encode()),
        ("ce_source", b"/endpoints/shop"),
        ("ce_type", b"esito.transaction.status.v1"),
        ("ce_subject", b"t1"),
        ("ce_time", b"2026-11-02T12:00:00.000000Z"),
        ("ce_partitionkey", b"shop:t1"),
        ("content-type", b"application/json"),
        ("ce_traceparent", TRACEPARENT.encode()),
        ("traceparent", TRACEPARENT.encode()),
    ]
    assert EVENT.key == "shop:t1"


def test_anomaly() -> None:
    assert json.loads(ANOMALY.model_dump_json()) == {
        "id": ANOMALY.id,
        "code": "conflict",
        "provider": "pivot",
        "endpoint": "shop",
        "transaction_id": "t1",
        "standing": "PAID",
        "status": "completed",
        "said": "CANCELLED",
        "detail": "PAID stands",
        "noticed_at": "2026-11-02T12:00:00.000000Z",
        "evidence": None,
    }
    assert Anomaly.model_validate_json(ANOMALY.model_dump_json()) == ANOMALY


def test_anomaly_headers() -> None:
    assert ANOMALY.headers() == [
        ("ce_specversion", b"1.0"),
        ("ce_id", ANOMALY.id.encode()),
        ("ce_source", b"/endpoints/shop"),
        ("ce_type", b"esito.transaction.anomaly.v1"),
        ("ce_subject", b"t1"),
        ("ce_time", b"2026-11-02T12:00:00.000000Z"),
        ("ce_partitionkey", b"shop:t1"),
        ("content-type", b"application/json"),
        ("esito-anomaly-code", b"conflict"),
    ]


@pytest.mark.parametrize(
    "headers", [EVENT.headers(), ANOMALY.headers(), EVENT.headers(TRACEPARENT)]
)
def test_event_has_every_attribute_that_cloudevents_requires(
    headers: list[tuple[str, bytes]],
) -> None:
    """CloudEvents 1.0.2: id, source, specversion and type, none of them empty, each once."""
    names = [name for name, _ in headers]

    assert len(set(names)) == len(names)
    assert {"ce_id", "ce_source", "ce_specversion", "ce_type"} <= set(names)
    assert all(value for _, value in headers)
    assert [name for name in names if name.startswith("ce_") and not name[3:].isalnum()] == []


@pytest.mark.parametrize("record", [EVENT, ANOMALY])
def test_event_is_never_without_data(record: StatusEvent | Anomaly) -> None:
    """A binary event without data would be a tombstone on a compacted topic."""
    assert json.loads(record.model_dump_json())


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 0},
        {"received_at": "2026-11-02T12:00:00Z"},
        {"amount": {"value": 10001, "currency": "IDR"}},
        {"amount": {"value": "-1", "currency": "IDR"}},
        {"status": "paid"},
        {"surprise": 1},
    ],
)
def test_status_event_of_another_shape_is_refused(changes: dict[str, Any]) -> None:
    given = {**json.loads(EVENT.model_dump_json()), **changes}

    with pytest.raises(ValidationError):
        StatusEvent.model_validate_json(json.dumps(given))


LETTER = DeadLetter(
    code=RejectionCode.JSON_INVALID,
    detail="character 7",
    topic="callbacks.pivot.raw.v1",
    partition=2,
    offset=41,
    exception="Rejected",
    stack="workers/verifier/decode.py:40 decode_json",
)
ORIGINAL = [("esito-endpoint", b"shop"), ("http-x", b"\xff"), ("esito-replayed-from", b"2/40")]


def test_dead_letter_headers_follow_the_original_ones() -> None:
    assert LETTER.headers(ORIGINAL) == [
        *ORIGINAL,
        ("esito-rejection-code", b"json_invalid"),
        ("esito-rejection-detail", b"character 7"),
        ("__streams.errors.topic", b"callbacks.pivot.raw.v1"),
        ("__streams.errors.partition", b"2"),
        ("__streams.errors.offset", b"41"),
        ("__streams.errors.exception", b"Rejected"),
        (
            "__streams.errors.message",
            b"The body is not JSON, or holds text that is not Unicode.",
        ),
        ("__streams.errors.stacktrace", b"workers/verifier/decode.py:40 decode_json"),
    ]


def test_replay_of_a_dead_letter_has_the_original_headers() -> None:
    assert original_headers(LETTER.headers(ORIGINAL)) == ORIGINAL


def test_dead_letter_of_a_dead_letter_says_only_the_last_reason() -> None:
    twice = LETTER.headers(LETTER.headers(ORIGINAL))

    assert twice == LETTER.headers(ORIGINAL)


def test_topic_names() -> None:
    assert Topics.of("pivot").by_role() == {
        Role.RAW: "callbacks.pivot.raw.v1",
        Role.VERIFIED: "callbacks.pivot.verified.v1",
        Role.REJECTED: "callbacks.pivot.rejected.v1",
        Role.STATUS: "transactions.pivot.status.v1",
        Role.ANOMALIES: "transactions.pivot.anomalies.v1",
        Role.STATE: "transactions.pivot.state.v1",
    }
    assert Topics.of("uaepass", prefix="eu.").raw == "eu.callbacks.uaepass.raw.v1"
    assert CO_PARTITIONED == (Role.VERIFIED, Role.STATUS, Role.ANOMALIES, Role.STATE)
