"""The time of a partition: its records' while there are more to read, then the clock's."""

from aiokafka import ConsumerRecord

from workers.processor import InputRecord
from workers.record_clock import RecordClock

NOW = 1_790_000_000_000


def written(*milliseconds: int) -> list[InputRecord]:
    return [
        ConsumerRecord(
            topic="verified",
            partition=0,
            offset=offset,
            timestamp=one,
            timestamp_type=0,
            key=None,
            value=b"",
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            headers=(),
        )
        for offset, one in enumerate(milliseconds)
    ]


def test_nothing_is_due_before_anything_was_read() -> None:
    assert RecordClock(lambda: NOW).milliseconds() == 0


def test_backlog_has_the_time_of_its_newest_record() -> None:
    clock = RecordClock(lambda: NOW)

    clock.fetched(written(NOW - 3_600_000, NOW - 3_599_000, NOW - 3_599_500), answered=True)

    assert clock.milliseconds() == NOW - 3_599_000


def test_time_is_the_clocks_once_all_is_read() -> None:
    clock = RecordClock(lambda: NOW)
    clock.fetched(written(NOW - 3_600_000), answered=True)

    clock.fetched([], answered=True)

    assert clock.milliseconds() == NOW


def test_silence_of_a_broker_that_never_answered_is_no_end() -> None:
    clock = RecordClock(lambda: NOW)

    clock.fetched([], answered=False)

    assert clock.milliseconds() == 0


def test_time_does_not_go_back_nor_beyond_the_clock() -> None:
    clock = RecordClock(lambda: NOW)
    clock.fetched(written(NOW - 1_000), answered=True)
    clock.fetched(written(NOW - 2_000), answered=True)
    assert clock.milliseconds() == NOW - 1_000

    clock.fetched(written(NOW + 86_400_000), answered=True)
    assert clock.milliseconds() == NOW
