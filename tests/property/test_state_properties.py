"""Order, repetition and aborts: what they change, and what they must not."""

import json
from collections import defaultdict
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.lifecycle import Move
from contracts.update import Statement, VerifiedUpdate
from tests.property.strategies import SESSION_STATUSES, statements
from tests.unit.test_decide import after
from tests.unit.test_state_machine_processor import TOPICS, of, processor
from tests.updates import PIVOT, RULES, UAEPASS, said, verified_record
from workers.processor import Output
from workers.state_machine.decide import decide
from workers.state_machine.decision import Outcome, Rules
from workers.state_machine.processor import StateMachineProcessor
from workers.state_machine.snapshot import NEVER, Snapshot, decode_snapshot, timers

CONSENTS = Rules(provider=UAEPASS)
updates = st.lists(statements(), max_size=20)
facts = st.lists(st.sampled_from(SESSION_STATUSES), min_size=1, max_size=12)


def committed(machine: StateMachineProcessor, batch: list[VerifiedUpdate]) -> list[Output]:
    outputs = [output for one in batch for output in machine.process(verified_record(one))]
    outputs.extend(machine.finish())
    machine.committed()
    return outputs


def by_transaction(outputs: list[Output]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for event in of(TOPICS.status, outputs):
        found[event["transaction_id"]].append(event)
    return dict(found)


def changelog(outputs: list[Output]) -> dict[bytes, bytes]:
    """Return what is left of the changelog after compaction."""
    kept: dict[bytes, bytes] = {}
    for one in outputs:
        if one.topic == TOPICS.state and one.key is not None and one.value is not None:
            kept[one.key] = one.value
    return kept


def ends_in(natives: list[str]) -> str | None:
    snapshot = after(*[said(native) for native in natives])
    return snapshot.status if snapshot else None


@given(updates)
def test_sequences_have_no_gaps_and_ids_do_not_come_twice(batch: list[VerifiedUpdate]) -> None:
    outputs = committed(processor(), batch)

    events = by_transaction(outputs)
    ids = [event["id"] for event in of(TOPICS.status, outputs)]
    assert len(set(ids)) == len(ids)
    for own in events.values():
        assert [event["sequence"] for event in own] == list(range(1, len(own) + 1))
        assert [event["previous_status"] for event in own] == [
            None,
            *[event["status"] for event in own[:-1]],
        ]


@given(updates, st.randoms(use_true_random=False))
def test_order_of_different_transactions_does_not_matter(
    batch: list[VerifiedUpdate],
    chance: Any,  # noqa: ANN401 - hypothesis's own Random
) -> None:
    """Shuffled among each other, every transaction tells the same story."""
    queues = defaultdict(list)
    for update in batch:
        queues[update.key].append(update)
    order = [update.key for update in batch]
    chance.shuffle(order)
    shuffled = [queues[key].pop(0) for key in order]

    assert by_transaction(committed(processor(), shuffled)) == by_transaction(
        committed(processor(), batch)
    )


@given(updates, st.data())
def test_order_and_batches_of_the_loop_do_not_matter(
    batch: list[VerifiedUpdate], data: st.DataObject
) -> None:
    """Cut into batches, each aborted and tried again at will: the same events, the same state."""
    machine, outputs, left = processor(), [], list(batch)
    while left:
        size = data.draw(st.integers(1, len(left)))
        for _ in range(data.draw(st.integers(0, 2))):
            for update in left[:size]:
                machine.process(verified_record(update))
            machine.finish()
            machine.aborted()
        outputs += committed(machine, left[:size])
        left = left[size:]

    whole = committed(processor(), batch)
    assert by_transaction(outputs) == by_transaction(whole)
    assert changelog(outputs) == changelog(whole)


@given(updates, updates)
def test_fold_of_the_changelog_is_fold_of_the_updates(
    before: list[VerifiedUpdate], later: list[VerifiedUpdate]
) -> None:
    """An owner that restored the changelog decides like the one that wrote it."""
    former, heir = processor(), processor()
    written = changelog(committed(former, before))
    state = heir._state  # noqa: SLF001 - what a restore fills from Kafka
    for key, value in written.items():
        state.load(key, value)
    state.loaded()

    assert by_transaction(committed(heir, later)) == by_transaction(committed(former, later))


@given(updates, st.data())
def test_applied_update_is_a_duplicate_for_ever(
    batch: list[VerifiedUpdate], data: st.DataObject
) -> None:
    machine = processor()
    outputs = committed(machine, batch)
    if not batch:
        return
    again = data.draw(st.lists(st.sampled_from(batch), max_size=10))

    repeated = committed(machine, again)

    ids = {event["id"] for event in of(TOPICS.status, outputs)}
    assert not ids & {event["id"] for event in of(TOPICS.status, repeated)}
    assert by_transaction(repeated) == {}


@given(facts)
def test_status_moves_only_as_the_table_says(natives: list[str]) -> None:
    snapshot: Snapshot | None = None
    for native in natives:
        standing = snapshot.status if snapshot else None
        (decision,) = decide(snapshot, said(native), RULES)
        now = decision.after.status if decision.after else standing
        if now != standing:
            assert decision.outcome is Outcome.APPLIED
            assert PIVOT.lifecycle.move(standing, native) in {Move.APPLY, Move.LATE}
            assert now == native
        snapshot = decision.after or snapshot


@given(facts)
def test_a_final_status_is_left_for_money_in_alone(natives: list[str]) -> None:
    for end in range(1, len(natives)):
        before, now = ends_in(natives[:end]), ends_in(natives[: end + 1])
        if before in PIVOT.lifecycle.final and now != before:
            assert now == "PAID"


@given(facts, st.integers(0, 12))
def test_money_in_wins_wherever_it_comes(natives: list[str], place: int) -> None:
    place = min(place, len(natives))

    assert ends_in([*natives[:place], "PAID", *natives[place:]]) == "PAID"


@pytest.mark.parametrize(
    "order", list(permutations(["PROCESSING", "PAID", "CANCELLED", "EXPIRED"]))
)
def test_money_in_wins_in_every_order(order: tuple[str, ...]) -> None:
    assert ends_in(list(order)) == "PAID"


@given(
    st.sets(st.sampled_from(SESSION_STATUSES), min_size=1).flatmap(
        lambda said_once: st.tuples(
            st.permutations(sorted(said_once)),
            st.lists(st.sampled_from(sorted(said_once)), max_size=6),
        )
    )
)
def test_end_does_not_depend_on_order_or_repetition_where_the_table_says_so(
    drawn: tuple[list[str], list[str]],
) -> None:
    """Determined: with money in, or with no two ends that exclude each other."""
    order, repeated = drawn
    ends = {native for native in order if native in PIVOT.lifecycle.final}

    end = ends_in([*order, *repeated])

    if "PAID" in ends:
        assert end == "PAID"
    elif ends:
        assert end in ends
        assert end == next(native for native in order if native in ends)
    else:
        assert end == max(order, key=SESSION_STATUSES.index)


@given(st.lists(st.sampled_from(["ACCEPTED", "REJECTED"]), min_size=1, max_size=8))
def test_first_answer_of_a_citizen_stands(natives: list[str]) -> None:
    snapshot = after(*[said(native) for native in natives], rules=CONSENTS)

    assert snapshot is not None
    assert (snapshot.status, snapshot.sequence) == (natives[0], 1)


@given(
    st.builds(
        Snapshot,
        alarm=st.integers(1_000_000_000_000, NEVER),
        expiry=st.integers(1_000_000_000_000, NEVER),
        status=st.none() | st.sampled_from(SESSION_STATUSES),
        sequence=st.integers(0, 10**6),
        facts=st.dictionaries(st.text("ABC.#", min_size=1), st.text("0123456789abcdef")),
        expected=st.booleans(),
        deadline=st.integers(1_000_000_000_000, NEVER),
        overdue=st.booleans(),
        parked=st.lists(statements(), max_size=3).map(tuple),
        parked_until=st.integers(1_000_000_000_000, NEVER),
        unsolicited=st.booleans(),
        terms=st.dictionaries(st.text(), st.text()),
    )
)
def test_snapshot_is_decoded_as_it_was_encoded(snapshot: Snapshot) -> None:
    value = snapshot.encode()

    assert decode_snapshot(value) == snapshot
    assert timers(value) == (snapshot.alarm, snapshot.expiry)


@given(updates)
def test_every_status_event_says_what_its_update_said(batch: list[VerifiedUpdate]) -> None:
    given_facts = {
        (update.what.transaction_id, update.what.native_status)
        for update in batch
        if isinstance(update.what, Statement)
    }

    outputs = committed(processor(), batch)

    told = {
        (event["transaction_id"], event["native_status"]) for event in of(TOPICS.status, outputs)
    }
    assert told <= given_facts
    assert all(json.loads(one.value or b"{}") for one in outputs if one.topic != TOPICS.state)
