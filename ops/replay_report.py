"""Send replays with progress, follow what becomes of them, and report it: by code, and in all."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from contracts.errors import Broken
from contracts.topics import Topics
from ops.cluster import Cluster, connected
from ops.outcomes import Outcome, read_outcomes, subject_of
from ops.replays import Replay, send
from ops.topic_reader import OnProgress, Place, ignore_progress
from runtime.configuration import Configuration

_POLL_SECONDS: Final = 0.5
UNDECIDED: Final = "not decided yet"


@dataclass(slots=True)
class Report:
    """What was sent, in the order sent, and what became of it, as far as it was waited for."""

    planned: int
    sent: list[tuple[Replay, Place]] = field(default_factory=list)
    seconds: float = 0.0
    outcomes: dict[Place, Outcome] = field(default_factory=dict)
    followed: bool = False

    def lines(self) -> list[str]:
        """Return the report for people."""
        rate = f", {len(self.sent) / self.seconds:.1f} a second" if self.seconds >= 1 else ""
        lines = [f"{len(self.sent)} of {self.planned} sent again in {self.seconds:.1f} s{rate}"]
        by_code = Counter(replay.code for replay, _ in self.sent if replay.code)
        lines += [f"  {count} were {code}" for code, count in by_code.most_common()]
        if self.followed:
            ends = Counter(self._end(place) for _, place in self.sent)
            lines += [f"  {count} {end}" for end, count in ends.most_common()]
        return lines

    def rows(self) -> list[dict[str, Any]]:
        """Return one JSON object for each record sent."""
        return [
            {
                "source": replay.source,
                "was": replay.code or None,
                "record": _id(place),
                "became": self.outcomes[place].line() if place in self.outcomes else None,
            }
            for replay, place in self.sent
        ]

    def _end(self, place: Place) -> str:
        outcome = self.outcomes.get(place)
        if outcome is None:
            return UNDECIDED
        return f"rejected again: {outcome.code}" if outcome.code else "verified"


async def replay_all(
    configuration: Configuration,
    planned: Sequence[Replay],
    report: Report,
    *,
    rate: float,
    wait_seconds: float,
    on_sent: Callable[[Replay, str], None],
    on_progress: OnProgress = ignore_progress,
) -> None:
    """Send `planned` and fill `report`, also as far as it came when it is interrupted.

    What becomes of raw records is awaited for `wait_seconds`; 0: not at all.
    """
    began, at = time.monotonic(), int(time.time() * 1000)
    async with connected(configuration) as cluster:
        try:
            async for replay, place in send(cluster, configuration, planned, rate=rate):
                report.sent.append((replay, place))
                on_sent(replay, _id(place))
                on_progress(len(report.sent), len(planned))
        finally:
            report.seconds = time.monotonic() - began
        if wait_seconds > 0:
            report.followed = True
            await _follow(cluster, configuration, report, at, time.monotonic() + wait_seconds)


def write_report(report: Report, file: Path) -> None:
    """Write what was sent as JSON lines to a new file.

    Raises:
        Broken: the file exists, or cannot be written.
    """
    try:
        with file.open("x") as opened:
            opened.writelines(json.dumps(row) + "\n" for row in report.rows())
    except OSError as error:
        raise Broken(f"{file}: cannot be created ({error.strerror})") from None


async def _follow(
    cluster: Cluster, configuration: Configuration, report: Report, at: int, deadline: float
) -> None:
    every = {endpoint.provider for endpoint in configuration.endpoints}
    prefix = configuration.topic_prefix
    raw_topics = {one.raw: one for one in (Topics.of(name, prefix=prefix) for name in every)}
    left = {place: subject_of(one.record) for one, place in report.sent if place[0] in raw_topics}
    while left:
        for topics in {raw_topics[place[0]].raw: raw_topics[place[0]] for place in left}.values():
            subjects = set(left.values())
            found = await read_outcomes(
                cluster, topics, subjects, since_milliseconds=at, on_progress=ignore_progress
            )
            for place in [one for one in left if one[0] == topics.raw]:
                outcome = found.at(place, left[place])
                if outcome is not None:
                    report.outcomes[place] = outcome
                    del left[place]
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(_POLL_SECONDS)


def _id(place: Place) -> str:
    return "-".join(map(str, place))
