"""`esito tap`: follow what Esito publishes, as a person or a script reads it."""

from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.codes import AnomalyCode
from contracts.errors import Broken
from contracts.lifecycle import Status
from ops.command_line import (
    AsJson,
    ConfigurationFile,
    ProviderName,
    configured,
    endpoint_named,
    providers_asked,
    run,
)
from ops.completion import endpoint_names
from ops.durations import before
from ops.terminal import console, notes, plain, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.published import Published, Wanted
    from runtime.configuration import Configuration

EndpointName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Only this endpoint's transactions.", autocompletion=endpoint_names
    ),
]
Transaction = Annotated[
    str | None, typer.Option(metavar="ID", help="Only the transaction with this id.")
]
StatusOption = Annotated[
    Status | None, typer.Option("--status", metavar="STATUS", help="Only events to this status.")
]
CodeOption = Annotated[
    AnomalyCode | None,
    typer.Option(
        "--code", metavar="CODE", help="Anomalies of this code; without --status, these alone."
    ),
]
Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Begin with those since then: 2h, 3d, or an instant."),
]


def tap(
    configuration: ConfigurationFile = None,
    *,
    provider: ProviderName = None,
    endpoint: EndpointName = None,
    transaction: Transaction = None,
    anomalies: Annotated[
        bool, typer.Option("--anomalies", help="Follow the anomalies too.")
    ] = False,
    status: StatusOption = None,
    code: CodeOption = None,
    since: Since = None,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Start with the oldest that is kept.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="End after so many.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow status events as they are published, until Ctrl-C.

    With --json each is one CloudEvent in the JSON format; `data` is the status event.
    """
    from ops.published import Wanted

    settings = configured(configuration)
    if endpoint is not None:
        endpoint_named(settings, endpoint)
    wanted = Wanted(
        providers=providers_asked(settings, provider),
        anomalies=anomalies,
        endpoint=endpoint,
        transaction_id=transaction,
        status=status,
        code=code,
        since_milliseconds=_begin(since, from_beginning=from_beginning),
    )
    with suppress(KeyboardInterrupt):  # the way this command is meant to end
        run(_tap(settings, wanted, limit, _write_json if as_json else _write_line))


def _begin(since: str | None, *, from_beginning: bool) -> int | None:
    """Return the first time to show, in milliseconds since 1970; None: what is to come."""
    if since and from_beginning:
        raise Broken("name --since or --from-beginning, not both")
    if since:
        return int(before(since, now=datetime.now(UTC)).timestamp() * 1000)
    return 0 if from_beginning else None


async def _tap(
    configuration: "Configuration",
    wanted: "Wanted",
    limit: int | None,
    write: "Callable[[Published], None]",
) -> None:
    from ops.cluster import connected
    from ops.published import published

    async with connected(configuration) as cluster:
        topics = wanted.topics(configuration.topic_prefix)

        def ready() -> None:
            notes().print(plain(f"following {', '.join(topics)}", style="dim"))

        count = 0
        async with aclosing(published(cluster, topics, wanted, on_ready=ready)) as events:
            async for one in events:
                write(one)
                count += 1
                if count == limit:
                    return


def _write_json(one: "Published") -> None:
    write_json(one.cloud_event())


def _write_line(one: "Published") -> None:
    console().print(plain(one.line(), style="yellow" if one.is_anomaly else ""))
