"""Ask intake and streams everything they can be asked, rightly and with one word in every place.

The word is nobody's: whatever shows it has quoted a caller. It stands for each value of each body,
for names of members, in paths, parameters and header fields, in a file and in a key.
"""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from runtime.configuration import Configuration
from simulator.send.http import Answer
from simulator.send.pdf import pdf
from tests.e2e.heard import Hearing
from tests.e2e.send_user import REQUESTS, STREAMS, a_request, an_upload

# No body holds it; in a header field it is legal, in a path it is percent-encoded.
WORD: Final = "Tachyglossus&Co. 4713"
_PATH_WORD: Final = quote(WORD, safe="")
BODY_ID: Final = "provincia"
BODY_KEY: Final = f"send-{BODY_ID}"
_JSON: Final = {"content-type": "application/json"}
_AT_ONCE: Final = 16
_SENT: Final = "/delivery/notifications/sent"
_CANCEL: Final = "/delivery-push/v2.0/notifications/cancel"
_V1: Final = "/v1/streams"
_SEND_STREAM: Final = {"title": "mine", "eventType": "TIMELINE", "groups": []}
_OWN_STREAM: Final = {"title": "mine", "events": "all"}

Call = tuple[str, str, Mapping[str, str], bytes | None]


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody with the keys of an installation, who asks and lets a hearing keep the answers."""

    directory: Path
    configuration: Configuration
    hearing: Hearing
    session: aiohttp.ClientSession

    def key(self, name: str) -> dict[str, str]:
        """Return the header field of a key."""
        return {"x-api-key": (self.directory / "keys" / f"{name}.key").read_text().strip()}

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Return the answer to one call, which the hearing keeps too."""
        async with self.session.request(
            method, URL(url, encoded=True), headers=headers, data=body
        ) as response:
            answer = Answer(response.status, await response.read(), dict(response.headers))
        self.hearing.hear(method, url, headers, answer)
        return answer

    async def ask_json(self, method: str, url: str, key: str, members: object = None) -> Answer:
        """Return the answer to a call with a JSON body, or with none."""
        body = None if members is None else json.dumps(members).encode()
        return await self.ask(method, url, {**_JSON, **self.key(key)}, body)

    async def ask_all(self, calls: Iterator[Call]) -> None:
        """Ask many things, some at a time."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(call: Call) -> None:
            async with room:
                await self.ask(*call)

        await asyncio.gather(*map(one, calls))

    @property
    def intake(self) -> str:
        """Return the intake's address."""
        return self.configuration.intake.public_url

    @property
    def streams(self) -> str:
        """Return the streams' address."""
        return self.configuration.streams.public_url


@asynccontextmanager
async def asking(
    directory: Path, configuration: Configuration, hearing: Hearing
) -> AsyncIterator[Asker]:
    """Give an asker with open connections."""
    async with aiohttp.ClientSession() as session:
        yield Asker(directory, configuration, hearing, session)


async def make_streams(asker: Asker) -> dict[str, str]:
    """Make a stream that gets all that happens from now on, for a body and for a consumer."""
    send = await asker.ask_json("POST", asker.streams + STREAMS, BODY_KEY, _SEND_STREAM)
    own = await asker.ask_json("POST", asker.streams + _V1, "consumer", _OWN_STREAM)
    return {BODY_KEY: send.members["streamId"], "consumer": own.members["id"]}


async def ask_rightly(asker: Asker, streams: Mapping[str, str]) -> None:
    """Read both streams, by pages and as they come, and what a consumer may see of a transaction.

    Then a notification, which is wished cancelled. The simulator asks the rest.
    """
    send, own = f"{asker.streams}{STREAMS}", f"{asker.streams}{_V1}/{streams['consumer']}"
    one = f"{send}/{streams[BODY_KEY]}"
    for url, key in ((send, BODY_KEY), (one, BODY_KEY), (f"{asker.streams}{_V1}", "consumer")):
        await asker.ask_json("GET", url, key)
    await asker.ask_json("GET", f"{one}/events", BODY_KEY)
    page = await asker.ask_json("GET", f"{own}/events", "consumer")
    last = page.members["events"][-1]
    await asker.ask_json("GET", f"{own}/events?after={last['id']}&limit=3&wait=1", "consumer")
    event = last["event"]
    place = f"{event['endpoint']}/{quote(event['transaction_id'], safe='')}"
    for more in ("", "/history"):
        await asker.ask_json("GET", f"{asker.streams}/v1/transactions/{place}{more}", "consumer")
    await _server_sent(asker, f"{own}/events")
    iun = next(asker.hearing.iuns(BODY_ID))
    await asker.ask_json("GET", f"{asker.intake}/delivery/v2.9/notifications/sent/{iun}", BODY_KEY)
    await asker.ask_json("PUT", f"{asker.intake}{_CANCEL}/{iun}", BODY_KEY)


async def ask_wrongly(asker: Asker, streams: Mapping[str, str]) -> None:
    """Say the word everywhere; keep every answer."""
    document = {
        "digests": {"sha256": "o4eUWehniskxkho2AI18IgCoFyPl14spduhemQX78qc="},
        "contentType": "application/pdf",
        "ref": {"key": "PN_NOTIFICATION_ATTACHMENTS-none.pdf", "versionToken": "none"},
    }
    await asker.ask_all(_requests(asker, lambda: a_request(document)))
    await asker.ask_all(_elsewhere(asker))
    await asker.ask_all(_of_streams(asker, streams))
    await _uploads(asker)
    for key, url, name in ((BODY_KEY, STREAMS, "streamId"), ("consumer", _V1, "id")):
        found = await asker.ask_json("GET", asker.streams + url, key)
        listed = found.members if key == BODY_KEY else found.members["streams"]
        for one in listed:
            if one[name] not in streams.values():
                await asker.ask_json("DELETE", f"{asker.streams}{url}/{one[name]}", key)


def spoken(value: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON holds any value
    """Yield `value` with the word in the place of each part of it, also as a member's name."""
    yield from (WORD, [WORD], {WORD: WORD}, WORD * 40)
    if isinstance(value, dict):
        yield {**value, WORD: WORD}
        for name, member in value.items():
            yield from ({**value, name: changed} for changed in spoken(member))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from ([*value[:at], changed, *value[at + 1 :]] for changed in spoken(item))


def _requests(asker: Asker, new: Callable[[], dict[str, Any]]) -> Iterator[Call]:
    headers = {**_JSON, **asker.key(BODY_KEY)}
    url = asker.intake + REQUESTS
    whole = new()
    whole["recipients"][0] |= {
        "digitalDomicile": {"type": "PEC", "address": "somebody@example.org"},
        "payments": [_payment(), {"f24": _f24(whole["documents"][0])}],
    }
    for changed in spoken(whole):
        body = changed
        if isinstance(body, dict) and body.get("paProtocolNumber") == whole["paProtocolNumber"]:
            # Of its own, so that what is well-formed is taken, and judged.
            body = {**body, "paProtocolNumber": new()["paProtocolNumber"]}
        yield "POST", url, headers, json.dumps(body).encode()
    for text in (f'{{"{WORD}": "', f'{{"{WORD}": 1, "{WORD}": 2}}', f'{{"a": {WORD}}}'):
        yield "POST", url, headers, text.encode()
    for name in ("content-type", "content-encoding", "traceparent", "x-api-key", "accept"):
        yield "POST", url, {**headers, name: WORD}, json.dumps(new()).encode()


def _elsewhere(asker: Asker) -> Iterator[Call]:
    """Yield the other operations of the intake."""
    headers, at = asker.key(BODY_KEY), asker.intake
    for name in ("notificationRequestId", "paProtocolNumber", "idempotenceToken", _PATH_WORD):
        yield "GET", f"{at}{REQUESTS}?{name}={_PATH_WORD}", headers, None
        yield "GET", f"{at}{REQUESTS}?{name}={_PATH_WORD}&{name}={_PATH_WORD}", headers, None
    for path in (
        f"/delivery/v2.9/notifications/sent/{_PATH_WORD}",
        f"{_SENT}/{_PATH_WORD}/attachments/documents/0",
        f"{_SENT}/{_PATH_WORD}/attachments/documents/{_PATH_WORD}",
        f"{_SENT}/{_PATH_WORD}/attachments/payment/{_PATH_WORD}/{_PATH_WORD}",
        f"{_SENT}/{_PATH_WORD}/attachments/payment/0/F24?attachmentIdx={_PATH_WORD}",
        f"/downloads/{_PATH_WORD}",
        f"/{_PATH_WORD}",
    ):
        yield "GET", at + path, headers, None
    yield "PUT", f"{at}{_CANCEL}/{_PATH_WORD}", headers, None
    yield "PUT", f"{at}/attachments/{_PATH_WORD}", {"x-amz-meta-secret": WORD}, WORD.encode()
    digest = "o4eUWehniskxkho2AI18IgCoFyPl14spduhemQX78qc="
    item = {"preloadIdx": "0", "contentType": "application/pdf", "sha256": digest}
    for changed in spoken([item]):
        url = f"{at}/delivery/attachments/preload"
        yield "POST", url, {**_JSON, **headers}, json.dumps(changed).encode()


def _of_streams(asker: Asker, streams: Mapping[str, str]) -> Iterator[Call]:
    """Yield the operations of the streams, of both APIs."""
    for key, root, members, names in (
        (BODY_KEY, STREAMS, _SEND_STREAM | {"filterValues": ["VIEWED"]}, ("lastEventId",)),
        ("consumer", _V1, _OWN_STREAM | {"statuses": []}, ("after", "limit", "wait")),
    ):
        headers, url = {**_JSON, **asker.key(key)}, asker.streams + root
        one = f"{url}/{streams[key]}"
        for changed in spoken(copy.deepcopy(members)):
            yield "POST", url, headers, json.dumps(changed).encode()
            yield "PUT", f"{url}/{_PATH_WORD}", headers, json.dumps(changed).encode()
        for method in ("GET", "PUT", "DELETE", WORD[:12].upper()):
            yield method, f"{url}/{_PATH_WORD}", headers, None
            yield method, f"{url}/{_PATH_WORD}/events", headers, None
        for name in (*names, _PATH_WORD):
            yield "GET", f"{one}/events?{name}={_PATH_WORD}", headers, None
        sse = {**headers, "accept": "text/event-stream", "last-event-id": WORD}
        if key == "consumer":
            yield "GET", f"{one}/events", sse, None
        yield "GET", url, {"x-api-key": WORD}, None
    headers = asker.key("consumer")
    for path in ("", "/history"):
        url = f"{asker.streams}/v1/transactions/{_PATH_WORD}/{_PATH_WORD}{path}"
        yield "GET", url, headers, None


async def _uploads(asker: Asker) -> None:
    """Upload a file whose bytes, type, digest or secret are the word."""
    content = pdf("A notice")
    item, headers = an_upload(content)
    url = f"{asker.intake}/delivery/attachments/preload"
    (slot,) = (await asker.ask_json("POST", url, BODY_KEY, [item])).members
    headers |= {"x-amz-meta-secret": slot["secret"]}
    for name in ("content-type", "x-amz-checksum-sha256", "x-amz-meta-secret", "x-amz-meta-name"):
        await asker.ask("PUT", slot["url"], {**headers, name: WORD}, content)
    await asker.ask("PUT", slot["url"], headers, WORD.encode())


async def _server_sent(asker: Asker, url: str) -> None:
    """Read the first events as they come, and leave."""
    headers = {**asker.key("consumer"), "accept": "text/event-stream"}
    async with asker.session.get(url, headers=headers) as response:
        body = await response.content.readuntil(b"\n\n")
        answer = Answer(response.status, body, dict(response.headers))
    asker.hearing.hear("GET", url, headers, answer)


def _payment() -> dict[str, Any]:
    pago_pa = {"noticeCode": "3" * 18, "creditorTaxId": "77777777777", "applyCost": False}
    return {"pagoPa": pago_pa}


def _f24(document: Mapping[str, Any]) -> dict[str, Any]:
    ref = {"key": "PN_F24_META-none.json", "versionToken": "none"}
    metadata = {**document, "contentType": "application/json", "ref": ref}
    return {"title": "F24", "applyCost": False, "metadataAttachment": metadata}
