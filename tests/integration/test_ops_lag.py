"""`esito lag` against a real Kafka: records, not offsets."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition

from ops.lag import COUNTED_MAX
from runtime.kafka import KafkaClients
from tests.integration.records import Esito, Shelf
from tests.kafka import run

WORKER = "state-machine pivot"


def test_lag_markers_are_no_records(esito: Esito, shelf: Shelf) -> None:
    """Behind the last record of each Kafka transaction lies a marker, which nobody processes."""
    run(written(shelf, transactions=3, records=2))
    run(committed(shelf, offset=8))  # the third transaction's marker alone is behind it

    idle = look(esito)
    run(committed(shelf, offset=2))  # two transactions of two, and three markers
    behind = look(esito)

    assert (idle["records"], idle["exact"], idle["seconds_left"]) == (0, True, 0.0)
    assert (behind["records"], behind["exact"]) == (4, True)
    (part,) = [one for one in behind["partitions"] if one["records"]]
    assert part["end"] - part["committed"] == 7


def test_lag_of_aborted_transactions_is_nothing(esito: Esito, shelf: Shelf) -> None:
    run(written(shelf, transactions=1, records=5, end="abort"))

    assert look(esito)["records"] == 0


def test_lag_beyond_what_is_counted_is_estimated(esito: Esito, shelf: Shelf) -> None:
    run(written(shelf, transactions=2 * COUNTED_MAX // 50 + 4, records=50))

    shown = esito("lag", "--every", "0.2", "--provider", "pivot")
    found = look(esito)

    assert not found["exact"]
    assert found["records"] == pytest.approx(2 * COUNTED_MAX + 200, rel=0.02)
    assert f"~{found['records']}" in shown.stdout
    assert "never" in shown.stdout
    assert f"nobody works as {WORKER}: python -m workers state-machine" in shown.stderr


def test_lag_watch_ends_with_ctrl_c(shelf: Shelf, configuration_file: Path) -> None:
    shelf.callback(b"x")
    command = [sys.executable, "-m", "ops", "lag", "--watch", "--every", "0.2", "--json"]
    with subprocess.Popen(
        [*command, "--configuration", str(configuration_file)], stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        looks = [json.loads(watching.stdout.readline()) for _ in range(2)]
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=30) == 0

    assert [look["groups"][0]["records"] for look in looks] == [1, 1]
    assert looks[1]["groups"][0]["partitions"][0]["taken_per_second"] == 0


def look(esito: Esito) -> dict[str, Any]:
    told = json.loads(esito("lag", "--json", "--every", "0.2").stdout)
    (found,) = [one for one in told["groups"] if one["worker"] == WORKER]
    assert isinstance(found, dict)
    return found


async def written(shelf: Shelf, *, transactions: int, records: int, end: str = "commit") -> None:
    """Write so many Kafka transactions of so many records to the first verified partition."""
    clients = KafkaClients(shelf.configuration, client_id="test")
    producer = clients.transactional_producer(
        f"{shelf.configuration.topic_prefix}test", batch_bytes_max=1_048_576, timeout_seconds=30
    )
    async with producer:
        for _ in range(transactions):
            await producer.begin_transaction()
            for _ in range(records):
                await producer.send(shelf.topics.verified, b"x", partition=0)
            await producer.flush()
            await (producer.commit_transaction if end == "commit" else producer.abort_transaction)()


async def committed(shelf: Shelf, *, offset: int) -> None:
    clients = KafkaClients(shelf.configuration, client_id="test")
    group = f"{shelf.configuration.topic_prefix}esito.state-machine.pivot"
    consumer = clients.consumer(group=group, fetch_bytes_max=1_048_576)
    async with consumer:
        partition = TopicPartition(shelf.topics.verified, 0)
        consumer.assign([partition])
        await consumer.commit({partition: offset})
