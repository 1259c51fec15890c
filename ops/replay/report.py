"""Send replays with progress, follow what becomes of them, and report it: by code, and in all.

The report's file is there before anything is sent, and has each line as soon as it is known: what
ends the sending ends no record of what was done.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from contracts.errors import Broken
from contracts.topics import Topics
from ops.cluster import Cluster, connected
from ops.replay.outcomes import Outcome, read_outcomes
from ops.replay.replays import Replay, Sent, send
from ops.topic_reader import OnProgress, Place, ignore_progress
from runtime.configuration import Configuration

_POLL_SECONDS: Final = 0.5
UNDECIDED: Final = "not decided yet"
# The verifier decides raw records; what the state machine makes of verified ones has no verdict.
UNFOLLOWED: Final = "not followed"

Write = Callable[[Mapping[str, Any]], None]


@contextmanager
def report_file(file: Path | None) -> Iterator[Write]:
    """Make `file`, and give what writes one JSON line to it at once; nothing where there is none.

    Raises:
        Broken: the file exists, or cannot be created or written.
    """
    if file is None:
        yield lambda _: None
        return
    try:
        opened = file.open("xb", buffering=0)
    except FileExistsError:
        raise Broken(f"{file}: exists; name a new file for the report") from None
    except OSError as error:
        raise Broken(f"{file}: cannot be created ({error.strerror})") from None

    def write(row: Mapping[str, Any]) -> None:
        line = json.dumps(row).encode() + b"\n"
        try:
            is_whole = opened.write(line) == len(line)
        except OSError as error:
            raise Broken(f"{file}: cannot be written ({error.strerror})") from None
        if not is_whole:
            raise Broken(f"{file}: cannot be written (no space left)")

    with opened:
        yield write


@dataclass(slots=True)
class Report:
    """What was sent, in the order sent, and what became of it, as far as it was waited for."""

    planned: int
    write: Write
    sent: list[Sent] = field(default_factory=list)
    gone: int = 0
    seconds: float = 0.0
    outcomes: dict[Place, Outcome] = field(default_factory=dict)
    followed: frozenset[str] | None = None  # the topics whose records were waited for

    def add(self, one: Sent) -> None:
        """Take down that one was sent."""
        self.sent.append(one)
        self.write(_row(one))

    def settle(self, one: Sent, outcome: Outcome) -> None:
        """Take down what became of one that was sent: a second line, with all of the first."""
        self.outcomes[one.place] = outcome
        self.write({**_row(one), "became": outcome.line()})

    def lines(self) -> list[str]:
        """Return the report for people."""
        rate = f", {len(self.sent) / self.seconds:.1f} a second" if self.seconds >= 1 else ""
        lines = [f"{len(self.sent)} of {self.planned} sent again in {self.seconds:.1f} s{rate}"]
        if self.gone:
            lines.append(f"  {self.gone} no longer kept")
        by_code = Counter(one.replay.code for one in self.sent if one.replay.code)
        lines += [f"  {count} were {code}" for code, count in by_code.most_common()]
        if self.followed is not None:
            ends = Counter(self._end(one.place, self.followed) for one in self.sent)
            lines += [f"  {count} {end}" for end, count in ends.most_common()]
        return lines

    def _end(self, place: Place, followed: frozenset[str]) -> str:
        outcome = self.outcomes.get(place)
        if outcome is None:
            return UNDECIDED if place[0] in followed else UNFOLLOWED
        return f"rejected again: {outcome.code}" if outcome.code else "verified"


async def replay_all(
    configuration: Configuration,
    planned: Sequence[Replay],
    report: Report,
    *,
    rate: float,
    wait_seconds: float,
    on_sent: Callable[[Sent], None],
    on_progress: OnProgress = ignore_progress,
) -> None:
    """Send `planned` and fill `report`, also as far as it came when it is interrupted.

    What becomes of raw records is awaited for `wait_seconds`; 0: not at all.
    """
    began, at = time.monotonic(), int(time.time() * 1000)
    async with connected(configuration) as cluster:
        try:
            async for one in send(cluster, configuration, planned, rate=rate):
                report.add(one)
                on_sent(one)
                on_progress(len(report.sent), len(planned))
            report.gone = len(planned) - len(report.sent)
        finally:
            report.seconds = time.monotonic() - began
        if wait_seconds > 0:
            await _follow(cluster, configuration, report, at, time.monotonic() + wait_seconds)


async def _follow(
    cluster: Cluster, configuration: Configuration, report: Report, at: int, deadline: float
) -> None:
    every = {endpoint.provider for endpoint in configuration.endpoints}
    prefix = configuration.topic_prefix
    raw_topics = {one.raw: one for one in (Topics.of(name, prefix=prefix) for name in every)}
    report.followed = frozenset(raw_topics)
    left = [one for one in report.sent if one.place[0] in raw_topics]
    while left:
        for name in {one.place[0] for one in left}:
            subjects = {one.subject for one in left}
            found = await read_outcomes(
                cluster,
                raw_topics[name],
                subjects,
                since_milliseconds=at,
                on_progress=ignore_progress,
            )
            for one in left:
                outcome = found.at(one.place, one.subject)
                if outcome is not None:
                    report.settle(one, outcome)
        left = [one for one in left if one.place not in report.outcomes]
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(_POLL_SECONDS)


def _row(one: Sent) -> dict[str, Any]:
    return {"source": one.replay.source, "was": one.replay.code or None, "record": one.id}
