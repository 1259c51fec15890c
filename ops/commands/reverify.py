"""`esito reverify`: what the verifier would say of raw records now, and what it said then."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.access import Process, group_of
from contracts.errors import Broken
from ops.command_line import (
    NO,
    AsJson,
    ConfigurationFile,
    configured,
    endpoint_named,
    progress,
    providers_asked,
    run,
)
from ops.commands.replaying import RATE, Rate, ReportFile, Wait, send_and_report
from ops.completion import endpoint_names, provider_names
from ops.durations import before
from ops.terminal import console, notes, plain, table, write_json

if TYPE_CHECKING:
    from contracts.topics import Topics
    from ops.replay.replays import Replay
    from ops.reverify.differences import Judged
    from runtime.configuration import Configuration

Records = Annotated[
    list[str] | None,
    typer.Argument(metavar="RECORD", help="A raw record's id, or a range: TOPIC-0-17..42."),
]

Provider = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Whose raw records; or name an endpoint.",
        autocompletion=provider_names,
    ),
]
EndpointName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Only this endpoint's.", autocompletion=endpoint_names),
]
Transaction = Annotated[
    str | None, typer.Option(metavar="ID", help="All callbacks of this transaction.")
]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Stored since then: 2h, 3d, or an instant.")
]
Until = Annotated[
    str | None, typer.Option(metavar="TIME", help="Stored before then; default: now.")
]
Apply = Annotated[
    bool, typer.Option("--apply", help="Write again what would now lead to something new.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Write again without asking.")]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks for."""

    records: list[str]
    provider: str | None
    endpoint: str | None
    transaction: str | None
    since: str | None
    until: str | None


def reverify(
    records: Records = None,
    configuration: ConfigurationFile = None,
    *,
    provider: Provider = None,
    endpoint: EndpointName = None,
    transaction: Transaction = None,
    since: Since = None,
    until: Until = None,
    apply: Apply = False,
    yes: Yes = False,
    rate: Rate = RATE,
    wait: Wait = 0.0,
    report: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Verify raw records again with the keys, files and code of now; show what differs.

    Nothing is changed without --apply. With it, callbacks that are now verified, or now say
    something else, are written to the raw topic again, byte for byte, with their headers, callback
    id and time of receipt, and esito-replayed-from: the running verifier decides them anew, and
    the same fact has the same event id. What would now be rejected is only told: a published
    status cannot be taken back. Ends with 1 when anything differs.
    """
    settings = configured(configuration)
    asked = _Asked(records or [], provider, endpoint, transaction, since, until)
    judged = run(_judged(settings, asked))
    _show(judged, as_json=as_json)
    if apply:
        planned = _planned(judged)
        if not planned:
            notes().print("nothing to write again")
            return
        if not yes:
            typer.confirm(f"Write {len(planned)} raw records again?", abort=True, err=True)
        send_and_report(settings, planned, rate=rate, wait=wait, file=report, as_json=as_json)
    elif _differing(judged):
        raise typer.Exit(NO)


async def _judged(configuration: "Configuration", asked: _Asked) -> "list[Judged]":
    from ops.cluster import connected
    from ops.reverify.differences import judged_records
    from ops.reverify.second_verdict import second_verdict
    from ops.reverify.selection import Wanted, raw_records, span

    provider, topics = _topics(configuration, asked)
    now = datetime.now(UTC)
    wanted = Wanted(
        since=before(asked.since, now=now) if asked.since else None,
        until=before(asked.until, now=now) if asked.until else None,
        spans=[span(one, topics) for one in asked.records],
        endpoint=asked.endpoint,
        transaction_id=asked.transaction,
    )
    group = group_of(Process.VERIFIER, provider, prefix=configuration.topic_prefix)
    async with (
        connected(configuration) as cluster,
        second_verdict(configuration, provider) as judge,
    ):
        with progress("reading raw records") as on_progress:
            found = raw_records(cluster, topics, wanted, on_progress=on_progress)
            return await judged_records(
                cluster, topics, found, judge, group=group, on_progress=on_progress
            )


def _topics(configuration: "Configuration", asked: _Asked) -> "tuple[str, Topics]":
    """Return the one provider that is meant, and its topics."""
    from contracts.topics import Topics

    names = set(providers_asked(configuration, asked.provider))
    if asked.endpoint is not None:
        its = endpoint_named(configuration, asked.endpoint).provider
        if its not in names:
            raise Broken(f"endpoint {asked.endpoint} is of {its}, not of {asked.provider}")
        names = {its}
    every = {name: Topics.of(name, prefix=configuration.topic_prefix) for name in sorted(names)}
    named = {n: t for n, t in every.items() if any(r.startswith(t.raw) for r in asked.records)}
    found = list((named or every).items())
    if not (asked.records or asked.since or asked.transaction):
        raise Broken("name the raw records: ids, --since, or --endpoint and --transaction")
    if asked.transaction and (asked.records or asked.since or asked.until):
        raise Broken("--transaction takes all of its callbacks: leave out ids, --since and --until")
    if asked.records and not named:
        raise Broken(f"{asked.records[0]}: no raw record; write {found[0][1].raw}-0-17")
    if len(found) != 1:
        raise Broken(f"one provider at a time; name it: --provider {' or '.join(every)}")
    return found[0]


def _planned(judged: "list[Judged]") -> "list[Replay]":
    from ops.replay.replays import Replay
    from ops.reverify.differences import replayed

    return [
        Replay(one.place, one.place[0], one.was.code if one.was else "") for one in replayed(judged)
    ]


def _differing(judged: "list[Judged]") -> "list[Judged]":
    from ops.reverify.differences import AS_BEFORE

    return [one for one in judged if one.kind not in AS_BEFORE]


def _show(judged: "list[Judged]", *, as_json: bool) -> None:
    from ops.reverify.differences import replayed

    differing = _differing(judged)
    if as_json:
        for one in differing:
            write_json(one.as_json())
    elif differing:
        shown = table("record", "difference", "was", "now", "published")
        for one in differing:
            was = one.was.line() if one.was else "-"
            published = ", ".join(one.published) or "-"
            shown.add_row(*map(plain, (one.id, one.kind, was, one.now.line(), published)))
        console().print(shown)
    counts = Counter(one.kind for one in judged)
    notes().print(f"{len(judged)} raw records verified again")
    for kind, count in counts.most_common():
        notes().print(f"  {count} {kind}")
    if differing:
        notes().print(f"{len(replayed(judged))} callbacks would lead to something new (--apply)")
