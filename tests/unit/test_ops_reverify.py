"""How a second verdict stands to the first, and when two outcomes are the same."""

from collections.abc import AsyncGenerator

import pytest
from aiokafka import TopicPartition

from contracts.codes import RejectionCode
from contracts.raw import Source
from contracts.topics import Topics
from contracts.update import Expectation, Origin, Proof, Scheme, Statement, VerifiedUpdate, Witness
from ops.groups import Group
from ops.lag import GroupLag, PartitionLag, compared, seconds_left
from ops.replay.outcomes import UNAVAILABLE, Outcome, Outcomes, collect, outcome_of
from ops.reverify.differences import Judged, Kind, kind_of, replayed
from ops.topic_reader import StoredRecord

PAID = Statement(transaction_id="t1", native_status="PAID", fact="PAID")
GROUP = Group("verifier pivot", "esito.verifier.pivot", "raw", "python -m workers verifier")


def update(
    what: Statement | Witness | Expectation, *, key: str = "a", offset: int = 0
) -> VerifiedUpdate:
    """Return an update that says `what`."""
    return VerifiedUpdate(
        provider="pivot",
        endpoint="shop",
        source=Source.CALLBACK,
        received_at="2026-11-02T12:00:00.000000Z",
        what=what,
        proof=Proof(scheme=Scheme.API_KEY, algorithm="none", key_id=key, signer="shop"),
        origin=Origin(topic="raw", partition=0, offset=offset, sha256="0", callback_id="c"),
    )


SAID = outcome_of([update(PAID)])
OTHER = outcome_of([update(PAID.model_copy(update={"native_status": "EXPIRED"}))])
INVALID = Outcome(code=RejectionCode.JSON_INVALID)
UNKNOWN = Outcome(code=RejectionCode.KEY_UNKNOWN)


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        (SAID, SAID, Kind.SAME),
        (INVALID, INVALID, Kind.SAME),
        (INVALID, SAID, Kind.HEALED),
        (SAID, INVALID, Kind.LOST),
        (SAID, OTHER, Kind.CHANGED),
        (INVALID, UNKNOWN, Kind.OTHER_CODE),
        (SAID, Outcome(code=UNAVAILABLE), Kind.UNKNOWN),
        (None, SAID, Kind.FORGOTTEN),
    ],
)
def test_second_verdict_stands_to_the_first(was: Outcome | None, now: Outcome, kind: Kind) -> None:
    assert kind_of(was, now, waiting=False) is kind


def test_record_that_the_verifier_has_not_read_is_no_difference() -> None:
    assert kind_of(None, SAID, waiting=True) is Kind.WAITING


def test_another_key_and_another_place_say_the_same() -> None:
    """A replay, or the same keys under other ids, is no difference in what is said."""
    assert outcome_of([update(PAID, key="b", offset=9)]).said == SAID.said


def test_what_a_witness_let_go_on_is_what_it_carried() -> None:
    """The state machine writes it to the verified topic as a second update of one callback."""
    inner = Witness(transaction_id="id2", mark="n", then=PAID)
    witness = Witness(transaction_id="id1", mark="m", then=inner)

    before = outcome_of([update(witness)])
    after = outcome_of([update(witness), update(inner), update(PAID)])

    assert before.said == after.said
    assert before.shown == ("t1 PAID",)


def test_what_we_assign_anew_is_no_part_of_what_is_said() -> None:
    first = Expectation(transaction_id="t1", assigned={"iun": "one"})
    again = Expectation(transaction_id="t1", assigned={"iun": "two"})

    assert outcome_of([update(first)]).said == outcome_of([update(again)]).said


def test_callback_is_written_again_once_by_its_newest_record() -> None:
    rejected = [
        Judged(place=("raw", 0, n), subject=subject, endpoint="", received_at="", now=SAID, kind=k)
        for n, (subject, k) in enumerate(
            [("c", Kind.HEALED), ("d", Kind.LOST), ("c", Kind.HEALED), ("e", Kind.CHANGED)]
        )
    ]

    assert [one.place[2] for one in replayed(rejected)] == [2, 3]


def lag(*, position: int, end: int, records: int, at: float) -> GroupLag:
    """Return one look at one partition."""
    part = PartitionLag(
        partition=TopicPartition("raw", 0),
        committed=position,
        position=position,
        end=end,
        records=records,
        exact=True,
    )
    return GroupLag(GROUP, 1, (part,), at)


def test_rates_and_time_left_follow_from_two_looks() -> None:
    """Of two offsets one is a record: the markers of transactions are not counted as work."""
    rated = compared(
        lag(position=0, end=100, records=50, at=10.0),
        lag(position=40, end=120, records=40, at=12.0),
    )

    (part,) = rated.partitions
    assert (part.taken_per_second, part.written_per_second) == (10.0, 5.0)
    assert seconds_left(rated.partitions) == 8.0


def test_time_left_is_never_where_more_comes_in_than_goes_out() -> None:
    rated = compared(
        lag(position=0, end=10, records=10, at=0.0), lag(position=1, end=20, records=19, at=1.0)
    )

    assert seconds_left(rated.partitions) is None


async def found_in(*updates: tuple[int, VerifiedUpdate]) -> Outcomes:
    """Return what is found where these updates were read, with the times they were written."""
    topics = Topics.of("pivot")
    found = Outcomes()

    async def records() -> AsyncGenerator[StoredRecord]:
        for at, one in updates:
            yield StoredRecord(
                topic=topics.verified,
                partition=at,
                offset=0,
                written_at=at,
                key=None,
                value=one.model_dump_json(exclude_defaults=True).encode(),
            )

    await collect(records(), topics, {"c"}, found)
    return found


async def test_updates_of_one_callback_are_one_outcome_in_any_order() -> None:
    """What a witness let go on lies in another partition, and may be read before the witness."""
    witness = Witness(transaction_id="id1", mark="m", then=PAID)

    found = await found_in((2, update(PAID)), (1, update(witness)))

    assert found.of("c") == outcome_of([update(witness)])


async def test_replay_verified_before_its_original_keeps_its_own_outcome() -> None:
    """Raw records without a key lie in any partition, so the verifier may take the later first."""
    expired = update(PAID.model_copy(update={"native_status": "EXPIRED"}), offset=3)

    found = await found_in((1, update(PAID, offset=7)), (2, expired))

    assert found.at(("raw", 0, 7), "c") == SAID
    assert found.of("c") == found.at(("raw", 0, 3), "c") == OTHER
    assert found.at(("raw", 0, 8), "c") is None
