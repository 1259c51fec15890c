"""Retry schedules: what each provider says it does, nothing kinder."""

import pytest

from simulator.schedule import PIVOT, UAEPASS, RetrySchedule

RETRIED = [None, 408, 429, 500, 502, 503, 504, 599]
LOST = [301, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 431]


@pytest.mark.parametrize("answer", RETRIED)
def test_pivot_retries_server_errors_timeouts_and_broken_connections(answer: int | None) -> None:
    assert PIVOT.retries(answer)


@pytest.mark.parametrize("answer", [200, *LOST])
def test_pivot_never_retries_any_other_answer(answer: int) -> None:
    assert not PIVOT.retries(answer)


@pytest.mark.parametrize("schedule", [PIVOT, UAEPASS])
def test_success_is_exactly_200(schedule: RetrySchedule) -> None:
    assert schedule.success == {200}


def test_pivot_gives_up_after_22_hours_and_20_minutes() -> None:
    assert sum(PIVOT.delays_seconds) == 22 * 3_600 + 20 * 60


def test_delays_are_compressed_in_proportion() -> None:
    assert list(PIVOT.within(268)) == pytest.approx([1, 3, 12, 36, 72, 144])
