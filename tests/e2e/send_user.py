"""A user of an installation of SEND's part, who knows nothing but HTTP and the keys given."""

import asyncio
import base64
import hashlib
import http.client
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from runtime.configuration import Configuration

SECONDS_MAX = 120
STREAMS = "/delivery-progresses/v2.8/streams"
REQUESTS = "/delivery/v2.6/requests"


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
        answer = await self.send_json("POST", self.streams, "send-provincia", wanted)
        assert answer.status == 200, answer.body
        identifier: str = answer.members["streamId"]
        return identifier

    async def uploaded(self, content: bytes) -> dict[str, Any]:
        """Return the document as a request names it."""
        item, headers = an_upload(content)
        url = f"{self.intake}/delivery/attachments/preload"
        (slot,) = (await self.send_json("POST", url, "send-provincia", [item])).members
        headers |= {"x-amz-meta-secret": slot["secret"]}
        answer = await self.call(slot["httpMethod"], slot["url"], headers, content)
        assert answer.status == 200, answer.body
        return {
            "digests": {"sha256": item["sha256"]},
            "contentType": "application/pdf",
            "ref": {"key": slot["key"], "versionToken": answer.headers["x-amz-version-id"]},
        }

    async def requested(self, document: dict[str, Any]) -> str:
        answer = await self.send_json(
            "POST", self.intake + REQUESTS, "send-provincia", a_request(document)
        )
        assert answer.status == 202, answer.body
        identifier: str = answer.members["notificationRequestId"]
        return identifier

    async def status(self, request_id: str) -> dict[str, Any]:
        """Return the status once it waits no more."""
        url = f"{self.intake}{REQUESTS}?notificationRequestId={quote(request_id, safe='')}"
        async with asyncio.timeout(SECONDS_MAX):
            while True:
                answer = await self.send_json("GET", url, "send-provincia")
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
                answer = await self.send_json("GET", url, "send-provincia")
                assert answer.headers["retry-after"] == ("0" if answer.members else "1000")
                found += answer.members
                query = f"?lastEventId={found[-1]['eventId']}" if found else ""
        left = await self.send_json(
            "GET", f"{self.streams}/{stream}/events{query}", "send-provincia"
        )
        assert left.members == []
        return found


def an_upload(content: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """Return what asks for a slot for these bytes, and the header fields that they go with."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    item = {"preloadIdx": "0", "contentType": "application/pdf", "sha256": digest}
    return item, {"content-type": "application/pdf", "x-amz-checksum-sha256": digest}


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
        "subject": "By hand, about nobody",
        "senderDenomination": "Provincia di prova",
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
