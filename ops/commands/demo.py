"""`esito demo`: all providers with faults against a real Kafka, compared with the plan."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from ops.command_line import NO, AsJson, CacheDirectory
from ops.terminal import console, notes, write_json

if TYPE_CHECKING:
    import asyncio

    from ops.local.demo import Outcome

_INTERRUPTED: Final = 130  # as a shell reports a program ended by Ctrl-C

Transactions = Annotated[
    int, typer.Option(min=30, metavar="N", help="How many transactions of each provider.")
]
Seed = Annotated[int, typer.Option(metavar="N", help="The same seed sends the same callbacks.")]


def demo(
    *,
    transactions: Transactions = 60,
    seed: Seed = 1,
    cache: CacheDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Run all providers with every fault against a real Kafka, and end by itself.

    Nothing is left behind. Ends with 1 when what came out is not what the plan says; the closing
    table says where. With --json, progress goes to standard error.
    """
    from ops.local.demo import run_demo
    from ops.local.running_installation import run_until_signal, unless_stopped
    from simulator.report import status_line

    screen, aside = console(), notes()

    async def work(stop: "asyncio.Event") -> "Outcome | None":
        playing = run_demo(
            transactions=transactions,
            seed=seed,
            cache_directory=cache,
            on_progress=lambda line: aside.print(f"· {line}"),
            on_status=lambda event: None if as_json else screen.print(status_line(event)),
        )
        return await unless_stopped(stop, playing)

    outcome = run_until_signal(work)
    if outcome is None:
        aside.print("stopped")
        raise typer.Exit(_INTERRUPTED)
    if as_json:
        write_json(outcome.as_json())
    else:
        _show(outcome)
    if not outcome.good:
        raise typer.Exit(NO)


def _show(outcome: "Outcome") -> None:
    from simulator.report import closing_table

    screen = console()
    screen.print()
    screen.print(closing_table(outcome.comparisons))
    for line in outcome.sentences():
        screen.print(line)
