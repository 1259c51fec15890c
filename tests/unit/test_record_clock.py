"""The time of a partition: up to when it has heard all that was received, by whichever road."""

from workers.record_clock import RecordClock
from workers.verified_until import Mark

NOW = 1_790_000_000_000


class Marks:
    """What is found of the verifier, as a test has it."""

    def __init__(self) -> None:
        self.newest: Mark | None = None

    def found(self, milliseconds: int, end: int) -> None:
        self.newest = Mark(milliseconds, {0: end})


def clock(marks: Marks) -> RecordClock:
    return RecordClock(0, lambda: marks.newest)


def test_nothing_is_due_before_anything_is_known_of_the_verifier() -> None:
    mine = clock(Marks())

    mine.read_to(7)

    assert mine.milliseconds() == 0


def test_time_is_the_mark_s_once_all_before_it_is_read() -> None:
    marks = Marks()
    mine = clock(marks)
    marks.found(NOW, 7)

    mine.read_to(6)
    before = mine.milliseconds()
    mine.read_to(7)

    assert (before, mine.milliseconds()) == (0, NOW)


def test_mark_stays_until_it_is_reached_however_many_are_newer() -> None:
    """Else a partition that is always written to would never have any time."""
    marks = Marks()
    mine = clock(marks)
    marks.found(NOW, 7)
    mine.read_to(5)
    marks.found(NOW + 1_000, 9)

    mine.read_to(8)
    first = mine.milliseconds()
    mine.read_to(8)
    second = mine.milliseconds()
    mine.read_to(9)

    assert (first, second, mine.milliseconds()) == (NOW, NOW, NOW + 1_000)


def test_time_does_not_go_back_with_a_clock_that_is_set_back() -> None:
    marks = Marks()
    mine = clock(marks)
    marks.found(NOW, 7)
    mine.read_to(7)
    marks.found(NOW - 60_000, 8)

    mine.read_to(8)

    assert mine.milliseconds() == NOW


def test_partition_that_was_made_since_has_no_time_yet() -> None:
    marks = Marks()
    marks.found(NOW, 7)
    mine = RecordClock(1, lambda: marks.newest)

    mine.read_to(7)
    before = mine.milliseconds()
    marks.newest = Mark(NOW + 1_000, {0: 7, 1: 0})
    mine.read_to(7)

    assert (before, mine.milliseconds()) == (0, NOW + 1_000)
