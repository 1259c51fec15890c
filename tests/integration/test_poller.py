"""The poller as a process: everything of a remote stream is stored once that is acknowledged."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.dead_letter import CODE
from contracts.raw import CALLBACK_ID, CUT_FROM, SOURCE, TRANSACTION_ID
from contracts.topics import Topics
from ops.topics import create_missing, planned_topics
from runtime.configuration_file import load_configuration
from runtime.kafka import KafkaClients
from tests.faults.processes import WAIT_SECONDS_MAX, EsitoProcess
from tests.integration.remote_stream import API_KEY, STREAM_ID, RemoteServer
from tests.kafka import Kafka

CONFIGURATION = """
kafka_bootstrap_servers: {servers}
topic_prefix: {prefix}
management_port: 0
topics: {{replication_factor: 1, min_insync_replicas: 1, partitions: 2}}
endpoints:
  - name: send-remote
    provider: send
    path: /callbacks/send
    api_key: {{keys: [{{id: a, file: api.key}}]}}
    remote_stream:
      url: {url}
      stream_id: {stream}
      api_key_file: remote.key
      retry_seconds_max: 1
"""
STATUSES = ("IN_VALIDATION", "ACCEPTED", "DELIVERING", "DELIVERED", "VIEWED")
CATEGORIES = (
    "SENDER_ACK_CREATION_REQUEST",
    "REQUEST_ACCEPTED",
    "SEND_DIGITAL_DOMICILE",
    "DIGITAL_DELIVERY_CREATION_REQUEST",
    "NOTIFICATION_VIEWED",
)
REQUESTS = [f"{number:036}" for number in range(40)]


class Installation:
    """The topics of provider send under one prefix, and processes over them."""

    def __init__(self, directory: Path, kafka: Kafka, prefix: str, url: str) -> None:
        self.directory = directory
        self.file = directory / "esito.yaml"
        self.file.write_text(
            CONFIGURATION.format(
                servers=kafka.bootstrap_servers, prefix=prefix, url=url, stream=STREAM_ID
            )
        )
        (directory / "api.key").write_text("an-api-key-of-these-tests-0123456789")
        (directory / "remote.key").write_text(API_KEY)
        self.configuration = load_configuration(self.file, environ={})
        self.clients = KafkaClients(self.configuration, client_id="test")
        self.topics = Topics.of("send", prefix=prefix)
        self.processes: list[EsitoProcess] = []

    async def create_topics(self) -> None:
        admin = self.clients.admin()
        await admin.start()
        try:
            await create_missing(admin, planned_topics(self.configuration))
        finally:
            await admin.close()

    async def narrow(self, bytes_max: int) -> None:
        """Let the raw topic take no more than so many bytes at once."""
        admin = self.clients.admin()
        await admin.start()
        try:
            configs = {"max.message.bytes": str(bytes_max)}
            topic = ConfigResource(ConfigResourceType.TOPIC, self.topics.raw, configs=configs)
            await admin.alter_configs([topic])
        finally:
            await admin.close()

    def start(self, role: str, *, failpoint: str = "") -> EsitoProcess:
        variables = {"ESITO_CONFIGURATION": str(self.file)}
        if failpoint:
            variables["ESITO_FAILPOINT"] = failpoint
        process = EsitoProcess(
            role,
            ["workers", role, "--provider", "send"],
            log=self.directory / f"{role}-{len(self.processes)}.log",
            **variables,
        )
        self.processes.append(process)
        return process

    async def records(self, topic: str, count: int) -> list[Any]:
        """Return all records of a topic once there are `count`."""
        consumer: AIOKafkaConsumer = self.clients.consumer(group=None, fetch_bytes_max=1_048_576)
        found: list[Any] = []
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topic, number) for number in range(2)])

            async def read() -> None:
                for some in (await consumer.getmany(timeout_ms=50)).values():
                    found.extend(some)

            async with asyncio.timeout(WAIT_SECONDS_MAX):
                while len(found) < count:
                    await read()
            await read()
        finally:
            await consumer.stop()
        return found


@pytest.fixture
async def server() -> AsyncIterator[RemoteServer]:
    async with RemoteServer().running() as running:
        yield running


@pytest.fixture
async def place(
    tmp_path: Path, kafka: Kafka, topic_prefix: str, server: RemoteServer
) -> AsyncIterator[Installation]:
    made = Installation(tmp_path, kafka, topic_prefix, server.url)
    await made.create_topics()
    try:
        yield made
    finally:
        for process in made.processes:
            if process.exit_code is None:
                process.kill()


def fill(server: RemoteServer) -> None:
    """Tell the life of every notification, all side by side, as a stream would."""
    for category, status in zip(CATEGORIES, STATUSES, strict=True):
        for request_id in REQUESTS:
            server.add(request_id, category, status)


async def test_elements_become_raw_records_and_are_acknowledged(
    place: Installation, server: RemoteServer
) -> None:
    fill(server)
    told = [json.dumps(event).encode() for event in server.events]

    poller = place.start("poller")
    await server.read_empty()
    records = await place.records(place.topics.raw, len(told))
    code = await poller.stop()

    assert Counter(record.value for record in records) == Counter(told)
    assert server.asked[0] is None
    assert server.asked[-1] == f"{len(told):038}"
    headers = dict(records[0].headers)
    assert headers[SOURCE] == b"poll"
    assert headers[TRANSACTION_ID] == records[0].key
    assert code == 0
    assert API_KEY not in "".join(map(json.dumps, poller.lines()))
    for partition in (0, 1):
        ids = [json.loads(one.value)["eventId"] for one in records if one.partition == partition]
        assert ids == sorted(ids)


@pytest.mark.parametrize("point", ["polled", "stored"])
async def test_poller_killed_before_it_acknowledges_loses_and_doubles_nothing(
    place: Installation, server: RemoteServer, point: str
) -> None:
    fill(server)
    total = len(server.events)
    workers = [place.start("verifier"), place.start("state-machine")]

    doomed = place.start("poller", failpoint=f"{point}:2")
    exit_code = await doomed.ended()
    left = len(server.events)
    heir = place.start("poller")
    await server.read_empty()
    events = [json.loads(one.value) for one in await place.records(place.topics.status, total)]

    assert exit_code == -signal.SIGKILL
    assert left == total - 50  # the first page was acknowledged, the second was not
    raw = await place.records(place.topics.raw, total)
    assert len(raw) == total + (50 if point == "stored" else 0)
    assert len({dict(one.headers)[CALLBACK_ID] for one in raw}) == total
    assert Counter(event["id"] for event in events).most_common(1)[0][1] == 1
    assert {key: statuses(events, key) for key in REQUESTS} == dict.fromkeys(REQUESTS, STATUSES)
    assert [await one.stop() for one in (heir, *workers)] == [0, 0, 0]


async def test_kafka_that_confirms_nothing_leaves_the_page_unacknowledged(
    place: Installation, server: RemoteServer, topic_prefix: str
) -> None:
    """The topic of this prefix was never created, so no page is ever confirmed."""
    place.file.write_text(place.file.read_text().replace(topic_prefix, f"{topic_prefix}none."))
    fill(server)
    told = len(server.events)

    poller = place.start("poller")
    await server.read_times(1)
    await poller.says("stream.missed", code="not_stored")

    assert len(server.events) == told
    assert set(server.asked) == {None}
    poller.kill()


async def test_configuration_without_a_remote_stream_is_refused(place: Installation) -> None:
    text = place.file.read_text()
    place.file.write_text(text[: text.index("    remote_stream")])

    poller = place.start("poller")

    assert await poller.ended() == 2
    assert "no endpoint of provider send has the key remote_stream" in poller.tail()


def statuses(events: list[dict[str, Any]], key: str) -> tuple[str, ...]:
    mine = [event for event in events if event["transaction_id"] == key]
    by_sequence: Callable[[dict[str, Any]], int] = lambda event: event["sequence"]  # noqa: E731 - a key with a type
    return tuple(event["native_status"] for event in sorted(mine, key=by_sequence))


async def test_element_that_cannot_be_stored_whole_is_a_dead_letter_and_the_reading_goes_on(
    place: Installation, server: RemoteServer
) -> None:
    """One is larger than the endpoint's limit, one larger than the topic takes."""
    for request_id, category in zip(REQUESTS, CATEGORIES, strict=False):
        server.add(request_id, category, "ACCEPTED")
    for number, size in ((1, 300_000), (3, 150_000)):
        server.events[number]["padding"] = "x" * size
    sizes = [len(json.dumps(event)) for event in server.events]
    await place.narrow(100_000)

    poller, verifier = place.start("poller"), place.start("verifier")
    await server.read_empty()
    letters = await place.records(place.topics.rejected, 2)
    records = await place.records(place.topics.verified, 2 * (len(sizes) - 2))

    headers = [dict(one.headers) for one in letters]
    assert [one[CODE] for one in headers] == [b"body_too_large"] * 2
    assert sorted(int(one[CUT_FROM]) for one in headers) == sorted([sizes[1], sizes[3]])
    assert {len(one.value) for one in letters} == {65_536}
    assert {one[TRANSACTION_ID].decode() for one in headers} == {REQUESTS[1], REQUESTS[3]}
    # What was stored before the broker refused the rest is stored once more, as after a crash.
    assert {one.key.decode().rpartition(":")[2] for one in records} == {*REQUESTS[:5:2]}
    assert [await poller.stop(), await verifier.stop()] == [0, 0]
