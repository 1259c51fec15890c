"""Expectations: registration, early callbacks, silence; each alarm rings once."""

from contracts.codes import AnomalyCode
from contracts.update import VerifiedUpdate
from tests.unit.test_decide import after, last, notice_of
from tests.updates import NOON_MILLISECONDS, PIVOT, REGISTERED, RULES, announced, at, said
from workers.state_machine.decide import decide
from workers.state_machine.decision import Outcome, Rules
from workers.state_machine.snapshot import NEVER, Snapshot
from workers.state_machine.timers import ring

STRICT = Rules(provider=PIVOT, registration_required=True)
MINUTE = 60_000


def of(*updates: VerifiedUpdate, rules: Rules = REGISTERED) -> Snapshot:
    snapshot = after(*updates, rules=rules)
    assert snapshot is not None
    return snapshot


def test_announced_transaction_is_registered_with_its_deadline() -> None:
    decision = last(announced(deadline=at(3600)))

    assert (decision.outcome, decision.notice) == (Outcome.REGISTERED, None)
    assert decision.after is not None
    assert decision.after.expected
    assert decision.after.deadline == decision.after.alarm == NOON_MILLISECONDS + 3_600_000
    assert decision.after.sequence == 0


def test_announced_twice_is_a_duplicate_and_the_first_deadline_stands() -> None:
    decision = last(announced(deadline=at(60)), announced(deadline=at(600)))

    assert (decision.outcome, decision.after) == (Outcome.DUPLICATE, None)


def test_without_a_deadline_nothing_ever_rings() -> None:
    assert of(announced()).alarm == NEVER


def test_deadline_beyond_the_year_2286_never_rings() -> None:
    assert of(announced(deadline="9999-12-31T23:59:59.999999Z")).alarm == NEVER


def test_deadline_before_2001_keeps_the_width_and_rings_at_once() -> None:
    assert of(announced(deadline="0001-01-01T00:00:00.000000Z")).alarm == 1_000_000_000_000


def test_final_callback_silences_the_deadline() -> None:
    snapshot = of(announced(deadline=at(60)), said("PROCESSING"))
    final = of(announced(deadline=at(60)), said("PROCESSING"), said("PAID"))

    assert snapshot.alarm == NOON_MILLISECONDS + MINUTE
    assert final.alarm == NEVER


def test_announcement_after_the_end_sets_no_alarm() -> None:
    assert of(said("PAID"), announced(deadline=at(60)), rules=RULES).alarm == NEVER


def test_callback_of_an_unannounced_transaction_is_unsolicited_where_none_may_be_early() -> None:
    decision = last(said("PAID"), rules=STRICT)

    assert (decision.outcome, decision.after) == (Outcome.PARKED, None)
    assert notice_of(decision) is AnomalyCode.UNSOLICITED


def test_early_callback_is_parked_in_silence() -> None:
    decision = last(said("PAID"), rules=REGISTERED)

    assert (decision.outcome, decision.notice) == (Outcome.PARKED, None)
    assert decision.after is not None
    assert decision.after.status is None
    assert decision.after.alarm == decision.after.parked_until == NOON_MILLISECONDS + MINUTE


def test_time_to_be_parked_counts_from_the_first_callback() -> None:
    snapshot = of(said("PROCESSING"), said("PAID", seconds=50))

    assert len(snapshot.parked) == 2
    assert snapshot.parked_until == NOON_MILLISECONDS + MINUTE


def test_parked_callback_again_is_a_duplicate() -> None:
    decision = last(said("PAID"), said("PAID"), rules=REGISTERED)

    assert (decision.outcome, decision.after) == (Outcome.DUPLICATE, None)


def test_more_parked_callbacks_than_there_is_room_for_are_unsolicited() -> None:
    many = [said("PAID", amount=str(number)) for number in range(1, 9)]

    decision = last(*many, said("PAID", amount="9"), rules=REGISTERED)

    assert (decision.outcome, decision.after) == (Outcome.PARKED, None)
    assert notice_of(decision) is AnomalyCode.UNSOLICITED


def test_announcement_releases_what_was_parked_in_the_order_it_came() -> None:
    parked = after(said("PROCESSING"), said("PAID", seconds=1), rules=REGISTERED)

    decisions = decide(parked, announced(deadline=at(600), seconds=2), REGISTERED)

    assert [one.outcome for one in decisions] == [
        Outcome.REGISTERED,
        Outcome.APPLIED,
        Outcome.APPLIED,
    ]
    end = decisions[-1].after
    assert end is not None
    assert (end.status, end.sequence, end.parked, end.alarm) == ("PAID", 2, (), NEVER)
    assert end.expected


def test_released_callbacks_contradict_as_if_they_came_now() -> None:
    parked = after(said("PAID", amount="5"), said("PAID", amount="6"), rules=REGISTERED)

    decisions = decide(parked, announced(), REGISTERED)

    assert [one.outcome for one in decisions] == [
        Outcome.REGISTERED,
        Outcome.APPLIED,
        Outcome.CONFLICT,
    ]


def test_callback_after_its_announcement_is_applied() -> None:
    decision = last(announced(), said("PAID"), rules=STRICT)

    assert decision.outcome is Outcome.APPLIED


def test_alarm_of_a_silent_transaction_is_overdue_and_rings_once() -> None:
    snapshot = of(announced(deadline=at(60)))

    rung, notices = ring(snapshot, NOON_MILLISECONDS + MINUTE, REGISTERED)
    again, none = ring(rung, NOON_MILLISECONDS + 2 * MINUTE, REGISTERED)

    assert [notice.code for notice in notices] == [AnomalyCode.OVERDUE]
    assert rung.overdue
    assert rung.alarm == NEVER
    assert (again, none) == (rung, ())


def test_alarm_before_its_time_says_nothing_and_stays() -> None:
    snapshot = of(announced(deadline=at(60)))

    assert ring(snapshot, NOON_MILLISECONDS + MINUTE - 1, REGISTERED) == (snapshot, ())


def test_overdue_transaction_is_applied_when_it_speaks_at_last() -> None:
    rung, _ = ring(of(announced(deadline=at(60))), NOON_MILLISECONDS + MINUTE, REGISTERED)

    (decision,) = decide(rung, said("PAID", seconds=90), REGISTERED)

    assert decision.outcome is Outcome.APPLIED
    assert decision.after is not None
    assert decision.after.alarm == NEVER


def test_alarm_of_a_parked_callback_is_unsolicited_and_rings_once() -> None:
    snapshot = of(said("PAID"))

    rung, notices = ring(snapshot, NOON_MILLISECONDS + MINUTE, REGISTERED)

    assert [notice.code for notice in notices] == [AnomalyCode.UNSOLICITED]
    assert rung.alarm == NEVER
    assert rung.parked == snapshot.parked


def test_parked_callback_is_released_even_after_it_was_called_unsolicited() -> None:
    rung, _ = ring(of(said("PAID")), NOON_MILLISECONDS + MINUTE, REGISTERED)

    decisions = decide(rung, announced(seconds=120), REGISTERED)

    assert [one.outcome for one in decisions] == [Outcome.REGISTERED, Outcome.APPLIED]
