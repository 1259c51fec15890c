"""`esito keys`: which keys there are, which come to their end, and how to change one."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import Broken
from ops.command_line import (
    NO,
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
from ops.durations import after, before
from ops.terminal import console, plain, table, write_json

if TYPE_CHECKING:
    from ops.keys.listed import ListedKey
    from ops.keys.rotation import Rotation
    from runtime.configuration import Configuration
    from runtime.endpoint_configuration import Endpoint

# A provider that calls less than once a day is looked at with a longer --quiet.
_QUIET: Final = timedelta(days=1)
_QUIET_MIN: Final = timedelta(hours=1)

app = group("See which keys there are and which come to their end, and change one without a gap.")

Processes = Annotated[
    list[str] | None,
    typer.Option(
        "--process",
        metavar="HOST:PORT",
        help="A process's management address, once for each ingress and verifier.",
    ),
]


@app.command(epilog=examples("esito keys ls", "esito keys ls --json"))
def ls(configuration: ConfigurationFile = None, *, as_json: AsJson = False) -> None:
    """List the keys and certificates of the configuration, never a secret.

    Those of endpoints, of public bodies and of consumers; roots, pinned certificates and
    revocation lists. The key sets of token issuers are theirs, and are not listed.
    """
    from ops.keys.listed import listed_keys

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
    from ops.keys.listed import listed_keys

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
    endpoint: EndpointName,
    credential: Annotated[
        str, typer.Argument(metavar="CREDENTIAL", help="api_key, hmac, path_token, expectations.")
    ],
    old: Annotated[str, typer.Option("--from", metavar="ID", help="The key to replace.")],
    new: Annotated[str, typer.Option("--to", metavar="ID", help="The key that follows it.")],
    configuration: ConfigurationFile = None,
    *,
    process: Processes = None,
    quiet: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="The old key is unused when nobody came with it so long; default: 1d. Of a "
            "path_token: the longest that a transaction takes.",
        ),
    ] = None,
) -> None:
    """Walk through the change of one key: what is done, what is next, and how it is checked.

    Nothing is changed: run it again after each step. It looks at the configuration and the files,
    asks the processes of --process which keys they hold, and reads from the raw topic which key
    callbacks came with, and whether the verifier has passed them. Name every ingress process:
    nothing else tells how many there are. Ends with 1 until everything is done.
    """
    from ops.keys.rotation import lines, rotation_is_over, steps

    if old == new:
        raise Broken("--from and --to name one key; a new key needs an id of its own")
    settings = configured(configuration)
    one = endpoint_named(settings, endpoint)
    rotation = _rotation(one, credential, old, new, _quiet(settings, credential, quiet))
    found = steps(run(_known(settings, one.provider, rotation, process or [])))
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
    endpoint: "Endpoint", credential: str, old: str, new: str, quiet: timedelta
) -> "Rotation":
    """Return what configuration and files tell of the change."""
    from ops.keys.listed import key_fault
    from ops.keys.rotation import Rotation
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
        now=datetime.now(UTC),
    )


def _quiet(settings: "Configuration", credential: str, asked: str | None) -> timedelta:
    """Return how long nobody may have come with the old key."""
    if asked is None:
        if credential == "path_token":
            raise Broken(
                "a path made with the old key is called until its transaction ends: --quiet TIME, "
                "the longest that a transaction takes"
            )
        return _QUIET
    now = datetime.now(UTC)
    quiet = now - before(asked, now=now)
    if quiet < _QUIET_MIN:
        raise Broken(f"--quiet {asked}: less than an hour without a callback proves nothing")
    if quiet > timedelta(days=settings.topics.raw_retention_days):
        raise Broken(
            f"--quiet {asked}: callbacks are kept for {settings.topics.raw_retention_days:g} days "
            "(topics.raw_retention_days), nothing older can be looked for"
        )
    return quiet


async def _known(
    configuration: "Configuration", provider: str, rotation: "Rotation", processes: list[str]
) -> "Rotation":
    """Return the rotation with what processes and the raw topic tell."""
    from ops.keys.uses import held_by, uses_of

    running = {address: await held_by(address, rotation) for address in processes}
    with progress("reading raw records") as on_progress:
        known = await uses_of(configuration, provider, rotation, on_progress)
    return replace(known, running=running)
