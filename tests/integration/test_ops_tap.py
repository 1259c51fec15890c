"""`esito tap` against a real Kafka."""

import json

from contracts.codes import AnomalyCode
from contracts.lifecycle import Status
from tests.integration.records import RECEIVED_AT, Esito, Shelf


def test_tap_json_writes_cloud_events(esito: Esito, shelf: Shelf) -> None:
    shelf.applied("tx1", "PAID", Status.COMPLETED, b"{}")
    shelf.applied("tx2", "PAID", Status.COMPLETED, b"{}")

    tapped = esito("tap", "--json", "--from-beginning", "--limit", "1", "--transaction", "tx2")

    event = json.loads(tapped.stdout)
    assert tapped.exit_code == 0
    assert (event["specversion"], event["subject"]) == ("1.0", "tx2")
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
