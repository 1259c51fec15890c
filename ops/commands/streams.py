"""`esito streams`: build what the streams' database holds anew from Kafka."""

from typing import TYPE_CHECKING

from ops.command_line import ConfigurationFile, configured, examples, group, progress, run
from ops.terminal import console

if TYPE_CHECKING:
    from runtime.configuration import Configuration
    from streams.rebuild import OnProgress, Rebuilt

app = group("Look after the database of the streams.")


@app.callback()
def _streams() -> None:
    """Keep `rebuild` a command of its own: a group of one would be taken for the command."""


@app.command(epilog=examples("esito streams rebuild"))
def rebuild(configuration: ConfigurationFile = None) -> None:
    """Build status events and transactions anew from Kafka, while everything runs.

    Streams keep their numbers and what was acknowledged: readers notice nothing. What Kafka no
    longer has is kept.
    """
    with progress("Reading status events") as show:
        done = run(_rebuild(configured(configuration), show))
    console().print(
        f"rebuilt from {done.records} records; {done.projected} more were projected since"
    )


async def _rebuild(configuration: "Configuration", show: "OnProgress") -> "Rebuilt":
    from ops.cluster import connected
    from runtime.database import connect, migrate
    from streams.__main__ import MIGRATIONS
    from streams.rebuild import rebuild as rebuild_streams

    pool = await connect(configuration, application="esito-rebuild", connections_max=2)
    try:
        await migrate(pool, "streams", MIGRATIONS)
        async with connected(configuration) as cluster:
            return await rebuild_streams(configuration, pool, cluster.clients, show)
    finally:
        pool.terminate()
