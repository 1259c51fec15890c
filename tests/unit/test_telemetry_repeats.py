"""Who says the same again and again, a library or a failing request, is heard once, and counted."""

import json
import logging

import pytest
import structlog
from structlog.testing import capture_logs

from runtime.configuration import Configuration
from runtime.telemetry import Failures, configure_logging

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


def test_failure_at_one_place_is_written_once_in_ten_seconds_and_counted() -> None:
    times = [float(number) for number in range(21)]
    with capture_logs() as logs:
        failures = Failures(structlog.get_logger(), clock=iter(times).__next__)
        for _ in times:
            failures.tell(ValueError("what a caller sent"), reason="ours")

    assert [(line["event"], line["exception"], line["count"]) for line in logs] == [
        ("callback.failed", "ValueError", 1),
        ("callback.failed", "ValueError", 10),
        ("callback.failed", "ValueError", 10),
    ]
    assert {line["reason"] for line in logs} == {"ours"}


def test_failure_at_another_place_is_written_at_once() -> None:
    with capture_logs() as logs:
        failures = Failures(structlog.get_logger(), clock=lambda: 0.0)
        failures.tell(ValueError())
        failures.tell(KeyError())

    assert [line["exception"] for line in logs] == ["ValueError", "KeyError"]
