"""Run the intake and the streams of one installation, with something to find in them."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import requests

from runtime.configuration import Database
from streams.consumer_api import ROOT as OWN
from streams.send_api import ROOT
from tests.faults.processes import EsitoProcess
from tests.integration.intake import REQUESTS, Intake
from tests.integration.intake_settings import KEY
from tests.integration.test_intake_sent import accepted, uploaded
from tests.kafka import run
from tests.send_requests import request

CONSUMER_KEY: Final = "a-key-of-a-consumer-0123456789abcdef"
PRELOAD: Final = "/delivery/attachments/preload"
STREAM: Final = {"title": "A stream", "eventType": "TIMELINE", "groups": []}
TIMEOUT_SECONDS: Final = 10.0
PDF: Final = b"%PDF-1.7 " + b"a" * 1_000
Known = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Site:
    """Where both listen, and how its notification is found."""

    intake: Intake
    intake_url: str
    streams_url: str
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
            streams = run(_streams(intake))
            intake_url = f"http://127.0.0.1:{intake.ports[0]}"
            yield cls(intake, intake_url, streams, run(_notification(intake)))
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

    def known(self) -> Known:
        """Return values of path parameters that lead to something; the streams are new ones."""
        send = self._make(ROOT, STREAM)["streamId"]
        return {**self.notification, "streamId": send, "stream_id": self._make(OWN, {})["id"]}

    def _make(self, path: str, body: Mapping[str, Any]) -> Mapping[str, str]:
        headers = {"x-api-key": self.key(path)}
        url = self.streams_url + path
        answer = requests.post(url, json=body, headers=headers, timeout=TIMEOUT_SECONDS)
        made: Mapping[str, str] = answer.json()
        return made

    @staticmethod
    def body(method: str, path: str) -> Any:  # noqa: ANN401 - JSON
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


async def _streams(intake: Intake) -> str:
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


async def _notification(intake: Intake) -> Known:
    """Put an accepted notification there; return how it is found."""
    file = await uploaded(intake, PDF, "pdf")
    document = {**file, "docIdx": "0", "title": "An act"}
    iun, identifier, _ = await accepted(intake, documents=[document])
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
