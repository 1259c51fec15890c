"""`esito dead-letters`: see what was rejected and why, and send it again when the cause is gone."""

from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.codes import RejectionCode
from contracts.errors import Broken
from ops.command_line import (
    AsJson,
    ConfigurationFile,
    ProviderName,
    configured,
    examples,
    group,
    progress,
    providers_asked,
    run,
)
from ops.commands.replaying import RATE, Rate, ReportFile, Wait, Yes, send_and_report
from ops.durations import before
from ops.terminal import body_lines, console, notes, plain, table, text_of, write_json

if TYPE_CHECKING:
    from ops.replay.letter_box import Letter, Wanted
    from ops.replay.replays import Replay
    from runtime.configuration import Configuration

_SHOWN: Final = 100
_EXAMPLE: Final = "callbacks.pivot.rejected.v1-0-17"

CodeOption = Annotated[
    RejectionCode | None,
    typer.Option("--code", metavar="CODE", help="Only this rejection code (docs/RUNBOOK.md)."),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="Received since then: 2h, 3d, or an RFC 3339 instant."
    ),
]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="As `ls` shows them.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; send nothing.")]

app = group("See what was rejected and why, and send it again when the cause is gone.")


@app.command(
    epilog=examples(
        "esito dead-letters ls",
        "esito dead-letters ls --provider pivot --code payload_invalid --since 2h",
        "esito dead-letters ls --since 2026-11-20T00:00:00Z --json",
    )
)
def ls(
    configuration: ConfigurationFile = None,
    *,
    provider: ProviderName = None,
    code: CodeOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The newest N.")] = _SHOWN,
    as_json: AsJson = False,
) -> None:
    """List dead letters, oldest first."""
    settings = configured(configuration)
    found, total = run(_newest(settings, _wanted(settings, provider, code, since), limit))
    if as_json:
        for letter in found:
            write_json(letter.summary())
    else:
        shown = table("id", "code", "detail", "received_at", "endpoint")
        for letter in found:
            shown.add_row(
                *map(
                    plain,
                    (letter.id, letter.code, letter.detail, letter.received_at, letter.endpoint),
                )
            )
        console().print(shown)
    if total > len(found):
        notes().print(f"{len(found)} of {total} dead letters, the newest; more with --limit")


@app.command(
    epilog=examples(
        f"esito dead-letters show {_EXAMPLE}", f"esito dead-letters show {_EXAMPLE} --body"
    )
)
def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `ls` shows it.")],
    configuration: ConfigurationFile = None,
    *,
    body: Annotated[
        bool, typer.Option("--body", help="The body too: it may hold personal data.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: why, where from, its headers, and the size and digest of its body."""
    letter = run(_at(configured(configuration), identifier))
    value = letter.record.value or b""
    if as_json:
        headers = [[name, text_of(one)] for name, one in letter.record.headers]
        extra = {"body": text_of(value)} if body else {}
        write_json({**letter.summary(), "headers": headers, **extra})
        return
    shown = table("", "")
    shown.show_header = False
    for name, said in letter.summary().items():
        shown.add_row(plain(name, style="bold"), plain(said))
    for name, header in letter.record.headers:
        shown.add_row(plain(name, style="dim"), plain(text_of(header)))
    console().print(shown)
    if body:
        console().print()
        for line in body_lines(value):
            console().print(plain(line), soft_wrap=True)


@app.command(
    epilog=examples(
        f"esito dead-letters replay {_EXAMPLE} --dry-run",
        "esito dead-letters replay --code signature_mismatch --since 2h --yes",
        "esito dead-letters replay --code json_invalid --rate 20 --wait 30 --report sent.jsonl",
    )
)
def replay(
    identifiers: Ids = None,
    configuration: ConfigurationFile = None,
    *,
    provider: ProviderName = None,
    code: CodeOption = None,
    since: SinceOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    rate: Rate = RATE,
    wait: Wait = 0.0,
    report: ReportFile = None,
) -> None:
    """Send dead letters again to the topic they came from: key, body and headers as they were.

    By id, or all that --code, --provider and --since choose, each callback once, at --rate a
    second. The letters stay where they are. A replay carries the header esito-replayed-from; a
    second one is harmless, because the same fact has the same event id. With --wait it ends with
    what the verifier said of them this time.
    """
    settings = configured(configuration)
    if not identifiers and code is None and provider is None and since is None:
        raise Broken("name the dead letters to send: ids, or --code, --provider, --since")
    if identifiers and (code or provider or since):
        raise Broken("name ids, or choose by --code, --provider and --since; not both")
    wanted = None if identifiers else _wanted(settings, provider, code, since)
    planned = run(_planned(settings, identifiers or [], wanted))
    if dry_run:
        for one in planned:
            console().print(plain(f"would send  {one.source}  to  {one.topic}"))
        notes().print(f"{len(planned)} would be sent")
        return
    if len(planned) > 1 and not yes:
        typer.confirm(f"Send {len(planned)} dead letters again?", abort=True, err=True)
    send_and_report(settings, planned, rate=rate, wait=wait, file=report)


def _wanted(
    configuration: "Configuration",
    provider: str | None,
    code: RejectionCode | None,
    since: str | None,
) -> "Wanted":
    from ops.replay.letter_box import Wanted

    return Wanted(
        providers=providers_asked(configuration, provider),
        code=code,
        since=before(since, now=datetime.now(UTC)) if since else None,
    )


async def _newest(
    configuration: "Configuration", wanted: "Wanted", limit: int
) -> "tuple[list[Letter], int]":
    """Return the newest of the wanted letters, oldest first, and how many there are in all."""
    from ops.cluster import connected
    from ops.replay.letter_box import letters

    found: list[Letter] = []
    total = 0
    async with connected(configuration) as cluster:
        with progress("reading dead letters") as on_progress:
            async for letter in letters(cluster, configuration, wanted, on_progress):
                found.append(letter)
                total += 1
                if len(found) > 2 * limit:
                    found = _last(found, limit)
    return _last(found, limit), total


def _last(found: "list[Letter]", limit: int) -> "list[Letter]":
    ordered = sorted(found, key=lambda letter: (letter.record.written_at, letter.record.place))
    return list(deque(ordered, maxlen=limit))


async def _at(configuration: "Configuration", identifier: str) -> "Letter":
    from ops.cluster import connected
    from ops.replay.letter_box import letters_at

    async with connected(configuration) as cluster:
        (letter,) = [one async for one in letters_at(cluster, configuration, [identifier])]
    return letter


async def _planned(
    configuration: "Configuration", identifiers: list[str], wanted: "Wanted | None"
) -> "list[Replay]":
    from ops.cluster import connected
    from ops.replay.letter_box import letters, letters_at, newest_replays, replay_of_letter

    async with connected(configuration) as cluster:
        if wanted is None:
            named = letters_at(cluster, configuration, dict.fromkeys(identifiers))
            return [replay_of_letter(letter, configuration) async for letter in named]
        with progress("reading dead letters") as on_progress:
            found = letters(cluster, configuration, wanted, on_progress)
            return await newest_replays(found, configuration)
