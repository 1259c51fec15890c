"""Do the acts of one story of SEND over HTTP, and say what was answered otherwise than planned."""

import asyncio
import base64
import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, assert_never
from urllib.parse import quote

from contracts.instants import instant
from contracts.send.iun import iun_of
from simulator.send.acts import (
    Act,
    Ask,
    Cancel,
    Element,
    Learn,
    Load,
    Preload,
    SendStory,
    Stored,
    Tell,
    Upload,
)
from simulator.send.http import Answer, SendHttp
from simulator.send.slots import aged_version, expired_slot

LEARN_SECONDS_MAX: Final = 120.0
_LOOK_SECONDS: Final = 0.1
_REQUESTS: Final = "/delivery/v2.6/requests"
_JSON: Final = {"content-type": "application/json"}
# Well-formed, and of no notification: nobody has this key.
_OTHER_IUN: Final = iun_of((0, 1), "2026-01-01T00:00:00.000000Z", key=b"of nobody" * 4)


@dataclass(slots=True)
class Given:
    """What the intake gave in one story: slots and versions by file, the request's id, the IUN."""

    slots: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    request_id: str = ""
    iun: str = ""


def planned_counts(act: Act) -> Counter[str]:
    """Return what an act adds to the closing table when all goes as planned."""
    match act:
        case Ask(answer=202):
            return Counter({"requests taken": 1})
        case Learn(answer=200):
            return _told_counts(act.status, act.codes)
        case Tell(answer=200):
            return Counter({"elements told": len(act.elements)})
        case _:
            return Counter()


def _told_counts(status: str | None, codes: Sequence[str]) -> Counter[str]:
    if status == "ACCEPTED":
        return Counter({"requests accepted": 1})
    return Counter(f"requests refused {code}" for code in codes)


class SendPlay:
    """One story as it is played; `differences` are sentences, none when all is as planned."""

    def __init__(
        self, story: SendStory, http: SendHttp, seen: Counter[str], *, begin: datetime
    ) -> None:
        """Begin with nothing; elements happen so many seconds after `begin`.

        `seen` counts what `planned_counts` plans.
        """
        self._story = story
        self._http = http
        self._begin = begin
        self._seen = seen
        self.given = Given()
        self.differences: list[str] = []

    async def act(self, act: Act) -> None:
        """Do one act, and look at the answer."""
        match act:
            case Preload():
                await self._preload(act)
            case Upload():
                await self._upload(act)
            case Ask():
                await self._ask(act)
            case Learn():
                await self._learn(act)
            case Load():
                await self._load(act)
            case Cancel():
                await self._cancel(act)
            case Tell():
                await self._tell(act)
            case _:
                raise TypeError(f"no such act: {type(act).__name__}")

    async def _preload(self, act: Preload) -> None:
        items = [
            {"preloadIdx": one.name, "contentType": one.media_type, "sha256": one.sha256}
            for one in act.files
        ]
        answer = await self._http.call(
            "POST",
            f"{self._http.intake}/delivery/attachments/preload",
            {**_JSON, **self._http.key_of(act.body, act.presents)},
            json.dumps(items).encode(),
        )
        self._expect(act, answer)
        if answer.status == 200:  # noqa: PLR2004 - RFC 9110 §15.3.1
            self.given.slots.update({one["preloadIdx"]: one for one in answer.members})

    async def _upload(self, act: Upload) -> None:
        file, slot = act.file, self.given.slots.get(act.file.name)
        if slot is None:
            self._differs(act, "no slot")
            return
        if act.flaw == "never":
            self.given.versions[file.name] = "never-uploaded"
            return
        if act.flaw == "expired_slot":
            slot = expired_slot(slot, self._http)
        media_type = "text/plain" if act.flaw == "wrong_type" else file.media_type
        secret = "[wrong]" if act.flaw == "wrong_secret" else slot["secret"]
        content = file.content + b"\n" if act.flaw == "other_content" else file.content
        headers = {
            "content-type": media_type,
            "x-amz-meta-secret": secret,
            "x-amz-checksum-sha256": file.sha256,
        }
        answer = await self._http.call(slot["httpMethod"], slot["url"], headers, content)
        self._expect(act, answer)
        version = answer.header("x-amz-version-id")
        if act.flaw == "long_ago":
            version = aged_version(slot, len(content), self._http)
        if version:
            self.given.versions[file.name] = version

    async def _ask(self, act: Ask) -> None:
        body = json.dumps(self._filled(act.members)).encode()
        headers = {**_JSON, **self._http.key_of(act.body, act.presents)}
        url = self._http.intake + _REQUESTS
        answer = await self._http.call("POST", url, headers, body)
        self._expect(act, answer)
        if answer.status == 202:  # noqa: PLR2004 - RFC 9110 §15.3.3
            self._seen["requests taken"] += 1
            self.given.request_id = answer.members["notificationRequestId"]
            self._http.sent.acknowledged[hashlib.sha256(body).hexdigest()] += 1
        elif act.codes:
            codes = {one["code"] for one in answer.members.get("errors", ())}
            if codes != act.codes:
                self._differs(act, f"problems {sorted(codes)}, planned {sorted(act.codes)}")

    async def _learn(self, act: Learn) -> None:
        """Ask again and again, as its `retryAfter` says, only sooner."""
        identifier = quote(self.given.request_id, safe="")
        url = f"{self._http.intake}{_REQUESTS}?notificationRequestId={identifier}"
        headers = self._http.key_of(act.body)
        deadline = time.monotonic() + LEARN_SECONDS_MAX
        while True:
            answer = await self._http.ask(url, headers)
            told = answer.members.get("notificationRequestStatus")
            if told != "WAITING" or time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        answer = await self._http.call("GET", url, headers)
        self._expect(act, answer)
        if not act.status:
            return
        members = answer.members
        codes = tuple(one["code"] for one in members.get("errors") or ())
        self._seen.update(_told_counts(members.get("notificationRequestStatus"), codes))
        if (members.get("notificationRequestStatus"), codes) != (act.status, act.codes):
            self._differs(act, f"{members.get('notificationRequestStatus')} {' '.join(codes)}")
        self.given.iun = members.get("iun") or ""

    async def _load(self, act: Load) -> None:
        base = f"{self._http.intake}/delivery/notifications/sent/{self.given.iun}"
        headers = self._http.key_of(act.body)
        answer = await self._http.call("GET", f"{base}/attachments/documents/0", headers)
        self._expect(act, answer)
        if answer.status != 200:  # noqa: PLR2004 - RFC 9110 §15.3.1
            return
        loaded = (await self._http.ask(answer.members["url"], {})).body
        digest = base64.b64encode(hashlib.sha256(loaded).digest()).decode()
        if not digest == answer.members["sha256"] == act.file.sha256:
            self._differs(act, "the document is not the one that was uploaded")

    async def _cancel(self, act: Cancel) -> None:
        url = f"{self._http.intake}/delivery-push/v2.0/notifications/cancel/{self.given.iun}"
        self._expect(act, await self._http.call("PUT", url, self._http.key_of(act.body)))

    async def _tell(self, act: Tell) -> None:
        told = [self._element(one) for one in act.elements]
        body = json.dumps({"elements": told} if len(told) > 1 else told[0]).encode()
        headers = self._http.delivery.headers(body, act.presents, now=datetime.now(UTC))
        url = self._http.ingress + self._http.endpoint.path
        answer = await self._http.call("POST", url, headers, body)
        self._expect(act, answer)
        if answer.status == 200:  # noqa: PLR2004 - RFC 9110 §15.3.1
            self._seen["elements told"] += len(told)
            self._http.sent.acknowledged[hashlib.sha256(body).hexdigest()] += 1

    def _element(self, element: Element) -> dict[str, Any]:
        members: dict[str, Any] = {
            "elementId": f"{element.category}.IUN_{self.given.iun}.SECOND_{element.second}",
            "timestamp": instant(self._begin + timedelta(seconds=element.second)),
            "category": element.category,
        }
        if element.recipient is not None:
            members["details"] = {"recIndex": element.recipient}
        told: dict[str, Any] = {
            "notificationRequestId": self.given.request_id,
            "element": members,
        }
        match element.iun:
            case "own":
                told["iun"] = self.given.iun
            case "other":
                told["iun"] = _OTHER_IUN
            case "none":
                pass
            case unreachable:
                assert_never(unreachable)
        return told

    def _filled(self, value: Any) -> Any:  # noqa: ANN401 - JSON holds any value
        """Return `value` with what the intake gave in the place of every `Stored`."""
        match value:
            case Stored(name):
                slot = self.given.slots.get(name, {"key": "no-slot"})
                version = self.given.versions.get(name, "no-version")
                return {"key": slot["key"], "versionToken": version}
            case dict():
                return {name: self._filled(member) for name, member in value.items()}
            case list():
                return [self._filled(item) for item in value]
            case _:
                return value

    def _expect(self, act: Act, answer: Answer) -> None:
        if answer.status != act.answer:
            said = answer.body[:300].decode(errors="replace")
            self._differs(act, f"answered {answer.status}, planned {act.answer}: {said}")

    def _differs(self, act: Act, what: str) -> None:
        about = f" ({self._story.fault.value})" if self._story.fault else ""
        self.differences.append(f"{self._story.name}{about}: {type(act).__name__}: {what}")
