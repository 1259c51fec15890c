"""Brokers die, come back, and all fall silent under load: nothing acknowledged is lost."""

import asyncio
import secrets
from collections.abc import Iterator

import pytest

from ops.embedded.kafka import EmbeddedKafka
from tests.faults.client import Client
from tests.faults.pipeline import Pipeline, shortest_session_seconds, working
from tests.faults.processes import EsitoProcess, until
from tests.faults.table import Table
from tests.kafka import run

# What the ingress may grow by while nothing is confirmed: its waiting room is 16 MiB an endpoint.
GROWTH_BYTES_MAX = 48 * 1024 * 1024


@pytest.fixture(scope="module")
def pipeline(
    shared_three_node_kafka: EmbeddedKafka,
    fault_table: Table,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pipeline]:
    """Give one installation on three brokers, two of which must confirm."""
    bootstrap_servers = shared_three_node_kafka.bootstrap_servers
    pipeline = Pipeline(
        bootstrap_servers,
        f"f{secrets.token_hex(4)}.",
        tmp_path_factory.mktemp("pipeline"),
        fault_table,
        replicas=3,
        session_seconds=run(shortest_session_seconds(bootstrap_servers)),
    )
    run(pipeline.create_topics())
    yield pipeline
    pipeline.stop()


@pytest.fixture(scope="module")
def processes(pipeline: Pipeline) -> list[EsitoProcess]:
    return [pipeline.ingress(), pipeline.worker("verifier"), pipeline.worker("state-machine")]


async def test_each_broker_killed_and_restarted_under_load_loses_and_doubles_nothing(
    pipeline: Pipeline,
    processes: list[EsitoProcess],
    marker: str,
    three_node_kafka: EmbeddedKafka,
) -> None:
    client = pipeline.client(marker)
    await working(*processes[1:])

    async with client.connected():
        async with client.load():
            for node in three_node_kafka.nodes:
                await acknowledges(client, 50)
                await three_node_kafka.kill(node)
                await acknowledges(client, 50)
                await three_node_kafka.heal()
            await acknowledges(client, 50)
        verdict = await pipeline.judged("each broker killed and restarted", client)

    assert verdict.violations == ()
    assert [process.exit_code for process in processes] == [None, None, None]


@pytest.mark.parametrize("how", ["frozen", "killed"])
@pytest.mark.usefixtures("three_node_kafka")
async def test_silent_kafka_is_answered_503_in_bounded_memory_and_recovered_from(
    shared_three_node_kafka: EmbeddedKafka,
    pipeline: Pipeline,
    processes: list[EsitoProcess],
    outage_seconds: float,
    how: str,
) -> None:
    marker = f"outage-{how}-"
    ingress = processes[0]
    client = pipeline.client(marker)

    async with client.connected():
        async with client.load(senders=40):
            await acknowledges(client, 100)
            before = ingress.resident_bytes
            await silence(shared_three_node_kafka, how)
            begun = client.answers[503]
            await until(lambda: client.answers[503] > begun, "it answers 503")
            await asyncio.sleep(outage_seconds)
            growth = ingress.resident_bytes - before
            await shared_three_node_kafka.heal()
            await acknowledges(client, 100)
        fault = f"Kafka {how} for {outage_seconds:g} s, ingress {growth / 2**20:+.1f} MiB"
        verdict = await pipeline.judged(fault, client)

    assert verdict.violations == ()
    assert growth < GROWTH_BYTES_MAX
    assert client.retry_after == {"1"}
    assert set(client.answers) <= {200, 429, 503}
    assert [process.exit_code for process in processes] == [None, None, None]


async def test_processes_told_to_stop_while_kafka_is_silent_end_in_time(
    pipeline: Pipeline,
    processes: list[EsitoProcess],
    marker: str,
    three_node_kafka: EmbeddedKafka,
) -> None:
    """The last test of the module: it ends the processes that the others share."""
    client = pipeline.client(marker)
    for worker in processes[1:]:
        await working(worker)

    async with client.connected():
        async with client.load(senders=20):
            await acknowledges(client, 50)
            await silence(three_node_kafka, "frozen")
            await until(lambda: client.answers[503] > 0, "it answers 503")
            beginner = pipeline.worker("verifier")
            await beginner.says("process.started")
            stopping = [process.stop() for process in (*processes, beginner)]
            exit_codes = await asyncio.gather(*stopping)
            await three_node_kafka.heal()
            pipeline.ingress()
            heirs = [pipeline.worker("verifier"), pipeline.worker("state-machine")]
            await working(heirs[0])
        verdict = await pipeline.judged("stopped while Kafka is frozen", client)

    assert verdict.violations == ()
    assert exit_codes == [0, 0, 0, 0]


async def acknowledges(client: Client, number: int) -> None:
    """Wait until `number` more callbacks are acknowledged."""
    begun = len(client.acknowledged)
    await until(lambda: len(client.acknowledged) >= begun + number, f"{number} acknowledged")


async def silence(cluster: EmbeddedKafka, how: str) -> None:
    """Make every broker fall silent: frozen with its connections open, or dead."""
    for node in cluster.nodes:
        if how == "frozen":
            cluster.pause(node)
        else:
            await cluster.kill(node)
