"""A library that says the same again and again is heard once, and counted."""

import json
import logging

import pytest

from runtime.configuration import Configuration
from runtime.telemetry import configure_logging

ENDPOINT = {
    "name": "shop",
    "provider": "pivot",
    "path": "/",
    "api_key": {"keys": [{"id": "a", "file": "unused"}]},
}


def configured_library() -> logging.Logger:
    configure_logging(Configuration(log_format="json", endpoints=[ENDPOINT]), process="ingress")
    return logging.getLogger("library")


def say(library: logging.Logger, text: str, argument: int, *, at: float) -> None:
    record = library.makeRecord("library", logging.ERROR, "file", 1, text, (argument,), None)
    record.created = at
    library.handle(record)


def test_library_line_repeated_is_written_once_in_ten_seconds_and_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    library = configured_library()
    for number in range(100):
        say(library, "no connection to node %s", number, at=1_000 + number / 100)
    say(library, "no connection to node %s", 100, at=1_010)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [(line["text"], line["count"]) for line in lines] == [
        ("no connection to node 0", 1),
        ("no connection to node 100", 100),
    ]


def test_library_other_line_is_written_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    library = configured_library()
    say(library, "no connection to node %s", 1, at=1_000)
    say(library, "no coordinator for group %s", 1, at=1_000)

    assert len(capsys.readouterr().out.splitlines()) == 2
