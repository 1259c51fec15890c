"""`esito keys`: which keys there are, which come to their end, and how to change one."""

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts import dead_letter, raw
from contracts.errors import Broken, Unavailable
from ops.command_line import (
    NO,
    AsJson,
    ConfigurationFile,
    configured,
    endpoint_named,
    examples,
    group,
    progress,
    run,
)
from ops.durations import after, before
from ops.terminal import console, plain, table, text_of, write_json

if TYPE_CHECKING:
    from ops.key_rotation import Rotation, Use
    from ops.keys import ListedKey
    from ops.topic_reader import StoredRecord
    from runtime.configuration import Configuration, Endpoint

# A provider that calls less than once a day is looked at with a longer --quiet.
_LOOKED_BACK: Final = timedelta(days=1)

app = group("See which keys there are and which come to their end, and change one without a gap.")

Processes = Annotated[
    list[str] | None,
    typer.Option(
        "--process",
        metavar="HOST:PORT",
        help="A process's management address, once for each; default: the configured one.",
    ),
]


@app.command(epilog=examples("esito keys ls", "esito keys ls --json"))
def ls(configuration: ConfigurationFile = None, *, as_json: AsJson = False) -> None:
    """List the keys and certificates of the configuration, never a secret.

    Those of endpoints, of public bodies and of consumers; roots, pinned certificates and
    revocation lists. The key sets of token issuers are theirs, and are not listed.
    """
    from ops.keys import listed_keys

    _write(listed_keys(configured(configuration)), as_json=as_json)


@app.command(epilog=examples("esito keys expiring", "esito keys expiring --within 90d --json"))
def expiring(
    configuration: ConfigurationFile = None,
    *,
    within: Annotated[
        str, typer.Option(metavar="TIME", help="Ended, or to end before then: 30d, 12h.")
    ] = "30d",
    as_json: AsJson = False,
) -> None:
    """List the keys, certificates and lists that end within 30 days; end with 1 if there are any.

    A file that cannot be used is listed too.
    """
    from ops.keys import listed_keys

    moment = after(within, now=datetime.now(UTC))
    keys = listed_keys(configured(configuration))
    found = [one for one in keys if one.fault or one.ends_before(moment)]
    if found:
        _write(found, as_json=as_json)
        raise typer.Exit(NO)
    if not as_json:
        console().print(f"nothing ends before {moment.isoformat(timespec='seconds')}")


@app.command(
    epilog=examples(
        "esito keys rotate pivot-id api_key --from 2026-11 --to 2027-05",
        "esito keys rotate uaepass-gov hmac --from a --to b --process 10.0.0.7:9090 "
        "--process 10.0.0.8:9090 --quiet 3d",
    )
)
def rotate(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's name.")],
    credential: Annotated[
        str, typer.Argument(metavar="CREDENTIAL", help="api_key, hmac, path_token, expectations.")
    ],
    old: Annotated[str, typer.Option("--from", metavar="ID", help="The key to replace.")],
    new: Annotated[str, typer.Option("--to", metavar="ID", help="The key that follows it.")],
    configuration: ConfigurationFile = None,
    *,
    process: Processes = None,
    quiet: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="The old key is unused when nobody came with it so long."
        ),
    ] = "1d",
) -> None:
    """Walk through the change of one key: what is done, what is next, and how it is checked.

    Nothing is changed: run it again after each step. It looks at the configuration and the files,
    asks running processes which keys they hold, and reads from the raw topic which key callbacks
    came with. Ends with 1 until everything is done.
    """
    from ops.key_rotation import lines, rotation_is_over, steps

    if old == new:
        raise Broken("--from and --to name one key; a new key needs an id of its own")
    settings = configured(configuration)
    one = endpoint_named(settings, endpoint)
    now = datetime.now(UTC)
    rotation = _rotation(one, credential, old, new, now=now, quiet=now - before(quiet, now=now))
    found = steps(run(_looked(settings, one, rotation, process)))
    for line in lines(found):
        console().print(plain(line), soft_wrap=True)
    if not rotation_is_over(found):
        raise typer.Exit(NO)


def _write(keys: "Iterable[ListedKey]", *, as_json: bool) -> None:
    now = datetime.now(UTC)
    if as_json:
        for one in keys:
            write_json(one.as_json(now))
        return
    shown = table("owner", "purpose", "id", "state", "until", "file")
    for one in keys:
        until = one.ends.isoformat(timespec="seconds") if one.ends else "-"
        row = (one.owner, one.purpose, one.id, one.state(now), until, one.file)
        shown.add_row(*map(plain, row))
    console().print(shown)


def _rotation(
    endpoint: "Endpoint", credential: str, old: str, new: str, *, now: datetime, quiet: timedelta
) -> "Rotation":
    """Return what configuration and files tell of the change."""
    from ops.key_rotation import Rotation
    from ops.keys import key_fault
    from runtime.key_source import CREDENTIALS, ring_of

    section = getattr(endpoint, credential, None) if credential in CREDENTIALS else None
    if section is None:
        has = ", ".join(name for name in CREDENTIALS if getattr(endpoint, name))
        raise Broken(f"endpoint {endpoint.name} has no {credential}; it has: {has}")
    keys = {key.id: key for key in section.keys}
    if old not in keys and new not in keys:
        raise Broken(f"{endpoint.name}.{credential} has neither key; it has: {', '.join(keys)}")
    faults = {name: fault for name, key in keys.items() if (fault := key_fault(key))}
    pair = [keys[name] for name in (old, new) if name in keys and name not in faults]
    return Rotation(
        endpoint=endpoint.name,
        credential=credential,
        old=old,
        new=new,
        keys=keys,
        faults=faults,
        same_secret=len({key.digest for key in ring_of(pair).keys}) < len(pair),
        quiet=quiet,
        now=now,
    )


async def _looked(
    configuration: "Configuration",
    endpoint: "Endpoint",
    rotation: "Rotation",
    processes: list[str] | None,
) -> "Rotation":
    """Return the rotation with what processes and the raw topic tell."""
    from ops.running import running_process

    port = configuration.management_port
    configured_one = [f"{configuration.management_host}:{port}"] if port else []
    running: dict[str, frozenset[str] | None] = {}
    for address in processes or configured_one:
        try:
            held = (await running_process(address)).keys
        except Unavailable:
            running[address] = None
        else:
            running[address] = held.get((rotation.endpoint, rotation.credential), frozenset())
    uses = await _uses(configuration, endpoint, rotation)
    return replace(rotation, running=running, uses=uses)


async def _uses(
    configuration: "Configuration", endpoint: "Endpoint", rotation: "Rotation"
) -> "dict[str, Use]":
    """Return how the two keys were used lately, by what the ingress wrote."""
    from contracts.topics import Topics
    from ops.cluster import connected
    from ops.key_rotation import Use
    from ops.topic_reader import all_partitions, read_to_end

    uses = {rotation.old: Use(), rotation.new: Use()}
    topic = Topics.of(endpoint.provider, prefix=configuration.topic_prefix).raw
    since = int((rotation.now - max(rotation.quiet, _LOOKED_BACK)).timestamp() * 1000)
    async with connected(configuration) as cluster:
        partitions = all_partitions(await cluster.partitions(topic))
        with progress("reading raw records") as on_progress:
            records = read_to_end(
                cluster.clients, partitions, since_milliseconds=since, on_progress=on_progress
            )
            async with aclosing(records):
                async for record in records:
                    for name in _used(record, rotation):
                        uses[name] = uses[name].once_more(record.written_at)
    return uses


def _used(record: "StoredRecord", rotation: "Rotation") -> set[str]:
    """Return which of the two keys a caller came with; a replay says nothing of today's callers."""
    named = text_of(record.header(raw.ENDPOINT)) == rotation.endpoint
    if not named or record.header(dead_letter.REPLAYED_FROM) is not None:
        return set()
    principal = text_of(record.header(raw.PRINCIPAL)).split()
    # Our own side's keys are told apart from the provider's by what the record is.
    ours = record.header(raw.SOURCE) == raw.Source.EXPECTATION.value.encode()
    if ours != (rotation.credential == "expectations"):
        return set()
    scheme = "api_key" if ours else rotation.credential
    return {name for name in (rotation.old, rotation.new) if f"{scheme}:{name}" in principal}
