"""`esito lag`: how far the workers are behind, by partition, and when they will have caught up."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ops.command_line import (
    AsJson,
    ConfigurationFile,
    ProviderName,
    configured,
    providers_asked,
    run,
)
from ops.terminal import console, notes, plain, table, write_json

if TYPE_CHECKING:
    from ops.cluster import Cluster
    from ops.groups import Group
    from ops.lag import GroupLag, PartitionLag
    from runtime.configuration import Configuration

_EVERY_SECONDS: Final = 2.0
_HOUR: Final = 3_600
_MINUTE: Final = 60


def lag(
    configuration: ConfigurationFile = None,
    *,
    provider: ProviderName = None,
    every: Annotated[
        float, typer.Option(min=0.2, metavar="SECONDS", help="Between two looks.")
    ] = _EVERY_SECONDS,
    watch: Annotated[bool, typer.Option("--watch", help="Look again until Ctrl-C.")] = False,
    idle: Annotated[
        bool, typer.Option("--all", help="Show partitions with nothing to do as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Count what each worker has still to process, by partition, with rates and time left.

    Records are counted, not offsets: the markers of Kafka transactions, and what an aborted one
    wrote, are nobody's work. More than 500 in a partition are estimated, and shown with ~. Two
    looks give the rates; "never" is left where as much comes in as is taken out.
    """
    settings = configured(configuration)
    providers_asked(settings, provider)
    with suppress(KeyboardInterrupt):  # the way --watch is meant to end
        run(_lag(settings, provider, every, watch=watch, idle=idle, as_json=as_json))


async def _lag(
    configuration: "Configuration",
    provider: str | None,
    every: float,
    *,
    watch: bool,
    idle: bool,
    as_json: bool,
) -> None:
    from ops.cluster import connected
    from ops.groups import groups_of
    from ops.lag import compared

    groups = [
        one
        for one in groups_of(configuration)
        if provider is None or one.worker.endswith(f" {provider}")
    ]
    async with connected(configuration) as cluster:
        before = await _look(cluster, groups)
        while True:
            await asyncio.sleep(every)
            after = await _look(cluster, groups)
            _show(list(map(compared, before, after)), idle=idle, as_json=as_json)
            before = after
            if not watch:
                return


async def _look(cluster: "Cluster", groups: "list[Group]") -> "list[GroupLag]":
    from ops.lag import look

    return [await look(cluster, group) for group in groups]


def _show(looks: "list[GroupLag]", *, idle: bool, as_json: bool) -> None:
    if as_json:
        write_json({"groups": [_group_json(one) for one in looks]})
        return
    shown = table("worker", "members", "partition", "behind", "taken/s", "written/s", "time left")
    for one in looks:
        shown.add_row(*map(plain, _total(one)))
        for part in one.partitions:
            if part.records or idle:
                name = f"{part.partition.topic}-{part.partition.partition}"
                shown.add_row("", "", plain(name), *map(plain, _figures((part,))))
    console().print(shown)
    for one in looks:
        if one.records and not one.members:
            notes().print(plain(f"nobody works as {one.group.worker}: {one.group.start}"))


def _total(one: "GroupLag") -> tuple[object, ...]:
    return one.group.worker, one.members, "all", *_figures(one.partitions)


def _figures(parts: "tuple[PartitionLag, ...]") -> tuple[str, str, str, str]:
    from ops.lag import seconds_left

    records = sum(one.records for one in parts)
    about = "" if all(one.exact for one in parts) else "~"
    taken = sum(one.taken_per_second or 0 for one in parts)
    written = sum(one.written_per_second or 0 for one in parts)
    left = _duration(seconds_left(parts)) if records else "-"
    return f"{about}{records}", f"{taken:.1f}", f"{written:.1f}", left


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    if seconds >= _HOUR:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _MINUTE:.1f} min" if seconds >= _MINUTE else f"{seconds:.0f} s"


def _group_json(one: "GroupLag") -> dict[str, object]:
    from ops.lag import seconds_left

    return {
        "worker": one.group.worker,
        "group": one.group.name,
        "members": one.members,
        "records": one.records,
        "exact": one.exact,
        "seconds_left": seconds_left(one.partitions),
        "partitions": [
            {
                "topic": part.partition.topic,
                "partition": part.partition.partition,
                "committed": part.committed,
                "end": part.end,
                "records": part.records,
                "exact": part.exact,
                "taken_per_second": part.taken_per_second,
                "written_per_second": part.written_per_second,
            }
            for part in one.partitions
        ],
    }
