"""`esito tap` against a real Kafka."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from contracts.codes import AnomalyCode
from contracts.lifecycle import Status
from ops.__main__ import app
from tests.integration.records import RECEIVED_AT, Esito, Shelf


def test_tap_json_writes_cloud_events(esito: Esito, shelf: Shelf) -> None:
    # One partition holds both of these, so the first is met on the way to the other.
    shelf.applied("tx1", "PAID", Status.COMPLETED, b"{}")
    shelf.applied("tx4", "PAID", Status.COMPLETED, b"{}")

    tapped = esito("tap", "--json", "--from-beginning", "--limit", "1", "--transaction", "tx4")

    event = json.loads(tapped.stdout)
    assert tapped.exit_code == 0
    assert (event["specversion"], event["subject"]) == ("1.0", "tx4")
    assert event["type"] == "esito.transaction.status.v1"
    assert event["data"]["status"] == "completed"


def test_tap_anomalies_are_lines_too(esito: Esito, shelf: Shelf) -> None:
    shelf.applied("[red]tx", "PAID", Status.COMPLETED, b"{}")
    shelf.anomaly("[red]tx", AnomalyCode.OVERDUE)

    tapped = esito("tap", "--anomalies", "--from-beginning", "--limit", "2")

    assert set(tapped.stdout.splitlines()) == {
        f"{RECEIVED_AT}  pivot-id  [red]tx  new → completed  (PAID)  #1  final",
        f"{RECEIVED_AT}  pivot-id  [red]tx  ANOMALY overdue: no final callback before the deadline",
    }


def test_tap_chooses_by_status_code_and_time(esito: Esito, shelf: Shelf) -> None:
    """Each filter is met by the last record alone, so what it lets through comes before the end."""
    shelf.applied("tx1", "PAID", Status.COMPLETED, b"{}")
    shelf.anomaly("tx1", AnomalyCode.LATE)
    shelf.applied("tx1", "EXPIRED", Status.EXPIRED, b"{}")
    shelf.anomaly("tx1", AnomalyCode.OVERDUE)

    def first(*words: str) -> list[str]:
        tapped = esito("tap", "--limit", "1", *words)
        assert tapped.exit_code == 0, tapped.stderr
        return tapped.stdout.splitlines()

    (expired,) = first("--from-beginning", "--status", "expired")
    (overdue,) = first("--since", "1h", "--code", "overdue")
    both = esito("tap", "--since", "1h", "--from-beginning")

    assert "new → expired" in expired
    assert "ANOMALY overdue" in overdue
    assert both.exit_code == 2
    assert "not both" in both.stderr


def test_tap_since_leaves_out_what_was_before(shelf: Shelf, configuration_file: Path) -> None:
    shelf.applied("tx1", "PAID", Status.COMPLETED, b"{}")
    between = datetime.now(UTC).isoformat()
    shelf.applied("tx4", "PAID", Status.COMPLETED, b"{}")
    words = ["tap", "--since", between, "--limit", "1", "--configuration", str(configuration_file)]

    tapped = CliRunner().invoke(app, words)

    assert "pivot-id  tx4  " in tapped.stdout


def test_tap_follows_until_interrupted(shelf: Shelf, configuration_file: Path) -> None:
    """What was published before is not shown, what comes is, and Ctrl-C is no error."""
    shelf.applied("tx1", "PAID", Status.COMPLETED, b"{}")
    command = [sys.executable, "-m", "ops", "tap", "--configuration", str(configuration_file)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tap:
        assert tap.stdout is not None
        assert tap.stderr is not None
        assert tap.stderr.readline().startswith("following ")

        shelf.applied("tx4", "PAID", Status.COMPLETED, b"{}")
        line = tap.stdout.readline()
        tap.send_signal(signal.SIGINT)

        assert "pivot-id  tx4  new → completed" in line
        assert tap.wait(timeout=30) == 0
        assert tap.stderr.read() == ""
