"""`esito transaction show`: everything the topics hold about one transaction."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import Broken
from ops.command_line import (
    AsJson,
    ConfigurationFile,
    EndpointName,
    configured,
    endpoint_named,
    examples,
    group,
    progress,
    run,
)
from ops.terminal import body_lines, console, plain, table, write_json

if TYPE_CHECKING:
    from ops.story.collected import Story
    from runtime.configuration import Configuration

app = group("Tell everything that happened to one transaction.")


@app.callback()
def transaction() -> None:
    """Tell everything that happened to one transaction."""


@app.command(
    epilog=examples(
        "esito transaction show pivot-id 8f14e45f",
        "esito transaction show uaepass-gov m9mf --json",
    )
)
def show(
    endpoint: EndpointName,
    transaction_id: Annotated[
        str, typer.Argument(metavar="TRANSACTION_ID", help="As the provider names it.")
    ],
    configuration: ConfigurationFile = None,
    *,
    body: Annotated[
        bool, typer.Option("--body", help="The bodies too: they may hold personal data.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show callbacks, verdicts, decisions and the current snapshot, in the order of time.

    It reads topics from the beginning, which takes a while on a busy cluster.
    """
    story = run(_story(configured(configuration), endpoint, transaction_id))
    if story.is_empty:
        raise Broken(f"nothing is kept about {endpoint}:{transaction_id}")
    if as_json:
        _write_json(story, with_body=body)
    else:
        _print(story, with_body=body)


async def _story(configuration: "Configuration", endpoint: str, transaction_id: str) -> "Story":
    from contracts.topics import Topics
    from ops.cluster import connected
    from ops.story.collected import Story, read_story

    provider = endpoint_named(configuration, endpoint).provider
    topics = Topics.of(provider, prefix=configuration.topic_prefix)
    story = Story(endpoint=endpoint, transaction_id=transaction_id)
    async with connected(configuration) as cluster:
        with progress("reading topics") as on_progress:
            await read_story(cluster, topics, story, on_progress=on_progress)
    return story


def _write_json(story: "Story", *, with_body: bool) -> None:
    from ops.story.lines import snapshot_fields, story_lines

    write_json(
        {
            "endpoint": story.endpoint,
            "transaction_id": story.transaction_id,
            "story": [line.as_json(with_body=with_body) for line in story_lines(story)],
            "snapshot": snapshot_fields(story),
        }
    )


def _print(story: "Story", *, with_body: bool) -> None:
    from ops.story.lines import snapshot_fields, story_lines

    lines = story_lines(story)
    shown = table("at", "what", "said", "record")
    for line in lines:
        shown.add_row(plain(line.at), plain(line.kind), plain(line.said), plain(line.record))
    console().print(shown)
    for line in lines:
        if with_body and line.body is not None:
            console().print(plain(f"\n{line.record}:", style="bold"))
            for text in body_lines(line.body):
                console().print(plain(text), soft_wrap=True)
    snapshot = snapshot_fields(story)
    console().print()
    if snapshot is None:
        console().print("no snapshot: nothing was decided yet, or it has been forgotten")
        return
    standing = table("snapshot", "")
    for name, value in snapshot.items():
        standing.add_row(plain(name), plain(value if isinstance(value, str) else json.dumps(value)))
    console().print(standing)
