"""Telling callers apart by their API keys."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import Broken
from runtime.caller_keys import CallerKeys
from runtime.endpoint_keys import KeyFile

A, B = "a-key-0123456789abcdef0123456789abc", "b-key-0123456789abcdef0123456789abc"


def callers(directory: Path, **secrets: str) -> dict[str, Sequence[KeyFile]]:
    for name, secret in secrets.items():
        (directory / name).write_text(secret + "\n")
    return {name: (KeyFile(id=f"{name}-1", file=directory / name),) for name in secrets}


def test_a_caller_is_known_by_its_key(tmp_path: Path) -> None:
    keys = CallerKeys(callers(tmp_path, a=A, b=B), lambda *_: None)

    assert keys.identify(B.encode()) == ("b", "b-1")
    assert keys.identify(b"") is None
    assert keys.identify(A.encode()[:-1]) is None


def test_two_callers_cannot_have_one_key(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="a and b have one API key"):
        CallerKeys(callers(tmp_path, a=A, b=A), lambda *_: None)


def test_a_changed_key_is_taken_and_a_broken_one_is_not(tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []
    keys = CallerKeys(callers(tmp_path, a=A, b=B), lambda *told: heard.append(told))

    (tmp_path / "a").write_text(A[::-1])
    (tmp_path / "b").write_text("short")
    keys.reload()
    keys.reload()

    assert keys.identify(A[::-1].encode()) == ("a", "a-1")
    assert keys.identify(A.encode()) is None
    assert keys.identify(B.encode()) == ("b", "b-1")
    assert [name for name, _ in heard] == ["a", "b"]


def test_a_changed_key_that_is_another_callers_is_not_taken(tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []
    keys = CallerKeys(callers(tmp_path, a=A, b=B), lambda *told: heard.append(told))

    (tmp_path / "a").write_text(B)
    keys.reload()

    assert keys.identify(B.encode()) == ("b", "b-1")
    assert "one API key" in heard[0][1]


def test_a_key_whose_time_is_over_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(A)
    over = KeyFile(id="a", file=tmp_path / "a", not_after=datetime.now(UTC) - timedelta(seconds=1))

    assert CallerKeys({"a": (over,)}, lambda *_: None).identify(A.encode()) is None
