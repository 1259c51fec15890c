"""`esito attachments`: remove the uploaded files that nobody needs any more."""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated

import typer

from ops.command_line import AsJson, ConfigurationFile, configured, examples, group, progress, run
from ops.terminal import console, plain, table, write_json

if TYPE_CHECKING:
    from intake.janitor import Pruned
    from runtime.configuration import Configuration

DryRun = Annotated[bool, typer.Option("--dry-run", help="Count what would go; remove nothing.")]

app = group("Remove the uploaded files that nobody needs any more.")


@app.callback()
def attachments() -> None:
    """Remove the uploaded files that nobody needs any more."""


@app.command(epilog=examples("esito attachments prune --dry-run", "esito attachments prune --json"))
def prune(
    configuration: ConfigurationFile = None, *, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Remove files that no request named in time, that were refused, or whose time is over.

    The intake does the same every six hours. Needs the database, the streams' part of it
    included: what it does not know the fate of is kept.
    """
    lines = run(_prune(configured(configuration), dry_run=dry_run))
    if as_json:
        for line in lines:
            write_json(asdict(line))
        return
    shown = table(*(one.name for one in fields(lines[0])))
    for line in lines:
        shown.add_row(*(plain(value) for value in asdict(line).values()))
    console().print(shown)
    if dry_run:
        console().print("nothing was removed: --dry-run")


async def _prune(configuration: "Configuration", *, dry_run: bool) -> "list[Pruned]":
    from datetime import UTC, datetime

    from contracts.errors import Broken
    from intake.janitor import Janitor
    from runtime.database import connect
    from runtime.notification_rules import notifications_of
    from runtime.object_store import ObjectStore

    endpoints = notifications_of({one.name: one for one in configuration.endpoints})
    if not endpoints:
        raise Broken("endpoints: none has the key notifications, so nobody uploads files")
    store = ObjectStore(configuration.object_store)
    pool = await connect(configuration, application="esito-attachments", connections_max=1)
    try:
        janitor = Janitor(
            store, pool.acquire, {name: one.attachments for name, one in endpoints.items()}
        )
        with progress("looking at files") as show:
            return await janitor.prune(
                at=datetime.now(UTC), dry_run=dry_run, on_progress=lambda done: show(done, done)
            )
    finally:
        await pool.close()
