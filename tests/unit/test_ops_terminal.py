"""What is written to a terminal, and the times people type."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from contracts.errors import Broken
from ops.durations import after, before
from ops.terminal import body_lines, plain, printable, table, write_json

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


@given(st.text())
def test_printable_any_text_moves_no_cursor(text: str) -> None:
    shown = printable(text)

    assert shown.isprintable()
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\u202eb", r"a\u202eb"),
        ("a\nb", r"a\nb"),
        ("\udc80", r"\udc80"),
        ("né→", "né→"),
    ],
)
def test_printable_what_could_deceive_is_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_table_markup_of_a_provider_is_text() -> None:
    screen = Console(width=80, markup=True, file=io.StringIO(), record=True)
    shown = table("id")
    shown.add_row(plain("[red]tx[/red][link=https://x]"))

    screen.print(shown)

    assert "[red]tx[/red][link=https://x]" in screen.export_text()


@given(st.binary(max_size=200))
def test_body_lines_any_body_is_printable(body: bytes) -> None:
    assert all(line.isprintable() for line in body_lines(body))


def test_body_lines_binary_is_a_dump() -> None:
    assert body_lines(b"ab\xff") == [f"00000000  {'61 62 ff':<48} ab."]


def test_write_json_control_characters_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"id": "\x1b[2J\u202e\x9b"})

    assert capsys.readouterr().out == '{"id": "\\u001b[2J\\u202e\\u009b"}\n'


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
    ],
)
def test_duration_counts_from_now(text: str, length: timedelta) -> None:
    assert (before(text, now=NOW), after(text, now=NOW)) == (NOW - length, NOW + length)


def test_duration_of_any_length_has_a_moment() -> None:
    assert before("99999d", now=NOW) < NOW < after("99999d", now=NOW)


def test_instant_is_taken_with_its_offset() -> None:
    assert after("2026-11-21T12:00:00+02:00", now=NOW) == NOW


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2026-11-21T10:00:00", "2h ", "999999d"])
def test_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Broken, match="not a time"):
        before(text, now=NOW)
