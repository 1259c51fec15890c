"""The comparison: equal when all came as planned, and a sentence for each way it did not."""

from collections import Counter
from collections.abc import Callable

import pytest

from contracts.anomaly import Anomaly
from contracts.cloud_event import event_id
from contracts.codes import AnomalyCode, RejectionCode
from contracts.dead_letter import CODE
from contracts.lifecycle import Status
from contracts.status import Evidence, StatusEvent
from contracts.topics import Role
from contracts.update import Origin, Proof, Scheme
from simulator.comparison import Comparison, compare
from simulator.plan import Callback, Plan, Step, Story
from simulator.sender import Sent
from simulator.tally import Tally

RECEIVED_AT = "2026-11-21T10:00:00.000000Z"
EVIDENCE = Evidence(
    raw=Origin(topic="t", partition=0, offset=0, sha256="", callback_id=""),
    proof=Proof(scheme=Scheme.API_KEY, algorithm="a", key_id="k", signer="s"),
)
CANCELLED, PAID, SPOILT = Callback(b"cancelled"), Callback(b"paid"), Callback(b"spoilt")
REFUSED = Callback(b"refused", answer=401)
PLAN = Plan(
    "pivot",
    (
        Story(
            (
                Step((CANCELLED,), statuses=(("one", "CANCELLED"),)),
                Step(
                    (PAID, PAID),
                    statuses=(("one", "PAID"),),
                    anomalies=(("one", AnomalyCode.LATE),),
                ),
            )
        ),
        Story((Step((SPOILT,), rejection=RejectionCode.JSON_INVALID), Step((REFUSED,)))),
    ),
)


def test_comparison_with_all_as_planned_is_equal() -> None:
    comparison = compared(lambda _, __: None)

    assert comparison.equal
    assert comparison.differences == ()
    assert all(row.expected == row.seen for row in comparison.rows)


def lose_a_body(_: Sent, tally: Tally) -> None:
    tally.raw[PAID.sha256] -= 1


def double_an_event(_: Sent, tally: Tally) -> None:
    take_event(tally, "one", "PAID", 2)


def skip_a_number(_: Sent, tally: Tally) -> None:
    tally.events["one"] = [tally.events["one"][0]]
    take_event(tally, "one", "PAID", 3)


def swap_two_events(_: Sent, tally: Tally) -> None:
    tally.events["one"].reverse()


def lose_an_event(_: Sent, tally: Tally) -> None:
    del tally.events["one"][1]


def invent_a_transaction(_: Sent, tally: Tally) -> None:
    take_event(tally, "other", "PAID", 1)


def lose_an_anomaly(_: Sent, tally: Tally) -> None:
    tally.anomalies.clear()


def reject_another(_: Sent, tally: Tally) -> None:
    tally.rejections[PAID.sha256, "poisoned"] += 1


def answer_otherwise(sent: Sent, _: Tally) -> None:
    sent.ends[401] -= 1
    sent.ends[None] += 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (double_an_event, "status events: 3, expected 2"),
        (skip_a_number, ""),
        (swap_two_events, ""),
        (lose_a_body, ""),
        (lose_an_event, "transaction one: CANCELLED, expected CANCELLED PAID"),
        (invent_a_transaction, "transaction other: PAID, expected nothing"),
        (lose_an_anomaly, "anomaly late of one: 0, expected 1"),
        (reject_another, f"dead letter poisoned of {PAID.sha256}: 1, expected 0"),
        (answer_otherwise, "gave up without an answer: 1, expected 0"),
    ],
)
def test_comparison_with_one_difference_says_it(
    change: Callable[[Sent, Tally], None], sentence: str
) -> None:
    comparison = compared(change)

    assert not comparison.equal
    assert not sentence or sentence in comparison.differences


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (lose_a_body, (1, 0, 0, 0)),
        (double_an_event, (0, 1, 0, 0)),
        (skip_a_number, (0, 0, 1, 0)),
        (swap_two_events, (0, 0, 0, 1)),
    ],
)
def test_comparison_counts_what_is_lost_doubled_skipped_and_swapped(
    change: Callable[[Sent, Tally], None], counts: tuple[int, int, int, int]
) -> None:
    found = compared(change)

    assert (found.lost, found.doubled, found.gaps, found.disorder) == counts


def test_tally_counts_an_anomaly_published_again_once() -> None:
    tally = Tally()
    take_anomaly(tally, "one", AnomalyCode.LATE)
    take_anomaly(tally, "one", AnomalyCode.LATE)

    assert tally.anomaly_counts() == {("one", "late"): 1}
    assert tally.outputs_of({"one"}) == 1


def test_dead_letter_twice_is_as_planned_if_the_callback_was_sent_again() -> None:
    def twice(_: Sent, tally: Tally) -> None:
        tally.take(Role.REJECTED, SPOILT.body, [(CODE, b"json_invalid")])

    def sent_again(sent: Sent, tally: Tally) -> None:
        twice(sent, tally)
        sent.unconfirmed[SPOILT.sha256] += 1

    assert not compared(twice).equal
    assert compared(sent_again).equal


def test_tally_of_some_transactions_leaves_out_the_others() -> None:
    tally = Tally()
    for name in ("one", "other"):
        take_event(tally, name, "CANCELLED", 1)
        take_anomaly(tally, name, AnomalyCode.LATE)
        tally.take(Role.REJECTED, name.encode(), [(CODE, b"json_invalid")])

    mine = tally.only({"one"}, {Callback(b"one").sha256})

    assert set(mine.events) == {"one"}
    assert mine.anomaly_counts() == {("one", "late"): 1}
    assert list(mine.rejections) == [(Callback(b"one").sha256, "json_invalid")]
    assert mine.outputs_of({"one", "other"}) == 2


def compared(change: Callable[[Sent, Tally], None]) -> Comparison:
    """Return the comparison of the plan with an outcome as planned, after `change`."""
    accepted = [CANCELLED, PAID, PAID, SPOILT]
    sent = Sent(
        attempts=5,
        ends=Counter({200: 4, 401: 1}),
        acknowledged=Counter(callback.sha256 for callback in accepted),
    )
    tally = Tally()
    for callback in accepted:
        tally.take(Role.RAW, callback.body, [])
    tally.take(Role.REJECTED, SPOILT.body, [(CODE, b"json_invalid")])
    take_event(tally, "one", "CANCELLED", 1)
    take_event(tally, "one", "PAID", 2)
    take_anomaly(tally, "one", AnomalyCode.LATE)
    change(sent, tally)
    return compare(PLAN, sent, tally)


def take_event(tally: Tally, transaction: str, native: str, sequence: int) -> None:
    event = StatusEvent(
        id=event_id("e", transaction, native),
        provider="pivot",
        endpoint="e",
        transaction_id=transaction,
        status=Status.COMPLETED,
        native_status=native,
        previous_status=None,
        final=True,
        reason=None,
        amount=None,
        references={},
        occurred_at=None,
        received_at=RECEIVED_AT,
        sequence=sequence,
        evidence=EVIDENCE,
    )
    tally.take(Role.STATUS, event.model_dump_json().encode(), [])


def take_anomaly(tally: Tally, transaction: str, code: AnomalyCode) -> None:
    found = Anomaly(
        id=event_id("e", transaction, code.value),
        code=code,
        provider="pivot",
        endpoint="e",
        transaction_id=transaction,
        standing="PAID",
        status=Status.COMPLETED,
        said="PAID",
        detail="d",
        noticed_at=RECEIVED_AT,
        evidence=EVIDENCE,
    )
    tally.take(Role.ANOMALIES, found.model_dump_json().encode(), [])
