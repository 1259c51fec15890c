"""`esito topics` against a real Kafka, and what every command says without one."""

from pathlib import Path

import pytest
from aiokafka.admin import NewTopic
from typer.testing import CliRunner

from ops.__main__ import app
from ops.cluster import connected
from ops.embedded.kafka import EmbeddedKafka
from runtime.configuration_file import load_configuration
from runtime.kafka import KafkaClients
from tests.integration.records import Esito, Shelf, change, write_configuration
from tests.kafka import Kafka, run


def test_topics_apply_missing_creates_all(esito: Esito, topic_prefix: str) -> None:
    before = esito("topics", "check")

    applied = esito("topics", "apply")

    after = esito("topics", "check")
    assert (before.exit_code, applied.exit_code, after.exit_code) == (1, 0, 0)
    assert before.output.count("does not exist") == 6
    assert f"created  {topic_prefix}callbacks.pivot.raw.v1" in applied.output


def test_topics_check_drifted_names_difference_and_fix(
    esito: Esito, configuration_file: Path, kafka: Kafka
) -> None:
    shelf = Shelf.of(configuration_file, kafka)
    run(_create(shelf, shelf.topics.raw, partitions=1, settings={"retention.ms": "1000"}))
    run(_create(shelf, shelf.topics.status, settings={"cleanup.policy": "compact"}))
    esito("topics", "apply")

    found = esito("topics", "check")

    raw, status = shelf.topics.raw, shelf.topics.status
    assert found.exit_code == 1
    assert f"{raw}: partitions=1, planned 2" in found.output
    assert f"{raw}: retention.ms=1000, planned 2592000000" in found.output
    assert f"--alter --topic {raw} --add-config retention.ms=2592000000" in found.output
    assert f"{status}: cleanup.policy=compact, planned delete" in found.output


def test_topics_check_unequal_partitions_is_found_although_planned(
    esito: Esito, configuration_file: Path, kafka: Kafka
) -> None:
    """The plan may follow the odd topic; the state machine still needs all four to be equal."""
    shelf = Shelf.of(configuration_file, kafka)
    run(_create(shelf, shelf.topics.anomalies, partitions=3))
    esito("topics", "apply")
    change(configuration_file, "partitions: 2", "partitions: 3")

    found = esito("topics", "check")

    assert found.exit_code == 1
    assert "partition counts of pivot differ: verified=2, status=2, anomalies=3" in found.output
    assert (
        f"only while {shelf.topics.anomalies} holds no records, create it anew with 2 partitions: "
        "else anomalies are lost"
    ) in found.output


def test_topics_apply_too_many_replicas_says_why(esito: Esito, configuration_file: Path) -> None:
    change(configuration_file, "replication_factor: 1", "replication_factor: 9")

    refused = esito("topics", "apply")

    assert refused.exit_code == 2
    assert "not created: InvalidReplicationFactorError" in refused.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("topics", "check"),
        ("tap",),
        ("dead-letters", "ls"),
        ("transaction", "show", "pivot-id", "tx"),
    ],
)
def test_kafka_away_is_one_line_that_names_the_setting(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    file = write_configuration(tmp_path, servers="127.0.0.1:1", prefix="t.")

    refused = CliRunner().invoke(app, [*words, "--configuration", str(file)])

    assert refused.exit_code == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith("esito: Kafka does not answer at 127.0.0.1:1 ")
    assert "ESITO_KAFKA_BOOTSTRAP_SERVERS" in line


async def test_broker_that_just_died_is_passed_over(
    tmp_path: Path, three_node_kafka: EmbeddedKafka, topic_prefix: str
) -> None:
    file = write_configuration(
        tmp_path, servers=three_node_kafka.bootstrap_servers, prefix=topic_prefix
    )
    await three_node_kafka.kill(2)

    async with connected(load_configuration(file, environ={})) as cluster:
        for number in range(10):
            created = await cluster.admin.create_topics([NewTopic(f"{topic_prefix}{number}", 1, 2)])
            known = await cluster.admin.describe_cluster()

            assert [code for _, code, *_ in created.topic_errors] == [0]
            assert known["brokers"]


def test_topics_missing_is_one_line_that_names_the_command(esito: Esito) -> None:
    refused = esito("tap")

    assert refused.exit_code == 2
    assert "does not exist; esito topics apply creates it" in refused.stderr


async def _create(
    shelf: Shelf, topic: str, *, partitions: int = 2, settings: dict[str, str] | None = None
) -> None:
    admin = KafkaClients(shelf.configuration, client_id="test").admin()
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings)])
    finally:
        await admin.close()
