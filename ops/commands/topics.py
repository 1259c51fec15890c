"""`esito topics`: make the topics that the configuration needs, and compare those there are."""

from typing import TYPE_CHECKING

import typer

from ops.command_line import NO, ConfigurationFile, configured, examples, group, run
from ops.terminal import console, plain

if TYPE_CHECKING:
    from ops.topics import Difference
    from runtime.configuration import Configuration

app = group("Create the topics that the configuration needs, and compare those there are.")


@app.command(epilog=examples("esito topics apply", "esito topics apply --configuration esito.yaml"))
def apply(configuration: ConfigurationFile = None) -> None:
    """Create the topics that are missing, and say where the others differ.

    Existing topics are never changed: each difference comes with the command that would.
    """
    created, found = run(_apply(configured(configuration)))
    for name in created:
        console().print(plain(f"created  {name}"))
    _report(found)
    if not created and not found:
        console().print("nothing to do: every topic is there and as configured")


@app.command(epilog=examples("esito topics check", "esito topics check && echo as configured"))
def check(configuration: ConfigurationFile = None) -> None:
    """Compare partitions, replication, retention, cleanup policy, in-sync replicas and sizes.

    Ends with 1 when anything differs.
    """
    found = run(_check(configured(configuration)))
    _report(found)
    if found:
        raise typer.Exit(NO)
    console().print("every topic is there and as configured")


def _report(found: "list[Difference]") -> None:
    for one in found:
        console().print(plain(f"differs  {one}"))
        console().print(plain(f"  fix:   {one.fix}", style="dim"))


async def _apply(configuration: "Configuration") -> "tuple[list[str], list[Difference]]":
    from ops.cluster import connected
    from ops.topics import create_missing, differences, planned_topics, until_visible

    async with connected(configuration) as cluster:
        plans = planned_topics(configuration)
        created = await create_missing(cluster.admin, plans)
        await until_visible(cluster.admin, created)
        return created, await differences(cluster.admin, plans)


async def _check(configuration: "Configuration") -> "list[Difference]":
    from ops.cluster import connected
    from ops.topics import differences, planned_topics

    async with connected(configuration) as cluster:
        return await differences(cluster.admin, planned_topics(configuration))
