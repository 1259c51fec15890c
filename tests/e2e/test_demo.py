"""Run `esito demo` as a person does: to its end, interrupted, and with a process that dies."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

SECONDS_MAX = 240


def test_demo_prints_status_events_and_the_closing_table(tmp_path: Path) -> None:
    with demo(tmp_path, "--transactions", "30", "--seed", "9") as process:
        output, progress = process.communicate(timeout=SECONDS_MAX)

    text = output.decode()
    assert process.returncode == 0, (text[-4_000:], progress)
    assert b"Starting Apache Kafka" in progress
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
