"""`esito person`: find what is kept about one person, and erase what can be erased by itself."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import Broken
from ops.command_line import (
    NO,
    AsJson,
    ConfigurationFile,
    EndpointName,
    ProviderName,
    configured,
    endpoint_named,
    examples,
    group,
    progress,
    providers_asked,
    run,
)
from ops.terminal import console, notes, plain, table, write_json

if TYPE_CHECKING:
    from ops.person.erasure import Erasable
    from ops.person.search import Found, Words
    from runtime.configuration import Configuration

app = group("Find what is kept about one person, and erase it (docs/PRIVACY.md).")


@app.command(epilog=examples("esito person find --json", "esito person find --provider wallet"))
def find(
    configuration: ConfigurationFile = None,
    *,
    provider: ProviderName = None,
    as_json: AsJson = False,
) -> None:
    """Look for a person's names or numbers, one a line on standard input, in all that is kept.

    They come by standard input so that no history of a shell and no list of processes has them.
    Raw topics and dead letters are read whole, which takes a while; of SEND the requests in
    PostgreSQL as well. Ends with 1 when nothing was found.
    """
    from ops.person.search import Words

    settings = configured(configuration)
    words = Words(sys.stdin)
    found = run(_find(settings, words, providers_asked(settings, provider)))
    if as_json:
        for one in found:
            write_json(one.as_json())
    else:
        shown = table("kind", "place", "endpoint", "since", "gone by", "transactions")
        for one in found:
            *cells, transactions = one.as_json().values()
            names = transactions if isinstance(transactions, list) else []
            shown.add_row(*(plain(cell) for cell in (*cells, ", ".join(names))))
        console().print(shown)
    notes().print(f"{len(found)} places")
    if not found:
        raise typer.Exit(NO)


@app.command(epilog=examples("esito person erase send-it REQUEST --dry-run"))
def erase(
    endpoint: EndpointName,
    identifier: Annotated[
        str, typer.Argument(metavar="REQUEST", help="The id that `find` shows as transaction.")
    ],
    configuration: ConfigurationFile = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
) -> None:
    """Erase what one judged request of SEND says, and the files that no other request names.

    It cannot be taken back, and whoever delivers the notification finds its files gone. Records in
    Kafka end with their topic's term: the line that is printed names the day by which those that
    are there now are gone. What comes later, and what is replayed, begins a term of its own.
    """
    settings = configured(configuration)
    one = run(_erase(settings, endpoint, identifier, really=False))
    what = f"the content of {one.id}" if one.says_something else "no content any more"
    if dry_run:
        console().print(plain(f"would erase {what} and {len(one.files)} files"))
        return
    if not yes:
        typer.confirm(f"Erase {what} and {len(one.files)} files?", abort=True, err=True)
    run(_erase(settings, endpoint, identifier, really=True))
    console().print(plain(f"erased {what} and {len(one.files)} files; {_left(settings)}"))


def _left(configuration: "Configuration") -> str:
    from datetime import UTC, datetime, timedelta

    from ops.topics import SEGMENT_DAYS

    # Counted from now: elements of the timeline come for weeks after the request.
    topics = configuration.topics
    days = max(topics.raw_retention_days, topics.rejected_retention_days) + SEGMENT_DAYS
    gone = (datetime.now(UTC) + timedelta(days=days)).date()
    return f"what Kafka holds of it now is gone by {gone}; not what comes later or is replayed"


async def _find(
    configuration: "Configuration", words: "Words", providers: tuple[str, ...]
) -> "list[Found]":
    from datetime import timedelta

    from ops.cluster import connected
    from ops.person.search import search_requests, search_topics
    from runtime.database import own_connection

    async with connected(configuration) as cluster:
        with progress("reading topics") as show:
            found = await search_topics(configuration, cluster, words, providers, show)
    kept = {
        one.name: timedelta(days=one.notifications.request_days)
        for one in configuration.endpoints
        if one.notifications is not None and one.provider in providers
    }
    if kept:
        async with own_connection(configuration, application="esito-person") as connection:
            found += [one async for one in search_requests(connection, words, kept)]
    return found


async def _erase(
    configuration: "Configuration", endpoint: str, identifier: str, *, really: bool
) -> "Erasable":
    from ops.person.erasure import erasable
    from ops.person.erasure import erase as erase_one
    from runtime.database import own_connection
    from runtime.object_store import ObjectStore

    section = endpoint_named(configuration, endpoint).notifications
    if section is None:
        raise Broken(f"{endpoint} takes no requests: what its records hold ends with their topics")
    store = ObjectStore(configuration.object_store)
    days = section.attachments.unused_days
    async with own_connection(configuration, application="esito-person") as connection:
        one = await erasable(connection, store, endpoint, identifier, unused_days=days)
        if really:
            await erase_one(connection, store, one)
    return one
