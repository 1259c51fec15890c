"""Find a real Apache Kafka for the tests: a named cluster, a container, or the embedded one.

1. `ESITO_TEST_KAFKA` names a running cluster: that one, and none else if it does not answer.
2. A Docker engine answers: a container of the published image.
3. Otherwise: the embedded Kafka.

None of the three is a failure that says what to install, never a skip.
"""

import asyncio
import gc
import os
import time
import warnings
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import docker
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer

from ops.embedded.jars import KAFKA_VERSION, default_cache_directory, verified_jars
from ops.embedded.kafka import EmbeddedKafka, EmbeddedKafkaError
from ops.embedded.storage import free_ports
from ops.kafka_metadata import known_brokers

IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
# An engine on this machine answers in 20 ms.
ENGINE_SECONDS_MAX: Final = 2
READY_SECONDS_MAX: Final = 60.0
# It runs already, or its start is not for the tests to wait for.
NAMED_SECONDS_MAX: Final = 10.0
POLL_SECONDS: Final = 0.1
# A killed member of a group is missed sooner than after the 6 s that a broker insists on.
SHORTEST_SESSION_MILLISECONDS: Final = "1000"

Report = Callable[[str], None]
T = TypeVar("T")


class NoKafkaError(Exception):
    """No Kafka for the tests; the message says what to install or start."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """A running cluster, whoever started it; it outlives the event loops of the tests."""

    bootstrap_servers: str
    description: str


@contextmanager
def any_kafka(report: Report) -> Iterator[Kafka]:
    """Give the first Kafka to be had, and tell `report` which one it is.

    Raises: NoKafkaError when there is none.
    """
    named = os.environ.get("ESITO_TEST_KAFKA")
    if named:
        road = named_kafka(named)
    elif engine_answers():
        road = container_kafka()
    else:
        road = embedded_kafka(report)
    with road as kafka:
        report(f"Kafka for the tests: {kafka.description} at {kafka.bootstrap_servers}")
        yield kafka


@contextmanager
def named_kafka(bootstrap_servers: str) -> Iterator[Kafka]:
    """Give the cluster that `ESITO_TEST_KAFKA` names."""
    if not run(_is_ready(bootstrap_servers, seconds_max=NAMED_SECONDS_MAX)):
        message = (
            f"ESITO_TEST_KAFKA names {bootstrap_servers}, which does not answer. Start that "
            "cluster, or unset the variable to have one started for the tests."
        )
        raise NoKafkaError(message)
    yield Kafka(bootstrap_servers, "the cluster of ESITO_TEST_KAFKA")


@contextmanager
def container_kafka() -> Iterator[Kafka]:
    """Give a broker of the published image in a container that goes with the tests."""
    container = DockerContainer(IMAGE)
    host = container.get_docker_client().host()
    # Chosen before the start: the broker advertises the port that clients outside see.
    (port,) = free_ports(1)
    container.with_bind_ports(9092, port).with_kwargs(hostname="kafka")
    container.with_envs(**_container_variables(host, port))
    try:
        container.start()
    except DockerException as error:
        message = (
            f"a Docker engine answers but does not start {IMAGE}: {error}. Pull the image, or stop "
            "the engine to use the embedded Kafka, or name a cluster in ESITO_TEST_KAFKA."
        )
        raise NoKafkaError(message) from error
    try:
        address = f"{host}:{port}"
        if not run(_is_ready(address, is_alive=partial(_is_running, container))):
            log = b"".join(container.get_logs())[-4096:].decode(errors="replace")
            message = f"the container of {IMAGE} did not get ready. The end of its log:\n{log}"
            raise NoKafkaError(message)
        yield Kafka(address, f"a container of {IMAGE}")
    finally:
        container.stop()


@contextmanager
def embedded_kafka(report: Report) -> Iterator[Kafka]:
    """Give the embedded Kafka of one node, with a directory of its own."""
    with embedded_cluster(report, nodes=1) as cluster:
        yield Kafka(cluster.bootstrap_servers, f"the embedded Apache Kafka {KAFKA_VERSION}")


@contextmanager
def embedded_cluster(report: Report, *, nodes: int) -> Iterator[EmbeddedKafka]:
    """Give the embedded Kafka itself, for tests that kill and restart its nodes."""
    cluster = EmbeddedKafka(
        cache_directory=cache_directory(),
        nodes=nodes,
        properties={"group.min.session.timeout.ms": SHORTEST_SESSION_MILLISECONDS},
    )
    try:
        # The download is worth a line to the person who waits; the rest takes three seconds.
        verified_jars(cache_directory(), on_progress=report)
        run(cluster.start())
    except EmbeddedKafkaError as error:
        message = (
            f"the tests need a real Kafka and found none: ESITO_TEST_KAFKA is not set, no Docker "
            f"engine answers, and the embedded one did not start: {error}"
        )
        raise NoKafkaError(message) from error
    try:
        yield cluster
    finally:
        run(cluster.stop())


def cache_directory() -> Path:
    """Return where the embedded Kafka keeps its jars: `ESITO_CACHE`, or the usual place."""
    named = os.environ.get("ESITO_CACHE")
    return Path(named) if named else default_cache_directory()


def engine_answers() -> bool:
    """Say whether a Docker engine can be used, within two seconds."""
    with warnings.catch_warnings():
        # The client leaves its socket to the garbage collector when nobody listens.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            with closing(docker.from_env(timeout=ENGINE_SECONDS_MAX)) as client:
                return bool(client.ping())
        except (DockerException, OSError):
            return False
        finally:
            gc.collect()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what `coroutine` does, in a loop and a thread of its own, apart from the tests'."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def _container_variables(host: str, port: int) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        # The address that clients outside see is not reachable from inside: a broker without a
        # second one cannot reach itself, and every Kafka transaction fails with
        # NOT_ENOUGH_REPLICAS.
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
        "KAFKA_LISTENERS": "CLIENTS://:9092,INTERNAL://:9094,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"CLIENTS://{host}:{port},INTERNAL://kafka:9094",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": (
            "CLIENTS:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "8",
        "KAFKA_OFFSETS_RETENTION_MINUTES": "86400",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "8",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": SHORTEST_SESSION_MILLISECONDS,
    }


def _is_running(container: DockerContainer) -> bool:
    container.reload()
    return container.status in ("created", "running")


async def _is_ready(
    bootstrap_servers: str,
    *,
    is_alive: Callable[[], bool] = lambda: True,
    seconds_max: float = READY_SECONDS_MAX,
) -> bool:
    deadline = time.monotonic() + seconds_max
    while not await known_brokers(bootstrap_servers):
        if time.monotonic() > deadline or not is_alive():
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
