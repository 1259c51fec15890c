"""Instants: one way of writing them, and whole milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.instants import Instant, epoch_milliseconds, instant, read_instant

INSTANT: TypeAdapter[str] = TypeAdapter(Instant)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 2, 12, tzinfo=UTC), "2026-11-02T12:00:00.000000Z"),
        (datetime(2026, 11, 2, 12, 0, 0, 1, tzinfo=UTC), "2026-11-02T12:00:00.000001Z"),
        (
            datetime(2026, 11, 2, 16, tzinfo=timezone(timedelta(hours=4))),
            "2026-11-02T12:00:00.000000Z",
        ),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_moment_is_written_in_utc_at_a_fixed_width(moment: datetime, text: str) -> None:
    assert instant(moment) == text
    assert read_instant(text) == moment
    assert INSTANT.validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-02T12:00:00Z",
        "2026-11-02T12:00:00.000Z",
        "2026-11-02T12:00:00.000000+00:00",
        "2026-11-02T12:00:00.000000Z\n",
        "2026-11-02 12:00:00.000000Z",
        "2026-02-30T12:00:00.000000Z",
        "2026-11-02T24:00:01.000000Z",
        "2026-11-02T12:00:61.000000Z",
        "\u0662\u0660\u0662\u0666-11-02T12:00:00.000000Z",
        "0000-01-01T00:00:00.000000Z",
    ],
)
def test_text_that_names_no_moment_this_way_is_no_instant(text: str) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_python(text)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00.000000Z", 0),
        ("1969-12-31T23:59:59.999000Z", -1),
        ("2026-11-02T12:00:00.000000Z", 1_793_620_800_000),
        ("2026-11-02T12:00:00.000999Z", 1_793_620_800_000),
        # A float loses these: 1793620800.001 * 1000 is 1793620800000.9999.
        ("2026-11-02T12:00:00.001000Z", 1_793_620_800_001),
        ("2026-11-02T12:00:00.999000Z", 1_793_620_800_999),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999),
    ],
)
def test_milliseconds_are_whole_and_rounded_down(text: str, milliseconds: int) -> None:
    assert epoch_milliseconds(text) == milliseconds


def test_every_millisecond_of_a_second_is_told_apart() -> None:
    found = [epoch_milliseconds(f"2026-11-02T12:00:00.{n:03d}000Z") for n in range(1_000)]

    assert found == list(range(1_793_620_800_000, 1_793_620_801_000))
