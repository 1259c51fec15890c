"""Run `esito up` twice in one directory: new secrets once, records for ever."""

import itertools
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ops.local.running_installation import free_row

SECONDS_MAX = 240
PLAN = ("--transactions", "30", "--faults", "all")
# The one that publishes keys meanwhile, and the one that goes the whole way; the demo plays all.
SIMULATED = ("wallet", "send")


def test_up_takes_callbacks_and_again_has_the_same_secrets_and_the_old_status_events(
    tmp_path: Path,
) -> None:
    first = free_row(21)
    ports = ["--kafka-port", f"{first}", "--port", f"{first + 1}", "--jwks-port", f"{first + 2}"]
    ports += ["--intake-port", f"{first + 3}", "--streams-port", f"{first + 4}"]
    ports += ["--management-port", f"{first + 5}"]

    with up(tmp_path, *ports) as process:
        commands = printed_until(process, "esito simulate")
        answer = answer_to(curl_of(commands))
        before = taps(tmp_path, 1)
        simulated = [
            json.loads(
                esito(tmp_path, "simulate", "--provider", name, *PLAN, "--compare", "--json")
            )
            for name in SIMULATED
        ]
        stop(process)
    secrets = contents(tmp_path / "keys")
    # The ports are in the configuration now.
    with up(tmp_path) as process:
        printed_until(process, "esito simulate")
        after = taps(tmp_path, 1)
        stop(process)

    assert answer == 200
    assert before[0]["data"]["native_status"] == "PAID"
    assert after == before
    assert [one["ok"] for one in simulated] == [True] * len(SIMULATED), simulated
    assert contents(tmp_path / "keys") == secrets


def test_up_with_a_taken_port_says_which(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with up(tmp_path, "--kafka-port", f"{port}") as process:
            _, progress = process.communicate(timeout=SECONDS_MAX)

    assert process.returncode == 2
    assert f"port {port} of 127.0.0.1 is taken".encode() in progress


def test_up_writes_secrets_for_their_owner_alone(tmp_path: Path) -> None:
    first = free_row(3)
    ports = ["--kafka-port", f"{first}", "--port", f"{first + 1}", "--jwks-port", f"{first + 2}"]
    with up(tmp_path, *ports) as process:
        printed_until(process, "Starting Apache Kafka", stream="stderr")
        stop(process)

    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "keys").iterdir()}
    assert modes == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


@contextmanager
def up(directory: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command; end it if the test fails."""
    process = subprocess.Popen(
        command(directory, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=SECONDS_MAX)


def command(directory: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "ops", "up", "--data", str(directory), *options]


def printed_until(process: subprocess.Popen[bytes], last: str, *, stream: str = "stdout") -> str:
    """Return what the process printed up to the line that has `last`."""
    printed = ""
    pipe: IO[bytes] = getattr(process, stream)
    for line in pipe:
        printed += line.decode()
        if last in printed:
            return printed
    assert process.stderr is not None
    raise AssertionError(f"ended without {last!r}: {printed}{process.stderr.read().decode()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it as an operator would; it must say so with exit code 0."""
    process.send_signal(signal.SIGTERM)
    _, progress = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0, progress


def curl_of(printed: str) -> list[str]:
    """Return the words of the first curl command, after what a shell would replace."""
    start = printed.index("curl -i")
    command = printed[start : printed.index("\n\n", start)].replace("\\\n", "")
    cats = re.compile(r"\$\(cat ([^)]+)\)")
    return shlex.split(cats.sub(lambda found: Path(found[1]).read_text().strip(), command))


def answer_to(words: list[str]) -> int:
    """Return the HTTP status that a curl command of these words would print."""
    url = next(word for word in words if word.startswith("http://127.0.0.1:"))
    options = list(itertools.pairwise(words))
    fields = dict(value.split(": ", 1) for option, value in options if option == "-H")
    body = next(value for option, value in options if option == "-d")
    asked = urllib.request.Request(url, body.encode(), fields)  # noqa: S310 - our own address - our own address
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own address
        return int(answer.status)


def taps(directory: Path, count: int) -> list[dict[str, Any]]:
    """Return the oldest status events of Pivot."""
    options = ("--from-beginning", "--json", "--limit", f"{count}", "--provider", "pivot")
    return [json.loads(line) for line in esito(directory, "tap", *options).splitlines()]


def esito(directory: Path, *arguments: str) -> bytes:
    """Return what a command prints about the installation in `directory`."""
    return subprocess.run(
        [sys.executable, "-m", "ops", *arguments],
        env={**os.environ, "ESITO_CONFIGURATION": str(directory / "esito.yaml")},
        capture_output=True,
        timeout=SECONDS_MAX,
        check=True,
    ).stdout


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}
