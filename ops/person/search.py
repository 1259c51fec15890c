"""Find what is kept about one person: bodies in raw topics and dead letters, requests of SEND.

1. Every body that is still kept is read, as it came and with what is encoded in it: characters
   escaped in JSON or XML, and whatever is in base64, such as tokens and disclosures, in one piece
   or broken into lines. Unicode's forms of one character are one (NFKC), white space is a space.
2. What is found has a day on which it is gone, if the topics are as configured.
3. Of a callback, the transactions that it moved are those whose events name it as evidence.

Nothing is shown of what was looked for or found: places, ids and days alone.
"""

import html
import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from unicodedata import normalize

from pydantic import ValidationError

from contracts import raw
from contracts.errors import Broken
from contracts.status import StatusEvent
from contracts.topics import Role, Topics
from ops.cluster import Cluster
from ops.replay.letter_box import Letter
from ops.terminal import text_of
from ops.topic_reader import OnProgress, Place, StoredRecord, all_partitions, read_to_end
from ops.topics import SEGMENT_DAYS
from runtime.configuration import Configuration
from runtime.database import Connection, translated_errors

# Shorter words are in bodies of everybody.
WORD_CHARACTERS_MIN: Final = 4
_DEPTH_MAX: Final = 5  # a disclosure in a token in a member of a token
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")
# PEM, MIME and XML break base64 into lines.
_BROKEN: Final = re.compile(r"(?<=[A-Za-z0-9+/_-]{20})\s+(?=[A-Za-z0-9+/_-])")
_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrt/]))")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
_PAGE_ROWS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One place that holds something; `transactions` are those that are known to come of it."""

    kind: str
    place: str
    endpoint: str
    since: datetime
    gone_by: datetime
    transactions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return it for a line of JSON."""
        return {
            "kind": self.kind,
            "place": self.place,
            "endpoint": self.endpoint,
            "since": self.since.isoformat(timespec="seconds"),
            "gone_by": self.gone_by.date().isoformat(),
            "transactions": list(self.transactions),
        }


class Words:
    """What is looked for: any one of these is enough."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Take one word, number or name from each line.

        Raises:
            Broken: there is none, or one is too short to tell anybody from anybody.
        """
        self._words = tuple({_folded(line.strip()) for line in lines if line.strip()})
        if not self._words:
            raise Broken(
                "nothing to look for: write names or numbers to standard input, one a line"
            )
        if min(map(len, self._words)) < WORD_CHARACTERS_MIN:
            raise Broken(f"a line has fewer than {WORD_CHARACTERS_MIN} characters: everybody's")

    def are_in(self, body: bytes) -> bool:
        """Tell whether a body holds one of them, in whatever it is encoded."""
        return any(word in text for text in _readings(body) for word in self._words)


def _readings(body: bytes, depth: int = 0) -> Iterator[str]:
    """Yield a body as text, and each text that is encoded in it."""
    text = body.decode("utf-8", "replace")
    plain = html.unescape(_ESCAPED.sub(_unescaped, text))
    # Pairs of surrogates, as JSON escapes what is beyond 16 bits, become one character.
    yield _folded(plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    if depth < _DEPTH_MAX:
        for run in _runs(plain):
            yield from _readings(_decoded(run), depth + 1)


def _unescaped(found: re.Match[str]) -> str:
    """Return what an escape of JSON stands for."""
    return chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2], found[2])


def _folded(text: str) -> str:
    """Return it without the differences of case, of Unicode's forms and of white space."""
    folded = normalize("NFKC", normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def _runs(text: str) -> Iterator[str]:
    """Yield whatever may be base64."""
    for run in {*_ENCODED.findall(text), *_ENCODED.findall(_BROKEN.sub("", text))}:
        # A path before it is letters and slashes too: four letters of it begin anywhere.
        for first in range(4 if "/" in run else 1):
            yield run[first:]


def _decoded(run: str) -> bytes:
    """Return what a run of letters encodes: most runs are words, and encode nothing of note."""
    standard = run.translate(str.maketrans("-_", "+/"))
    whole = len(standard) - (len(standard) % 4 == 1)
    return b64decode(standard[:whole] + "=" * (-whole % 4))


async def search_topics(
    configuration: Configuration,
    cluster: Cluster,
    words: Words,
    providers: tuple[str, ...],
    on_progress: OnProgress,
) -> list[Found]:
    """Return the records of raw topics and dead letters that hold one of `words`."""
    every = {one: Topics.of(one, prefix=configuration.topic_prefix) for one in providers}
    kinds = {topics.raw: Role.RAW for topics in every.values()}
    kinds |= {topics.rejected: Role.REJECTED for topics in every.values()}
    found: dict[Place, Found] = {}
    async for record in _records(cluster, kinds, on_progress):
        headers = b"\n".join(value for _, value in record.headers)
        if words.are_in((record.value or b"") + b"\n" + headers):
            found[record.place] = _found(configuration, record, kinds[record.topic])
    status = [topics.status for topics in every.values()]
    moved = await _moved(cluster, status, found, on_progress) if found else {}
    return [
        replace(one, transactions=one.transactions or tuple(sorted(moved.get(place, ()))))
        for place, one in found.items()
    ]


async def search_requests(
    connection: Connection, words: Words, kept: Mapping[str, timedelta]
) -> AsyncGenerator[Found]:
    """Yield the requests of SEND that hold one of `words`; `kept` says how long, by endpoint.

    Raises:
        Unavailable, Broken: the database does not answer, or has no tables of the intake.
    """
    last = ("", "", "")
    while True:
        with translated_errors():
            rows = await connection.fetch(
                """SELECT endpoint, body, id, received_at, content FROM intake.requests
                WHERE content IS NOT NULL AND endpoint = ANY($1)
                AND (endpoint, body, id) > ($2, $3, $4) ORDER BY endpoint, body, id LIMIT $5""",
                list(kept),
                *last,
                _PAGE_ROWS,
            )
        for row in rows:
            if words.are_in(row["content"]):
                yield Found(
                    kind="request",
                    place=f"intake.requests of {row['body']}",
                    endpoint=row["endpoint"],
                    since=row["received_at"],
                    gone_by=row["received_at"] + kept[row["endpoint"]],
                    transactions=(row["id"],),
                )
        if len(rows) < _PAGE_ROWS:
            return
        last = (rows[-1]["endpoint"], rows[-1]["body"], rows[-1]["id"])


async def _records(
    cluster: Cluster, topics: Iterable[str], on_progress: OnProgress
) -> AsyncGenerator[StoredRecord]:
    partitions = all_partitions(await cluster.partitions(*topics))
    async for record in read_to_end(cluster.clients, partitions, on_progress=on_progress):
        yield record


def _found(configuration: Configuration, record: StoredRecord, role: Role) -> Found:
    topics = configuration.topics
    days = topics.raw_retention_days if role is Role.RAW else topics.rejected_retention_days
    since = datetime.fromtimestamp(record.written_at / 1000, UTC)
    known = text_of(record.header(raw.TRANSACTION_ID)) or _keyed(record)
    return Found(
        kind=role.value,
        place=record.id,
        endpoint=Letter(record).endpoint,
        since=since,
        gone_by=since + timedelta(days=days + SEGMENT_DAYS),
        transactions=(known,) if known else (),
    )


def _keyed(record: StoredRecord) -> str:
    """Return the transaction in a record's key: a dead letter of the verified topic has one."""
    return text_of(record.key).partition(":")[2]


async def _moved(
    cluster: Cluster, status: list[str], found: Mapping[Place, Found], on_progress: OnProgress
) -> dict[Place, set[str]]:
    """Return which transactions have events that name these records as their evidence."""
    moved: dict[Place, set[str]] = defaultdict(set)
    async for record in _records(cluster, status, on_progress):
        try:
            event = StatusEvent.model_validate_json(record.value or b"")
        except ValidationError:
            continue
        origin = event.evidence.raw
        place = (origin.topic, origin.partition, origin.offset)
        if place in found:
            moved[place].add(event.transaction_id)
    return moved
