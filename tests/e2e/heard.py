"""Keep what intake, streams and ingress answered, and say of each answer to whom and to what.

An answer may give a public body back what it said itself, and nobody else: those operations are
listed with their reason. All other answers say nothing of what was said.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from runtime.configuration import Configuration
from simulator.send.http import Answer

NOBODY: Final = "nobody"
_OK_MAX: Final = 299

# What an answer gives back to the body whose it is, and why. Server, method, path.
GIVEN_BACK: Final[Mapping[tuple[str, str, str], str]] = {
    ("intake", "POST", r"/delivery/v2\.6/requests"): (
        "SEND's answer names a request by its protocol number and token"
    ),
    ("intake", "GET", r"/delivery/v2\.6/requests"): "SEND's answer repeats the request",
    ("intake", "GET", r"/delivery/v2\.9/notifications/sent/[^/]+"): (
        "SEND's answer repeats the request"
    ),
    ("intake", "GET", r"/delivery/notifications/sent/[^/]+/attachments/.+"): (
        "SEND's answer has the digest of the document, to compare"
    ),
    ("intake", "GET", r"/downloads/.+"): "the document itself, behind a link that ends",
    ("intake", "POST", r"/delivery/attachments/preload"): (
        "slots: what uploads a file, which the digest in it names"
    ),
    ("streams", "(POST|PUT|GET)", r"/delivery-progresses/v2\.8/streams(/[^/]+)?"): (
        "a stream's title and groups are its reader's own words"
    ),
    ("streams", "(POST|PUT|GET)", r"/v1/streams(/[^/]+)?"): (
        "a stream's title is its reader's own word"
    ),
}
# Header fields with something of a body: the version of its upload, and the digest, to compare.
_OF_UPLOADS: Final = frozenset({"x-amz-version-id", "x-amz-checksum-sha256"})


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer: of which server, to whom (a body, a consumer, or nobody we know), to what."""

    server: str
    who: str
    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def gives_back(self) -> bool:
        """Tell whether the answer may repeat what the caller said itself."""
        return self.status <= _OK_MAX and any(
            (server, bool(re.fullmatch(method, self.method))) == (self.server, True)
            and re.fullmatch(path, self.path) is not None
            for server, method, path in GIVEN_BACK
        )

    @property
    def head(self) -> bytes:
        """Return status and header fields, but for what an upload's own body is told of it."""
        own = _OF_UPLOADS if (self.method, self.status) == ("PUT", 200) else frozenset()
        fields = [
            f"{name}: {text}" for name, text in self.headers.items() if name.lower() not in own
        ]
        return "\n".join([str(self.status), *fields]).encode("utf-8", "surrogateescape")


@dataclass(slots=True)
class Hearing:
    """All that was heard; `hear` is told every answer."""

    servers: Mapping[int, str]
    callers: Mapping[str, str]
    answers: list[Heard] = field(default_factory=list)

    @staticmethod
    def of(configuration: Configuration) -> "Hearing":
        """Know the servers by their ports, and the callers by their keys."""
        servers = {
            configuration.ingress.port: "ingress",
            configuration.intake.port: "intake",
            configuration.streams.port: "streams",
        }
        callers = {
            key.file.read_text().strip(): body.id
            for endpoint in configuration.endpoints
            if endpoint.notifications is not None
            for body in endpoint.notifications.bodies
            for key in body.keys
        }
        callers |= {
            key.file.read_text().strip(): consumer.id
            for consumer in configuration.streams.consumers
            for key in consumer.keys
        }
        return Hearing(servers, callers)

    def hear(self, method: str, url: str, headers: Mapping[str, str], answer: Answer) -> None:
        """Keep one answer."""
        parts = urlsplit(url)
        assert answer.status is not None
        fields = {name.lower(): text for name, text in headers.items()}
        who = self.callers.get(fields.get("x-api-key", ""), NOBODY)
        server = self.servers.get(parts.port or 0, "elsewhere")
        self.answers.append(
            Heard(server, who, method, parts.path, answer.status, answer.headers, answer.body)
        )

    def places(self) -> Iterator[tuple[str, bytes]]:
        """Yield what must hold nothing of anybody's, each line once."""
        for server in sorted(set(self.servers.values())):
            mine = [one for one in self.answers if one.server == server]
            yield f"answers' heads, {server}", _lines(one.head for one in mine)
            said = [one for one in mine if not one.gives_back]
            problems = [one.body for one in said if one.status > _OK_MAX]
            yield f"problems, {server}", _lines(problems)
            if server != "ingress":
                others = [one.body for one in said if one.status <= _OK_MAX]
                yield f"answers' bodies, {server}", _lines(others)

    def given_back(self) -> dict[str, bytes]:
        """Return what was given back, by to whom."""
        mine = [one for one in self.answers if one.gives_back]
        return {
            who: _lines(one.body for one in mine if one.who == who)
            for who in sorted({one.who for one in mine})
        }

    def iuns(self, body: str) -> Iterator[str]:
        """Yield the IUNs that a body was told."""
        for one in self.answers:
            if (one.who, one.method, one.status) == (body, "GET", 200) and b'"iun"' in one.body:
                members = json.loads(one.body)
                if isinstance(members, dict) and "iun" in members:
                    yield members["iun"]

    def unasked(self) -> list[tuple[str, str, str]]:
        """Return the operations of GIVEN_BACK that nobody has called with success."""
        return [
            key
            for key in GIVEN_BACK
            if not any(
                one.server == key[0]
                and re.fullmatch(key[1], one.method)
                and re.fullmatch(key[2], one.path)
                and one.status <= _OK_MAX
                for one in self.answers
            )
        ]


def _lines(texts: Iterator[bytes] | list[bytes]) -> bytes:
    return b"\n".join(sorted({line for text in texts for line in text.split(b"\n")}))
