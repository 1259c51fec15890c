"""Who is suspected of a death, who is not, and what an orderly stop takes back."""

from aiokafka import ConsumerRecord
from aiokafka.errors import InvalidTimestampError, MessageSizeTooLargeError
from aiokafka.structs import OffsetAndMetadata

from workers.isolation import Isolation
from workers.unwritable import RECORD_FAULTS, Unwritable

DEATHS_MAX = 2
BATCH_RECORDS_MAX = 3


def heir_of(committed: OffsetAndMetadata | None) -> Isolation:
    """Return what an owner knows that finds this committed."""
    isolation = Isolation(DEATHS_MAX, BATCH_RECORDS_MAX)
    isolation.recall(committed)
    return isolation


def test_first_batch_is_announced_and_no_other() -> None:
    isolation = heir_of(None)

    assert isolation.announce(10) == OffsetAndMetadata(10, "deaths=1")
    assert isolation.announce(11) is None


def test_progress_clears_what_was_announced() -> None:
    isolation = heir_of(None)
    isolation.announce(10)

    assert isolation.progress(12, 2) == OffsetAndMetadata(12, "")
    isolation.committed(2)
    assert isolation.renounce() is None


def test_orderly_stop_takes_its_announcement_back_and_leaves_former_deaths() -> None:
    isolation = heir_of(OffsetAndMetadata(10, "deaths=1"))
    assert isolation.announce(10) == OffsetAndMetadata(10, "deaths=2")

    assert isolation.renounce() == OffsetAndMetadata(10, "deaths=1")


def test_after_a_death_records_are_taken_one_by_one_for_one_batch() -> None:
    isolation = heir_of(OffsetAndMetadata(10, "deaths=1"))
    sizes = []

    for offset in range(10, 14):
        sizes.append(isolation.batch_records_max)
        isolation.progress(offset + 1, 1)
        isolation.committed(1)

    assert sizes == [1, 1, 1, BATCH_RECORDS_MAX]


def test_orderly_stop_between_two_careful_records_leaves_no_death() -> None:
    """Each is announced with the commit of the one before; who stops has not died of it."""
    isolation = heir_of(OffsetAndMetadata(10, "deaths=1"))
    isolation.announce(10)
    assert isolation.progress(11, 1) == OffsetAndMetadata(11, "deaths=1")
    isolation.committed(1)

    left = isolation.renounce()

    assert left == OffsetAndMetadata(11, "")
    assert heir_of(left).announce(11) == OffsetAndMetadata(11, "deaths=1")


def test_careful_loop_that_begins_anew_knows_its_own_announcement() -> None:
    isolation = heir_of(OffsetAndMetadata(10, "deaths=1"))
    announced = isolation.progress(11, 1)
    isolation.committed(1)

    isolation.recall(announced)

    assert isolation.deaths == 0


def test_record_at_which_enough_processes_died_is_given_up_and_none_behind_it() -> None:
    isolation = heir_of(OffsetAndMetadata(10, "deaths=2"))
    isolation.announce(10)

    assert isolation.given_up(10) == "the process died 2 times at this offset"
    assert isolation.given_up(11) is None


def refused(*offsets: int) -> Unwritable:
    """Return how a batch of these records ended."""
    records = [ConsumerRecord("in", 0, one, 0, 0, b"", b"", None, 0, 0, []) for one in offsets]
    return Unwritable(MessageSizeTooLargeError(), records=records)


def test_record_is_given_up_when_a_batch_of_it_alone_is_refused() -> None:
    isolation = heir_of(None)

    assert not isolation.refused(refused(10, 11))
    assert isolation.given_up(10) is None
    assert isolation.batch_records_max == 1
    assert not isolation.refused(refused(10))
    assert isolation.given_up(10) == "its outputs cannot be written: MessageSizeTooLargeError"
    assert isolation.refused(refused(10))


def test_alarm_is_given_up_when_it_alone_is_refused_until_it_rang() -> None:
    isolation = heir_of(None)
    error = MessageSizeTooLargeError()

    assert not isolation.refused(Unwritable(error, alarms=frozenset({b"a", b"b"})))
    assert not isolation.given_up_alarms
    assert not isolation.refused(Unwritable(error, alarms=frozenset({b"b"})))
    isolation.rang({b"a"})
    assert set(isolation.given_up_alarms) == {b"b"}
    isolation.rang({b"b"})
    assert not isolation.given_up_alarms


def test_refused_timestamp_is_our_clock_and_no_record_is_at_fault() -> None:
    assert not issubclass(InvalidTimestampError, RECORD_FAULTS)
