"""SEND's whole road by plain HTTP, as a new user goes it, and the poller at its other end.

Preload, upload, request, WAITING, IUN, elements, stream pages with acknowledgement, VIEWED. Then a
second Esito reads a stream of the first one, as a public body does that uses SEND elsewhere: both
ends of the same contract.
"""

import asyncio
import base64
import hashlib
import http.client
import json
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from aiokafka import TopicPartition

from contracts.topics import Topics
from ops.curl_commands import send_road
from ops.installation import Addresses, write_installation
from ops.local_installation import create_topics, free_row
from ops.processes import Processes, programs_of
from runtime.configuration import Configuration
from runtime.configuration_file import load_configuration
from runtime.kafka import KafkaClients
from simulator.send_pdf import pdf
from tests.kafka import Kafka
from tests.postgres import Postgres

SECONDS_MAX = 120
STREAMS = "/delivery-progresses/v2.8/streams"
REQUESTS = "/delivery/v2.6/requests"
LIFE = ("SEND_DIGITAL_DOMICILE", "DIGITAL_DELIVERY_CREATION_REQUEST", "NOTIFICATION_VIEWED")
STATUSES = ["ACCEPTED", "DELIVERING", "DELIVERED", "VIEWED"]
REMOTE = """
kafka_bootstrap_servers: {servers}
topic_prefix: {prefix}
management_port: {port}
topics: {{replication_factor: 1, min_insync_replicas: 1, partitions: 2}}
endpoints:
  - name: send-remote
    provider: send
    path: /callbacks/send
    api_key: {{keys: [{{id: a, file: {delivery}}}]}}
    remote_stream:
      url: {url}
      stream_id: {stream}
      api_key_file: {key}
      retry_seconds_max: 1
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def members(self) -> Any:  # noqa: ANN401 - JSON holds any value
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an installation of the SEND part, its addresses and its keys."""

    directory: Path
    configuration: Configuration

    def key(self, name: str) -> dict[str, str]:
        return {"x-api-key": (self.directory / "keys" / f"{name}.key").read_text().strip()}

    async def call(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None = None
    ) -> Answer:
        return await asyncio.to_thread(_call, method, url, headers, body)

    async def send_json(self, method: str, url: str, key: str, members: Any = None) -> Answer:  # noqa: ANN401 - JSON holds any value
        headers = {"content-type": "application/json", **self.key(key)}
        body = None if members is None else json.dumps(members).encode()
        return await self.call(method, url, headers, body)

    @property
    def intake(self) -> str:
        return self.configuration.intake.public_url

    @property
    def streams(self) -> str:
        return self.configuration.streams.public_url + STREAMS

    @property
    def delivery(self) -> str:
        return f"http://127.0.0.1:{self.configuration.ingress.port}/callbacks/send"

    async def made_stream(self, event_type: str) -> str:
        wanted = {"title": "mine", "eventType": event_type, "groups": [], "filterValues": []}
        answer = await self.send_json("POST", self.streams, "send-comune", wanted)
        assert answer.status == 200, answer.body
        identifier: str = answer.members["streamId"]
        return identifier

    async def uploaded(self, content: bytes) -> dict[str, Any]:
        """Return the document as a request names it."""
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        item = {"preloadIdx": "0", "contentType": "application/pdf", "sha256": digest}
        url = f"{self.intake}/delivery/attachments/preload"
        (slot,) = (await self.send_json("POST", url, "send-comune", [item])).members
        headers = {
            "content-type": "application/pdf",
            "x-amz-meta-secret": slot["secret"],
            "x-amz-checksum-sha256": digest,
        }
        answer = await self.call(slot["httpMethod"], slot["url"], headers, content)
        assert answer.status == 200, answer.body
        return {
            "digests": {"sha256": digest},
            "contentType": "application/pdf",
            "ref": {"key": slot["key"], "versionToken": answer.headers["x-amz-version-id"]},
        }

    async def requested(self, document: dict[str, Any]) -> str:
        answer = await self.send_json(
            "POST", self.intake + REQUESTS, "send-comune", a_request(document)
        )
        assert answer.status == 202, answer.body
        identifier: str = answer.members["notificationRequestId"]
        return identifier

    async def status(self, request_id: str) -> dict[str, Any]:
        """Return the status once it waits no more."""
        url = f"{self.intake}{REQUESTS}?notificationRequestId={quote(request_id, safe='')}"
        async with asyncio.timeout(SECONDS_MAX):
            while True:
                answer = await self.send_json("GET", url, "send-comune")
                members: dict[str, Any] = answer.members
                if members["notificationRequestStatus"] != "WAITING":
                    return members
                assert members["retryAfter"] == 10
                assert "iun" not in members

    async def told(self, request_id: str, iun: str, category: str, second: int) -> int:
        element = {
            "elementId": f"{category}.IUN_{iun}",
            "timestamp": f"2026-11-21T10:00:{second:02}Z",
            "category": category,
            "details": {"recIndex": 0},
        }
        members = {"notificationRequestId": request_id, "iun": iun, "element": element}
        return (await self.send_json("POST", self.delivery, "send-delivery", members)).status

    async def followed(self, stream: str, last: str) -> list[dict[str, Any]]:
        """Return the elements of a stream up to status `last`, each page acknowledged."""
        found: list[dict[str, Any]] = []
        query = ""
        async with asyncio.timeout(SECONDS_MAX):
            while not found or found[-1].get("newStatus") != last:
                url = f"{self.streams}/{stream}/events{query}"
                answer = await self.send_json("GET", url, "send-comune")
                assert answer.headers["retry-after"] == ("0" if answer.members else "1000")
                found += answer.members
                query = f"?lastEventId={found[-1]['eventId']}" if found else ""
        left = await self.send_json("GET", f"{self.streams}/{stream}/events{query}", "send-comune")
        assert left.members == []
        return found


@pytest.fixture
async def user(
    kafka: Kafka, postgres: Postgres, tmp_path: Path, topic_prefix: str
) -> AsyncIterator[User]:
    """Give the processes of provider send alone, running."""
    ports = free_row(9)
    file = write_installation(
        tmp_path,
        Addresses(
            kafka=kafka.bootstrap_servers,
            ingress_port=ports,
            intake_port=ports + 1,
            streams_port=ports + 2,
            topic_prefix=topic_prefix,
        ),
    )
    with postgres.database() as database:
        variables = {"ESITO_DATABASE__URL": database.url}
        if database.password_file is not None:
            variables["ESITO_DATABASE__PASSWORD_FILE"] = str(database.password_file)
        configuration = load_configuration(file, environ=variables)
        await create_topics(configuration)
        others = ("pivot", "uaepass", "srtp", "wallet")
        programs = [one for one in programs_of(configuration) if not one.name.endswith(others)]
        async with Processes(
            file,
            programs,
            management_ports=[ports + 3 + place for place in range(len(programs))],
            logs=tmp_path / "logs",
            variables=variables,
        ):
            yield User(tmp_path, configuration)


async def test_road_leads_from_the_upload_slot_to_viewed(user: User) -> None:
    content = pdf("A notice")
    stream = await user.made_stream("STATUS")

    request_id = await user.requested(await user.uploaded(content))
    accepted = await user.status(request_id)
    iun = accepted["iun"]
    answers = [
        await user.told(request_id, iun, category, second) for second, category in enumerate(LIFE)
    ]
    elements = await user.followed(stream, "VIEWED")
    base = f"{user.intake}/delivery/notifications/sent/{iun}"
    document = await user.send_json("GET", f"{base}/attachments/documents/0", "send-comune")
    loaded = await user.call("GET", document.members["url"], {})
    url = f"{user.intake}/delivery/v2.9/notifications/sent/{iun}"
    sent = await user.send_json("GET", url, "send-comune")
    stranger = await user.send_json("GET", url, "send-regione")

    assert len(request_id) == 36
    assert iun not in base64.b64decode(request_id).decode("latin-1")
    assert answers == [200, 200, 200]
    assert [one["newStatus"] for one in elements] == STATUSES
    assert {one["iun"] for one in elements} == {iun}
    assert loaded.body == content
    assert sent.members["notificationStatus"] == "VIEWED"
    assert stranger.status == 404


async def test_road_of_the_printed_script_ends_at_viewed(user: User) -> None:
    """What `esito up` writes for curl; without curl and bash on the machine, its URLs at least."""
    url = f"http://127.0.0.1:{user.configuration.ingress.port}"
    script = send_road(user.directory, user.configuration, url=url)

    if shutil.which("curl") is None or shutil.which("bash") is None:
        assert user.intake in script
        return
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", script],
        capture_output=True,
        timeout=SECONDS_MAX,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "status     ACCEPTED" in done.stdout
    assert "notified   VIEWED" in done.stdout
    assert "unread     []" in done.stdout


async def test_stream_of_ours_is_polled_by_an_esito_elsewhere(user: User, tmp_path: Path) -> None:
    stream = await user.made_stream("TIMELINE")
    request_id = await user.requested(await user.uploaded(pdf("A notice")))
    iun = (await user.status(request_id))["iun"]
    for second, category in enumerate(LIFE):
        await user.told(request_id, iun, category, second)
    file = tmp_path / "remote.yaml"
    file.write_text(
        REMOTE.format(
            servers=user.configuration.kafka_bootstrap_servers,
            prefix=f"r{secrets.token_hex(4)}.",
            port=free_row(4),
            delivery="keys/send-delivery.key",
            key="keys/send-comune.key",
            url=user.streams.removesuffix("/streams"),
            stream=stream,
        )
    )
    remote = load_configuration(file, environ={})
    await create_topics(remote)
    programs = [one for one in programs_of(remote) if one.name != "ingress"]
    ports = [remote.management_port + place for place in range(len(programs))]

    async with Processes(file, programs, management_ports=ports, logs=tmp_path / "remote-logs"):
        events = await status_events(remote, len(STATUSES))

    assert [one.name for one in programs] == [
        "poller-send",
        "verifier-send",
        "state-machine-send",
    ]
    assert [event["native_status"] for event in events] == STATUSES
    assert {event["transaction_id"] for event in events} == {request_id}
    assert [event["sequence"] for event in events] == [1, 2, 3, 4]


async def status_events(configuration: Configuration, count: int) -> list[dict[str, Any]]:
    """Return the status events of provider send, once there are `count`."""
    topic = Topics.of("send", prefix=configuration.topic_prefix).status
    consumer = KafkaClients(configuration, client_id="test").consumer(
        group=None, fetch_bytes_max=1_048_576
    )
    found: list[dict[str, Any]] = []
    await consumer.start()
    try:
        consumer.assign(
            [TopicPartition(topic, number) for number in range(configuration.topics.partitions)]
        )
        async with asyncio.timeout(SECONDS_MAX):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += [json.loads(record.value) for record in records]
    finally:
        await consumer.stop()
    return found


def a_request(document: dict[str, Any]) -> dict[str, Any]:
    address = {
        "address": "VIA ROMA 1",
        "zip": "00184",
        "municipality": "ROMA",
        "province": "RM",
    }
    recipient = {
        "recipientType": "PF",
        "taxId": "VRDLNZ80A41F205H",
        "denomination": "Lorenza Verdi",
        "physicalAddress": address,
    }
    return {
        "paProtocolNumber": f"by-hand-{secrets.token_hex(6)}",
        "subject": "A notice",
        "senderDenomination": "Comune di prova",
        "senderTaxId": "01234567897",
        "taxonomyCode": "010101P",
        "physicalCommunicationType": "AR_REGISTERED_LETTER",
        "notificationFeePolicy": "FLAT_RATE",
        "recipients": [recipient],
        "documents": [document],
    }


def _call(method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=SECONDS_MAX)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        fields = {name.lower(): text for name, text in answer.getheaders()}
        return Answer(answer.status, fields, answer.read())
    finally:
        connection.close()
