"""`esito doctor` on an installation that needs every service: sound, and with eight defects."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from contracts.topics import Topics
from ops.__main__ import app
from ops.cluster import connected
from ops.doctor.drift import drift_findings
from runtime.configuration import Configuration
from runtime.configuration_digest import publish_configuration
from runtime.endpoint_configuration import Endpoint
from runtime.endpoint_keys import KeyFile
from runtime.kafka import KafkaClients
from runtime.key_source import publish_ends
from runtime.management import management_server
from runtime.metrics import Metrics
from runtime.service_configuration import Database
from simulator.jwks_server import key_sets_served
from tests.e2e.esito import installed, only_of, with_database
from tests.integration.processes import address_of, process
from tests.kafka import Kafka

DEFECTS = {
    "topics": "retention.ms",
    "pivot-local.api_key": "key a ends on",
    "key set of": "cannot be read: unreachable",
    "database": "does not answer",
    "object store": "",
    "clocks": "ahead of this machine's clock",
    "process 127.0.0.1:": "pivot-local.api_key: lacks a, b, and has local",
}


async def test_doctor_finds_each_defect_and_nothing_where_there_is_none(
    kafka: Kafka, database: Database, tmp_path: Path
) -> None:
    def edit(settings: dict[str, Any]) -> None:
        only_of(settings, "pivot", "wallet", "send")
        with_database(settings, database)
        settings["topics"] = {"replication_factor": 1, "min_insync_replicas": 1, "partitions": 1}

    configuration = await installed(kafka, tmp_path, edit)
    file = tmp_path / "esito.yaml"
    async with (
        key_sets_served(configuration),
        process(file, "ingress") as ingress,
        process(file, "workers", "state-machine", "--provider", "pivot") as working,
    ):
        words = ("--process", address_of(ingress))
        sound = await asyncio.to_thread(examined, file, *words)
        broken(file)
        await break_topics(configuration)
        found = await asyncio.to_thread(examined, file, *words)
        found += await asyncio.to_thread(examined, file, "--process", address_of(working))
    without_keys = await asyncio.to_thread(examined, file)

    assert {one["subject"] for one in sound if one["level"] == "fail"} == set()
    assert {"database", "object store", "clocks"} <= {one["subject"] for one in sound}
    assert any(one["said"].startswith("runs with this configuration, and") for one in sound)
    told = [one for one in (*found, *without_keys) if one["level"] != "ok"]
    missed = [
        subject
        for subject, said in DEFECTS.items()
        if not any(one["subject"].startswith(subject) and said in one["said"] for one in told)
    ]
    assert missed == [], told
    drifted = "runs with another worker, database, object_store, endpoints than this file's"
    assert len([one for one in told if one["said"] == drifted]) == 2, told
    assert all(one["fix"] for one in told)


def examined(file: Path, *words: str) -> list[dict[str, str]]:
    """Return what the doctor finds."""
    shown = CliRunner().invoke(
        app, ["doctor", "--json", *words], env={"ESITO_CONFIGURATION": str(file)}
    )
    assert shown.exit_code in {0, 1}, shown.output
    return [json.loads(line) for line in shown.stdout.splitlines()]


async def test_doctor_takes_a_public_body_for_no_endpoint() -> None:
    """The intake and the streams show the keys of those they serve, beside no endpoint's."""
    metrics = Metrics()
    endpoint = Endpoint(name="send-local", provider="send", path="/callbacks/send")
    configuration = Configuration(endpoints=(endpoint,))
    keys = (KeyFile(id="a", file=Path("body.key")),)
    publish_ends(metrics, "send-local/comune", "body", keys)
    publish_configuration(metrics, configuration)

    async with management_server(host="127.0.0.1", port=0, metrics=metrics, readiness=dict) as port:
        found = await drift_findings(configuration, [f"127.0.0.1:{port}"])

    assert [one.said for one in found] == ["runs with this configuration, and holds no keys"]


def broken(file: Path) -> None:
    """Write the defects that a configuration can have."""
    settings = yaml.safe_load(file.read_text())
    settings["database"] = {"url": "postgresql://esito@127.0.0.1:1/esito"}
    settings["object_store"] = {"url": "file:///proc/esito"}
    settings["worker"] = {"session_seconds": 16}
    (pivot,) = [one for one in settings["endpoints"] if one["provider"] == "pivot"]
    (key,) = pivot["api_key"]["keys"]
    ends = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    pivot["api_key"]["keys"] = [{**key, "id": "a", "not_after": ends}, {**key, "id": "b"}]
    file.write_text(yaml.safe_dump(settings))


async def break_topics(configuration: Configuration) -> None:
    """Let a topic forget too early, and a record come from a clock that is ahead."""
    topics = Topics.of("pivot", prefix=configuration.topic_prefix)
    async with connected(configuration) as cluster:
        setting = {"retention.ms": "1000"}
        await cluster.admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topics.status, setting)]
        )
        await plant_ahead(cluster.clients, topics.anomalies)


async def plant_ahead(clients: KafkaClients, topic: str) -> None:
    """Write a record in a Kafka transaction, as a worker does, whose clock is a minute ahead."""
    producer = clients.transactional_producer(
        f"{topic}.0", batch_bytes_max=1_048_576, timeout_seconds=10
    )
    async with producer, producer.transaction():
        ahead = int(time.time() * 1000) + 60_000
        await producer.send_and_wait(topic, b"{}", timestamp_ms=ahead)
