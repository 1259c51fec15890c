"""The embedded Kafka is a real one: Kafka transactions, lasting storage, owners, locked jars."""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from ops.embedded.jars import LOCK_PATH, verified_jars
from ops.embedded.kafka import EmbeddedKafka, EmbeddedKafkaError
from ops.kafka_metadata import known_brokers
from tests.kafka import Kafka, Report, cache_directory

WAIT_SECONDS_MAX = 60


async def test_kafka_acknowledged_record_is_read(kafka: Kafka, topic_prefix: str) -> None:
    topic = await created_topic(kafka.bootstrap_servers, topic_prefix)
    async with producer(kafka.bootstrap_servers) as plain:
        await plain.send_and_wait(topic, b"value", key=b"key")

    values = await read_values(kafka.bootstrap_servers, topic, count=1)

    assert values == [b"value"]


async def test_kafka_transaction_aborted_record_is_invisible(
    kafka: Kafka, topic_prefix: str
) -> None:
    topic = await created_topic(kafka.bootstrap_servers, topic_prefix)
    transactional_id = f"{topic_prefix}writer"
    async with producer(kafka.bootstrap_servers, transactional_id=transactional_id) as writer:
        await writer.begin_transaction()
        await writer.send_and_wait(topic, b"aborted")
        await writer.abort_transaction()
        async with writer.transaction():
            await writer.send(topic, b"committed")

    values = await read_values(kafka.bootstrap_servers, topic, count=1)

    assert values == [b"committed"]


async def test_lasting_directory_restart_keeps_records(tmp_path: Path, topic_prefix: str) -> None:
    async with lasting(tmp_path).running() as first:
        topic = await created_topic(first.bootstrap_servers, topic_prefix)
        async with producer(first.bootstrap_servers) as plain:
            await plain.send_and_wait(topic, b"kept")

    async with lasting(tmp_path).running() as second:
        values = await read_values(second.bootstrap_servers, topic, count=1)

    assert values == [b"kept"]


async def test_lasting_directory_second_owner_is_refused(tmp_path: Path) -> None:
    async with lasting(tmp_path).running() as owner:
        with pytest.raises(EmbeddedKafkaError, match="in use by another embedded Kafka"):
            await lasting(tmp_path).start()

        assert await known_brokers(owner.bootstrap_servers) == {1}


async def test_lasting_directory_other_number_of_nodes_is_refused(tmp_path: Path) -> None:
    cluster = '{"cluster_id": "5L6g3nShT-eMCtK--X86sw", "nodes": 3}'
    (tmp_path / "cluster.json").write_text(cluster, encoding="utf-8")

    with pytest.raises(EmbeddedKafkaError, match=r"of 3 node\(s\)"):
        await lasting(tmp_path).start()


async def test_node_broken_property_error_shows_the_log() -> None:
    broken = EmbeddedKafka(cache_directory=cache_directory(), properties={"num.io.threads": "-1"})

    with pytest.raises(EmbeddedKafkaError, match=r"num\.io\.threads"):
        await broken.start()


def test_process_killed_takes_the_broker_with_it(tmp_path: Path) -> None:
    program = """
        import asyncio, sys, pathlib
        from ops.embedded.kafka import EmbeddedKafka

        async def main():
            cache, data = map(pathlib.Path, sys.argv[1:])
            kafka = EmbeddedKafka(cache_directory=cache, data_directory=data)
            async with kafka.running():
                print("ready", flush=True)
                await asyncio.Event().wait()

        asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    command += [str(cache_directory()), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        brokers = psutil.Process(owner.pid).children()

        owner.send_signal(signal.SIGKILL)

        assert len(brokers) == 1
        assert psutil.wait_procs(brokers, timeout=WAIT_SECONDS_MAX)[1] == []


def test_jars_changed_lock_is_refused(report: Report, tmp_path: Path) -> None:
    lock_path = tmp_path / "kafka-jars.lock"
    sha256 = LOCK_PATH.read_text(encoding="ascii")[:64]
    lock_path.write_text(
        LOCK_PATH.read_text(encoding="ascii").replace(sha256, "0" * 64), encoding="ascii"
    )
    verified_jars(cache_directory(), on_progress=report)

    with pytest.raises(EmbeddedKafkaError) as refusal:
        verified_jars(cache_directory(), lock_path=lock_path)

    assert f"the lock {lock_path}: HdrHistogram-2.2.2.jar has sha256 {sha256}" in str(refusal.value)


async def test_three_nodes_one_killed_records_are_still_acknowledged(
    three_node_kafka: EmbeddedKafka, topic_prefix: str
) -> None:
    topic = await created_topic(three_node_kafka.bootstrap_servers, topic_prefix, replicas=3)
    async with producer(three_node_kafka.bootstrap_servers) as plain:
        await plain.send_and_wait(topic, b"before")
        await three_node_kafka.kill(3)
        await plain.send_and_wait(topic, b"after")

    values = await read_values(three_node_kafka.bootstrap_servers, topic, count=2)

    assert values == [b"before", b"after"]


async def test_three_nodes_healed_all_are_known(three_node_kafka: EmbeddedKafka) -> None:
    three_node_kafka.pause(1)
    await three_node_kafka.kill(2)

    await three_node_kafka.heal()

    assert await known_brokers(three_node_kafka.bootstrap_servers) == {1, 2, 3}


def lasting(directory: Path) -> EmbeddedKafka:
    """Return an embedded Kafka that keeps its records in `directory`."""
    return EmbeddedKafka(cache_directory=cache_directory(), data_directory=directory)


async def created_topic(bootstrap_servers: str, topic_prefix: str, *, replicas: int = 1) -> str:
    """Return the name of a new topic of one partition."""
    topic = f"{topic_prefix}embedded"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=replicas)])
    finally:
        await admin.close()
    return topic


@asynccontextmanager
async def producer(
    bootstrap_servers: str, *, transactional_id: str | None = None
) -> AsyncIterator[AIOKafkaProducer]:
    """Give a producer whose records are acknowledged by all replicas in sync."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
    ) as started:
        yield started


async def read_values(bootstrap_servers: str, topic: str, *, count: int) -> list[bytes]:
    """Return the first `count` committed values of `topic`, fewer when they do not come."""
    values: list[bytes] = []
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    ) as consumer:
        while len(values) < count and time.monotonic() < deadline:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                values += [record.value for record in records]
    return values
