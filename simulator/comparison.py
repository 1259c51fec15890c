"""Compare what must come out of a plan with what came out. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final

from simulator.plan import Expected, Plan, Row
from simulator.sender import Sent
from simulator.tally import Tally

_DIFFERENCES_SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The outcome of one provider's plan.

    `retries` are attempts beyond the first. `lost` are callbacks that were acknowledged and are not
    in the raw topic. `differences` are sentences, at most twenty; none when all is as planned.
    """

    provider: str
    transactions: int
    attempts: int
    retries: int
    rows: tuple[Row, ...]
    lost: int
    doubled: int
    gaps: int
    disorder: int
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Tell whether exactly what was planned came out."""
        counts = (self.lost, self.doubled, self.gaps, self.disorder)
        return not (self.differences or any(counts))

    def as_json(self) -> dict[str, Any]:
        """Return it as members of a JSON object."""
        return {"equal": self.equal, **asdict(self)}


def compare(plan: Plan, sent: Sent, tally: Tally) -> Comparison:
    """Return how the outcome differs from the plan."""
    expected = plan.expected()
    rejections = _without_copies(tally.rejections, expected.rejections, sent.unconfirmed)
    rows = (
        Row("callbacks", len(plan.callbacks), sum(sent.ends.values())),
        *_answers(expected, sent),
        *_codes("dead letter", expected.rejections, rejections),
        Row("status events", expected.status_events, tally.status_events),
        Row("transactions", len(expected.statuses), len(tally.events)),
        *_codes("anomaly", expected.anomalies, tally.anomaly_counts()),
        *sent.rows,
    )
    differences = [
        f"{row.what}: {row.seen}, expected {row.expected}"
        for row in rows
        if row.expected != row.seen
    ]
    differences += sent.differences
    differences += _statuses(expected.statuses, tally.statuses())
    differences += _oddities("dead letter", expected.rejections, rejections)
    differences += _oddities("anomaly", expected.anomalies, tally.anomaly_counts())
    return Comparison(
        provider=plan.provider,
        transactions=len(plan.stories),
        attempts=sent.attempts,
        retries=sent.attempts - sum(sent.ends.values()),
        rows=rows,
        lost=sum((sent.acknowledged - tally.raw).values()) + sent.lost,
        doubled=tally.doubled + sent.doubled,
        gaps=tally.gaps + sent.gaps,
        disorder=tally.disorder,
        differences=tuple(differences[:_DIFFERENCES_SHOWN_MAX]),
    )


def _without_copies(
    seen: Mapping[tuple[str, str], int],
    expected: Mapping[tuple[str, str], int],
    unconfirmed: Mapping[str, int],
) -> dict[tuple[str, str], int]:
    """Return the dead letters without those of what was sent again, and stored both times."""
    return {
        key: count - min(max(0, count - expected.get(key, 0)), unconfirmed.get(key[0], 0))
        for key, count in seen.items()
    }


def _answers(expected: Expected, sent: Sent) -> Iterable[Row]:
    planned = {int(HTTPStatus.OK): expected.accepted, **expected.refusals}
    for answer in sorted({*planned, *sent.ends}, key=lambda status: status or 0):
        what = "gave up without an answer" if answer is None else f"answered {answer}"
        yield Row(what, planned.get(answer or 0, 0), sent.ends[answer])


def _codes(
    kind: str, expected: Mapping[tuple[str, str], int], seen: Mapping[tuple[str, str], int]
) -> Iterable[Row]:
    planned, found = _by_code(expected), _by_code(seen)
    for code in sorted({*planned, *found}):
        yield Row(f"{kind} {code}", planned[code], found[code])


def _by_code(counts: Mapping[tuple[str, str], int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, code), count in counts.items():
        found[code] += count
    return found


def _statuses(
    expected: Mapping[str, tuple[str, ...]], seen: Mapping[str, tuple[str, ...]]
) -> Iterable[str]:
    for name in sorted({*expected, *seen}):
        planned, found = expected.get(name, ()), seen.get(name, ())
        if planned != found:
            yield f"transaction {name}: {_list(found)}, expected {_list(planned)}"


def _oddities(
    kind: str, expected: Mapping[tuple[str, str], int], seen: Mapping[tuple[str, str], int]
) -> Iterable[str]:
    for key in sorted({*expected, *seen}):
        if expected.get(key, 0) != seen.get(key, 0):
            name, code = key
            yield f"{kind} {code} of {name}: {seen.get(key, 0)}, expected {expected.get(key, 0)}"


def _list(statuses: tuple[str, ...]) -> str:
    return " ".join(statuses) or "nothing"
