"""What looks for personal data finds it however it is written."""

import pytest

from tests.e2e.search import CANARY, Hit, Search, spellings_of


@pytest.mark.parametrize(
    ("spelling", "text"),
    [pytest.param(name, text, id=name) for name, text in spellings_of(CANARY)],
)
def test_search_finds_a_value_in_every_spelling(spelling: str, text: bytes) -> None:
    line = b'{"event": "record.rejected", "reason": "' + text + b'", "level": "warning"}'

    hits = Search([CANARY]).hits({"a log": line})

    assert Hit(CANARY, spelling, "a log") in hits


def test_search_finds_a_part_of_a_long_value() -> None:
    token = ".".join(f"{part}{'abcdefghij' * 9}" for part in ("eyJ0", "eyJ1", "sig"))

    hits = Search([token]).hits({"a log": token[60:120].encode()})

    assert {hit.spelling for hit in hits} == {"piece"}
