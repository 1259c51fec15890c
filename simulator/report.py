"""Show a person what a plan sends, what must come out of it, and what came out."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from contracts.lifecycle import Lifecycle
from contracts.status import StatusEvent
from simulator.comparison import Comparison
from simulator.plan import Plan
from simulator.play import Played, as_planned
from simulator.sender import Sent


def plan_as_json(plan: Plan, *, seed: int) -> dict[str, Any]:
    """Return what the plan sends and what must come out, as members of a JSON object."""
    expected = plan.expected()
    return {
        "provider": plan.provider,
        "seed": seed,
        "transactions": len(plan.stories),
        "faults": dict(_fault_counts(plan)),
        "callbacks": len(plan.callbacks),
        "expected": {
            "answers": {"200": expected.accepted, **_texts(expected.refusals)},
            "status_events": expected.status_events,
            "statuses": expected.statuses,
            "dead_letters": dict(_by_code(expected.rejections)),
            "anomalies": dict(_by_code(expected.anomalies)),
        },
    }


def played_as_json(plan: Plan, played: Played) -> dict[str, Any]:
    """Return how it went, as members of a JSON object; no answer at all is `none`."""
    sent = played.sent
    found: dict[str, Any] = {
        "ok": as_planned(plan, played),
        "sent": {
            "attempts": sent.attempts,
            "retries": sent.attempts - sum(sent.ends.values()),
            "answers": _texts(sent.ends),
        },
    }
    if played.comparison is not None:
        found["comparison"] = played.comparison.as_json()
    return found


def played_tables(plan: Plan, played: Played, lifecycle: Lifecycle) -> Iterator[Table | str]:
    """Yield what a person sees: what was sent and must come out; what came out, if watched."""
    yield plan_table(plan, played.sent, lifecycle)
    if played.comparison is not None:
        yield closing_table([played.comparison])
        yield from (f"✗ {difference}" for difference in played.comparison.differences)


def plan_table(plan: Plan, sent: Sent, lifecycle: Lifecycle) -> Table:
    """Return a table of what was sent and how it was answered, and of what must come out."""
    expected = plan.expected()
    table = Table("", plan.provider, "count", "", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    table.add_row("sent", "transactions", f"{len(plan.stories)}")
    table.add_row("", "callbacks", f"{len(plan.callbacks)}")
    table.add_row("", "attempts, retries included", f"{sent.attempts}")
    _rows(table, "about", _fault_counts(plan))
    planned, answers = {200: expected.accepted, **expected.refusals}, sent.ends
    for status in sorted({*planned, *answers}, key=lambda one: one or 0):
        wanted, seen = planned.get(status or 0, 0), answers[status]
        note = "" if wanted == seen else f"planned {wanted}"
        table.add_row("answered", "nothing" if status is None else f"{status}", f"{seen}", note)
    table.add_row("must come out", "status events", f"{expected.status_events}")
    ends = Counter(natives[-1] for natives in expected.statuses.values())
    for native, count in sorted(ends.items()):
        table.add_row("transactions end", native, f"{count}", lifecycle.statuses[native])
    _rows(table, "dead letters", _by_code(expected.rejections))
    _rows(table, "anomalies", _by_code(expected.anomalies))
    return table


def closing_table(comparisons: Sequence[Comparison]) -> Table:
    """Return the table of everything expected against everything seen."""
    table = Table("provider", "what", "expected", "seen", "", box=None, pad_edge=False)
    for column in table.columns[2:4]:
        column.justify = "right"
    for one in comparisons:
        for row in one.rows:
            good = row.expected == row.seen
            table.add_row(
                one.provider, row.what, f"{row.expected}", f"{row.seen}", _verdict(good=good)
            )
        for what in ("lost", "doubled", "gaps", "disorder"):
            count: int = getattr(one, what)
            table.add_row(one.provider, what, "0", f"{count}", _verdict(good=not count))
        table.add_section()
    return table


def status_line(event: StatusEvent) -> Text:
    """Return one line about a status event, as it comes."""
    before = f"{event.previous_status} → " if event.previous_status else ""
    amount = f"  {event.amount.value} {event.amount.currency}" if event.amount else ""
    end = "  final" if event.final else ""
    return Text(
        f"{event.received_at[11:23]}  {event.provider:8} {event.transaction_id:37}"
        f"#{event.sequence} {event.native_status:15} {before}{event.status}{end}{amount}",
        style="green" if event.final else "",
    )


def _rows(table: Table, what: str, counts: Mapping[str, int]) -> None:
    for name, count in sorted(counts.items()):
        table.add_row(what, name, f"{count}")


def _fault_counts(plan: Plan) -> Counter[str]:
    return Counter(story.fault.value for story in plan.stories if story.fault)


def _by_code(counts: Mapping[tuple[str, str], int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, code), count in counts.items():
        found[code] += count
    return found


def _texts(counts: Mapping[int, int] | Mapping[int | None, int]) -> dict[str, int]:
    return {"none" if status is None else str(status): n for status, n in counts.items()}


def _verdict(*, good: bool) -> Text:
    return Text("✓", style="green") if good else Text("✗ differs", style="bold red")
