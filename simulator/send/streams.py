"""Follow notifications through a stream of SEND, as a public body does: pages, acknowledged.

One stream for each body is made before the first request, since it gets what comes after it; it is
read to its end when all has come out, and deleted.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any, Final

from contracts.errors import Broken
from simulator.plan import Row
from simulator.send.http import SendHttp

READ_SECONDS_MAX: Final = 120.0
_LOOK_SECONDS: Final = 0.1
_STREAMS: Final = "/delivery-progresses/v2.8/streams"


@dataclass(slots=True)
class Read:
    """What was read of one stream."""

    pages: int = 0
    acknowledged: int = 0
    left: int = 0
    elements: list[dict[str, Any]] = field(default_factory=list)

    def about(self, request_ids: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        """Return the elements of each of our own notifications, by its name."""
        found = defaultdict(list)
        for one in self.elements:
            name = request_ids.get(one["notificationRequestId"])
            if name is not None:
                found[name].append(one)
        return found


class SendStreams:
    """The streams of all bodies, each of `eventType` TIMELINE."""

    def __init__(self, http: SendHttp) -> None:
        """Make none yet."""
        self._http = http
        self._ids: dict[str, str] = {}
        self.read: dict[str, Read] = {}

    async def create(self) -> None:
        """Make a stream for each body.

        Raises:
            Broken: the streams do not answer, or do not give one.
        """
        for body in self._http.section.bodies:
            wanted = {"title": "simulator", "eventType": "TIMELINE", "groups": []}
            answer = await self._http.ask(
                self._http.streams + _STREAMS,
                {"content-type": "application/json", **self._http.key_of(body.id)},
                method="POST",
                body=json.dumps({**wanted, "filterValues": []}).encode(),
            )
            if answer.status is None:
                raise Broken(f"{self._http.streams} does not answer; see streams.public_url")
            if answer.status != 200:  # noqa: PLR2004 - RFC 9110 §15.3.1
                raise Broken(f"the streams answered {answer.status} to who wants to make one")
            self._ids[body.id] = answer.members["streamId"]
            self.read[body.id] = Read()

    async def read_all(self, expected: Mapping[str, int], request_ids: Mapping[str, str]) -> None:
        """Read each stream to its end, and wait until it has what is expected of its body."""
        await asyncio.gather(
            *(self._read(body, expected.get(body, 0), request_ids) for body in self._ids)
        )

    async def delete(self) -> None:
        """Delete all of them: a body may have ten."""
        for body, stream in self._ids.items():
            url = f"{self._http.streams}{_STREAMS}/{stream}"
            await self._http.ask(url, self._http.key_of(body), method="DELETE")

    async def _read(self, body: str, expected: int, request_ids: Mapping[str, str]) -> None:
        url = f"{self._http.streams}{_STREAMS}/{self._ids[body]}/events"
        read, after = self.read[body], ""
        deadline = time.monotonic() + READ_SECONDS_MAX
        while True:
            answer = await self._http.ask(url + after, self._http.key_of(body))
            page = answer.members if answer.status == 200 else []  # noqa: PLR2004 - as above
            if after and answer.status == 200:  # noqa: PLR2004 - as above
                read.acknowledged, after = read.pages, ""
            if page:
                read.pages += 1
                read.elements += page
                after = f"?lastEventId={page[-1]['eventId']}"
                continue
            enough = sum(map(len, read.about(request_ids).values())) >= expected
            if enough or time.monotonic() > deadline:
                left = await self._http.ask(url, self._http.key_of(body))
                read.left = sum(one["notificationRequestId"] in request_ids for one in left.members)
                return
            await asyncio.sleep(_LOOK_SECONDS)


@dataclass(slots=True)
class Followed:
    """How what was read differs from the status events there must be."""

    rows: list[Row] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0
    gaps: int = 0


def follow(
    read: Mapping[str, Read],
    statuses: Mapping[str, Sequence[str]],
    request_ids: Mapping[str, str],
) -> Followed:
    """Return how the elements that were read differ from `statuses`, by the story's name."""
    found = Followed()
    mine: dict[str, list[dict[str, Any]]] = {}
    for body, one in read.items():
        ids = [element["eventId"] for element in one.elements]
        found.doubled += len(ids) - len(set(ids))
        found.gaps += sum(int(later) - int(former) != 1 for former, later in pairwise(ids))
        found.rows.append(Row(f"stream pages of {body} acknowledged", one.pages, one.acknowledged))
        found.rows.append(Row(f"stream elements of {body} given again", 0, one.left))
        mine.update(one.about(request_ids))
    planned = sum(map(len, statuses.values()))
    seen = sum(map(len, mine.values()))
    found.rows.append(Row("stream elements", planned, seen))
    for name in sorted({*statuses, *mine}):
        elements, wanted = mine.get(name, []), statuses.get(name, ())
        changes = [one["newStatus"] for one in elements if "newStatus" in one]
        if len(elements) != len(wanted) or changes != [status for status, _ in groupby(wanted)]:
            found.differences.append(f"stream of {name}: {len(elements)} elements, {changes}")
        found.lost += max(len(wanted) - len(elements), 0)
        found.doubled += max(len(elements) - len(wanted), 0)
    return found
