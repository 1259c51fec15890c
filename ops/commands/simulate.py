"""`esito simulate`: play one provider against a running ingress, and say what must come out."""

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from ops.command_line import NO, AsJson, ConfigurationFile, configured, run
from ops.completion import provider_names
from ops.terminal import console, notes, write_json
from simulator.schedule import RETRY_SECONDS

if TYPE_CHECKING:
    from runtime.configuration import Configuration
    from simulator.plan import Plan
    from simulator.play import Played, Stage


Provider = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Whom to play: pivot, uaepass, srtp, wallet or send.",
        autocompletion=provider_names,
    ),
]
Transactions = Annotated[int, typer.Option(min=1, metavar="N", help="How many.")]
Faults = Annotated[
    str,
    typer.Option(
        metavar="A,B",
        help="Faults by name, or all; one that the provider does not show is answered with those "
        "it does.",
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where the ingress is; default: ingress.public_url. Of send, intake.public_url and "
        "streams.public_url are called too.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", help="The same seed sends the same callbacks; default: a new one."),
]
Rate = Annotated[
    float | None, typer.Option(min=0.1, metavar="N", help="Transactions begun each second.")
]
Pause = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="Between the steps of a transaction.")
]
Retries = Annotated[
    float,
    typer.Option(
        "--retry-seconds",
        min=0,
        metavar="SECONDS",
        help="In what time all retries of one callback come, of a provider's hours or days.",
    ),
]
Compare = Annotated[
    bool, typer.Option("--compare", help="Read Kafka too, and compare what comes out.")
]


def simulate(
    configuration: ConfigurationFile = None,
    *,
    provider: Provider,
    transactions: Transactions = 100,
    faults: Faults = "",
    url: Url = None,
    seed: Seed = None,
    rate: Rate = None,
    pause: Pause = 1.0,
    retry_seconds: Retries = RETRY_SECONDS,
    compare: Compare = False,
    as_json: AsJson = False,
) -> None:
    """Send a provider's callbacks, correct and faulty, and print what must come out of them.

    Messages of srtp are signed with the PKI beside certificates: root_files. A notification of send
    goes the whole way, from the upload of its files to the stream that tells of it; --rate and
    --retry-seconds do not change it.

    Ends with 1 when answers (with --compare: also status events, anomalies or dead letters) are not
    as planned.
    """
    settings = configured(configuration)
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    plan = _plan(settings, provider, transactions, faults, chosen)
    stage = _stage(settings, url, retry_seconds=retry_seconds, rate=rate)
    notes().print(f"· Sending {len(plan.callbacks)} callbacks to {stage.url} (seed {chosen})")
    played = run(_play(stage, plan, None if compare else pause))
    _show(plan, played, seed=chosen, as_json=as_json)


def _plan(
    settings: "Configuration", provider: str, transactions: int, faults: str, seed: int
) -> "Plan":
    from simulator.planning import make_plan
    from simulator.scene import scene_of

    return make_plan(
        provider,
        transactions=transactions,
        faults=faults_named(settings, provider, faults),
        seed=seed,
        scene=scene_of(settings, provider),
    )


def _stage(
    settings: "Configuration", url: str | None, *, retry_seconds: float, rate: float | None
) -> "Stage":
    from simulator.jwks_server import publisher
    from simulator.play import Stage

    return Stage(
        url=url or settings.ingress.public_url,
        configuration=settings,
        retry_seconds=retry_seconds,
        stories_per_second=rate,
        on_cue=publisher(settings),
    )


def _show(plan: "Plan", played: "Played", *, seed: int, as_json: bool) -> None:
    from contracts.providers import provider_named
    from simulator.play import as_planned
    from simulator.report import plan_as_json, played_as_json, played_tables

    if as_json:
        write_json({**plan_as_json(plan, seed=seed), **played_as_json(plan, played)})
    else:
        for shown in played_tables(plan, played, provider_named(plan.provider).lifecycle):
            console().print(shown)
    if not as_planned(plan, played):
        raise typer.Exit(NO)


async def _play(stage: "Stage", plan: "Plan", pause: float | None) -> "Played":
    """Send the plan: with a pause between steps, or (None) watching what comes out."""
    from ops.cluster import connected
    from simulator.jwks_server import key_sets_served
    from simulator.play import Played, paused, play, send_plan
    from simulator.reader import Reader

    settings = stage.configuration
    if pause is not None:
        async with key_sets_served(settings):
            return Played(await send_plan(stage, plan, paused(pause)), None)
    async with (
        key_sets_served(settings),
        connected(settings) as cluster,
        Reader(
            [plan.provider], clients=cluster.clients, topic_prefix=settings.topic_prefix
        ) as reader,
    ):
        return (await play(stage, [plan], reader, alone=False))[0]


def faults_named(settings: "Configuration", provider: str, text: str) -> "frozenset[str]":
    """Return the faults that `text` names, less what cannot be shown of this configuration."""
    from contracts.errors import Broken
    from simulator.jwks_server import can_publish
    from simulator.plan import Fault
    from simulator.planning import player_named

    known = player_named(provider).faults
    named = known if text == "all" else {one.strip() for one in text.split(",") if one.strip()}
    if Fault.KEY_ROTATION in named and not can_publish(settings):
        why = f"{Fault.KEY_ROTATION} needs an issuer whose jwks_uri is on this machine"
        if text != "all":
            raise Broken(why)
        notes().print(f"· Left out: {why}")
        named = named - {Fault.KEY_ROTATION}
    return frozenset(named)
