"""Run `esito demo` as a person does: to its end, interrupted, and with a process that dies."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

SECONDS_MAX = 120


def test_demo_json_is_one_object_and_all_is_as_planned(tmp_path: Path) -> None:
    with demo(tmp_path, "--json", "--transactions", "30") as process:
        output, progress = process.communicate(timeout=SECONDS_MAX)

    found = json.loads(output)
    assert process.returncode == 0, progress
    assert output.count(b"\n") == 1
    assert found["ok"] is True
    assert [found[what] for what in ("lost", "doubled", "gaps", "disorder")] == [0, 0, 0, 0]
    assert set(found["providers"]) == {"pivot", "uaepass", "srtp", "wallet", "send"}
    assert set(found["exit_codes"].values()) == {0}
    assert b"Starting Apache Kafka" in progress


def test_demo_prints_status_events_and_the_closing_table(tmp_path: Path) -> None:
    with demo(tmp_path, "--transactions", "30", "--seed", "9") as process:
        output, progress = process.communicate(timeout=SECONDS_MAX)

    text = output.decode()
    assert process.returncode == 0, progress
    assert "#2 PAID" in text
    assert "timestamp_outside_tolerance" in text
    assert "requests refused FILE_SHA_ERROR" in text
    assert "✓ what came out is what the plan says" in text
    assert "✗" not in text


def test_demo_interrupted_leaves_nothing_behind(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        children = children_once_sending(process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS_MAX)

    assert process.returncode == 130
    assert len(children) >= 14  # a broker, a database, doors, streams, two workers of each provider
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert list(tmp_path.iterdir()) == []


def test_demo_reports_a_process_that_dies_with_its_last_lines(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        children = children_once_sending(process)
        next(child for child in children if "ingress" in child.cmdline()).kill()
        _, progress = process.communicate(timeout=SECONDS_MAX)

    assert process.returncode == 2
    assert b"ingress ended with exit code -9" in progress
    assert b"process.started" in progress  # of its log
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert list(tmp_path.iterdir()) == []


@contextmanager
def demo(directory: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command with `directory` for everything temporary; end it if the test fails."""
    # A person's own settings must not reach an installation that is the demo's own.
    environment = {**os.environ, "TMPDIR": str(directory), "ESITO_TOPIC_PREFIX": "not-ours."}
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", "demo", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=SECONDS_MAX)


def children_once_sending(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return all processes under the demo, once it says that it sends."""
    assert process.stderr is not None
    for line in process.stderr:
        if b"Sending" in line:
            break
    return psutil.Process(process.pid).children(recursive=True)
