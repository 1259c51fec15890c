"""Run the intake and the streams of one installation, with something to find in them."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import requests
from aiokafka import AIOKafkaProducer

from contracts.lifecycle import Status
from contracts.status import StatusEvent
from contracts.topics import Topics
from contracts.update import Reason
from runtime.service_configuration import Database
from streams.consumer_api import ROOT as OWN
from streams.send_api import ROOT
from tests.faults.processes import EsitoProcess, until
from tests.integration.intake import REQUESTS, Intake
from tests.integration.intake_settings import KEY
from tests.integration.test_intake_sent import new_iun, uploaded
from tests.kafka import run
from tests.send.requests import request
from tests.status_events import status_event, value_of

CONSUMER_KEY: Final = "a-key-of-a-consumer-0123456789abcdef"
PRELOAD: Final = "/delivery/attachments/preload"
STREAM: Final = {"title": "A stream", "eventType": "TIMELINE", "groups": []}
TIMEOUT_SECONDS: Final = 60.0
PDF: Final = b"%PDF-1.7 " + b"a" * 1_000
STORY: Final = {
    "REQUEST_ACCEPTED": "ACCEPTED",
    "SEND_DIGITAL_DOMICILE": "DELIVERING",
    "NOTIFICATION_VIEWED": "VIEWED",
}
Known = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Site:
    """Where both listen, and how its notification is found."""

    intake: Intake
    intake_url: str
    streams_url: str
    streams: "Streams"
    notification: Known

    @classmethod
    @contextmanager
    def running(
        cls, directory: Path, bootstrap_servers: str, prefix: str, database: Database
    ) -> Iterator[Self]:
        """Start both processes and put a notification and streams there; kill them afterwards."""
        (directory / "consumer.key").write_text(CONSUMER_KEY)
        keys = [{"id": "a", "file": "consumer.key"}]
        intake = Intake(directory, bootstrap_servers, prefix, database)
        intake.settings["streams"] = {
            "port": 0,
            "wait_seconds_max": 0.01,
            "streams_max": 10_000,
            "consumers": [{"id": "shop", "keys": keys, "endpoints": ["send-it"]}],
        }
        try:
            run(intake.prepare())
            run(intake.start())
            url = run(_started(intake))
            streams = Streams.made(url)
            known = run(_notification(intake, streams))
            yield cls(intake, f"http://127.0.0.1:{intake.ports[0]}", url, streams, known)
        finally:
            intake.kill()

    def url(self, path: str) -> str:
        """Return who serves a path."""
        own = path.startswith(("/delivery-progresses/", "/v1/"))
        return self.streams_url if own else self.intake_url

    @staticmethod
    def key(path: str) -> str:
        """Return whose key opens a path."""
        return CONSUMER_KEY if path.startswith("/v1/") else KEY

    def known(self, method: str) -> Known:
        """Return values of parameters that lead to something; of a stream to change, a new one."""
        streams = self.streams if method == "GET" else Streams.made(self.streams_url)
        return {**self.notification, "streamId": streams.send, "stream_id": streams.own}

    @staticmethod
    def body(method: str, path: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return a body that is taken, or None where any will do."""
        if (method, path) == ("POST", REQUESTS):
            return request(paProtocolNumber=secrets.token_hex(8))
        if method in {"POST", "PUT"} and path in {ROOT, f"{ROOT}/{{streamId}}"}:
            return STREAM
        if method in {"POST", "PUT"} and path in {OWN, f"{OWN}/{{stream_id}}"}:
            return {}
        if path == PRELOAD:
            return [{"sha256": "A" * 43 + "=", "contentType": "application/pdf"}]
        return None


@dataclass(frozen=True, slots=True)
class Streams:
    """A stream of the public body, and one of the consumer."""

    url: str
    send: str
    own: str

    @classmethod
    def made(cls, url: str) -> Self:
        """Make both."""
        send, own = _posted(url, ROOT, STREAM), _posted(url, OWN, {})
        return cls(url, send["streamId"], own["id"])

    def page(self) -> list[Any]:
        """Return the first page of the body's stream."""
        url = f"{self.url}{ROOT}/{self.send}/events"
        answer = requests.get(url, headers={"x-api-key": KEY}, timeout=TIMEOUT_SECONDS)
        found: list[Any] = answer.json()
        return found


def _posted(url: str, path: str, body: Mapping[str, Any]) -> Mapping[str, str]:
    headers = {"x-api-key": Site.key(path)}
    answer = requests.post(url + path, json=body, headers=headers, timeout=TIMEOUT_SECONDS)
    made: Mapping[str, str] = answer.json()
    return made


async def _started(intake: Intake) -> str:
    """Start the streams as one more process of the installation; return where they listen."""
    file = intake.directory / "esito.yaml"
    process = EsitoProcess(
        "streams",
        ["streams", "--configuration", str(file)],
        log=intake.directory / "streams.log",
        PYTHONUNBUFFERED="1",
    )
    intake.processes.append(process)
    await process.says("process.listening")
    (line,) = [one for one in process.lines() if one["event"] == "process.listening"]
    return f"http://{line['address']}"


async def _notification(intake: Intake, streams: Streams) -> Known:
    """Have a notification accepted and another refused; return how the first is found."""
    file = await uploaded(intake, PDF, "pdf")
    members = request(
        paProtocolNumber=secrets.token_hex(8),
        documents=[{**file, "docIdx": "0", "title": "An act"}],
    )
    identifier = (await intake.send(members)).members["notificationRequestId"]
    refused = (await intake.send(request())).members["notificationRequestId"]
    iun = new_iun()
    await _publish(intake, [*_story(identifier, iun), _refusal(refused)])
    await until(lambda: len(streams.page()) == len(STORY) + 1, "the events are projected")
    path = f"/delivery/notifications/sent/{iun}/attachments/documents/0"
    told = (await intake.call("GET", path)).members
    return {
        "iun": iun,
        "docIdx": "0",
        "endpoint": "send-it",
        "transaction_id": identifier,
        "notificationRequestId": identifier,
        "token": told["url"].rpartition("/")[2],
    }


def _story(identifier: str, iun: str) -> list[StatusEvent]:
    """Return the events of an accepted notification."""
    return [
        status_event(
            identifier,
            native_status,
            sequence=sequence,
            endpoint="send-it",
            provider="send",
            status=Status.PROCESSING,
            references={
                "iun": iun,
                "sender": "comune",
                "element": category,
                "element_id": f"{category}.IUN_{iun}",
            },
        )
        for sequence, (category, native_status) in enumerate(STORY.items(), 1)
    ]


def _refusal(identifier: str) -> StatusEvent:
    reason = Reason(code="TAXID_NOT_VALID", text="Not valid", where="recipients[0]")
    return status_event(
        identifier,
        "REFUSED",
        endpoint="send-it",
        provider="send",
        status=Status.REJECTED,
        references={"sender": "comune", "element": "REQUEST_REFUSED", "element_id": "refused"},
        reason=reason,
        reasons=(reason,),
    )


async def _publish(intake: Intake, events: Sequence[StatusEvent]) -> None:
    """Write events to the topic of statuses, as the state machine does."""
    topic = Topics.of("send", prefix=intake.prefix).status
    async with AIOKafkaProducer(bootstrap_servers=intake.bootstrap_servers) as producer:
        for event in events:
            await producer.send_and_wait(topic, value_of(event), key=event.key.encode())
