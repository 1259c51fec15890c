"""`esito up`: a whole Esito on this machine, with data that lasts, until Ctrl-C."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ops.command_line import CacheDirectory
from ops.terminal import console, notes, plain

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from ops.local.running_installation import LocalEsito

_PORT_MAX: Final = 65_500  # room for the management ports that follow

DataDirectory = Annotated[
    Path, typer.Option(metavar="DIR", help="Where secrets, configuration, records and logs last.")
]
Port = Annotated[
    int | None,
    typer.Option(min=1, max=_PORT_MAX, metavar="N", help="For callbacks; default: 8080."),
]
KafkaPort = Annotated[
    int | None, typer.Option(min=1, max=_PORT_MAX, metavar="N", help="Of Kafka; default: 9092.")
]
ManagementPort = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=_PORT_MAX,
        metavar="N",
        help="Of the ingress's /readyz and /metrics, the workers' follow; default: 9190.",
    ),
]
IntakePort = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=_PORT_MAX,
        metavar="N",
        help="For requests of SEND; default: 8081. First run only.",
    ),
]
StreamsPort = Annotated[
    int | None,
    typer.Option(
        min=1, max=_PORT_MAX, metavar="N", help="For status streams; default: 8082. First run only."
    ),
]
JwksPort = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=_PORT_MAX,
        metavar="N",
        help="Where a simulated wallet publishes its keys; default: 9180. First run only.",
    ),
]


def up(
    *,
    data: DataDirectory = Path(".esito"),
    port: Port = None,
    kafka_port: KafkaPort = None,
    management_port: ManagementPort = None,
    intake_port: IntakePort = None,
    streams_port: StreamsPort = None,
    jwks_port: JwksPort = None,
    cache: CacheDirectory = None,
) -> None:
    """Run Esito on this machine with an embedded Kafka, until Ctrl-C.

    The first run makes secrets and esito.yaml in DIR, with the ports named; later runs read them,
    and a port named then holds for that run alone.
    """
    from ops.local.installation import Addresses, write_installation
    from ops.local.running_installation import run_until_signal

    directory = data.resolve()
    defaults = Addresses()
    addresses = Addresses(
        kafka=f"127.0.0.1:{kafka_port}" if kafka_port else defaults.kafka,
        ingress_port=port or defaults.ingress_port,
        management_port=management_port or defaults.management_port,
        intake_port=intake_port or defaults.intake_port,
        streams_port=streams_port or defaults.streams_port,
        jwks_port=jwks_port or defaults.jwks_port,
    )
    file = write_installation(directory, addresses)
    variables = _variables(port, kafka_port, management_port)
    run_until_signal(partial(_run, file, variables, cache))


async def _run(
    file: Path, variables: "Mapping[str, str]", cache: Path | None, stop: "asyncio.Event"
) -> None:
    from ops.local.running_installation import local_esito, unless_stopped
    from runtime.configuration_file import load_configuration
    from simulator.jwks_server import key_sets_served

    aside = notes()

    async def live() -> None:
        async with (
            key_sets_served(load_configuration(file, environ=variables)),
            local_esito(
                file,
                lasting=True,
                cache_directory=cache,
                variables=variables,
                on_progress=lambda line: aside.print(f"· {line}"),
            ) as esito,
        ):
            _introduce(esito, file)
            raise await esito.processes.died()

    # A signal ends it while it starts as well as later.
    await unless_stopped(stop, live())
    aside.print("· Stopped")


def _introduce(esito: "LocalEsito", file: Path) -> None:
    from ops.local.curl_commands import curl_commands, send_road

    screen = console()
    screen.print(f"\nEsito takes callbacks at {esito.url}; Ctrl-C stops it.\n")
    screen.print(f"configuration  {file}")
    screen.print(f"secrets        {file.parent / 'keys'}")
    screen.print(f"logs           {file.parent / 'logs'}")
    screen.print(f"Kafka          {esito.configuration.kafka_bootstrap_servers}")
    screen.print(f"PostgreSQL     {esito.configuration.database.url}", soft_wrap=True)
    screen.print(f"intake         {esito.configuration.intake.public_url}")
    screen.print(f"streams        {esito.configuration.streams.public_url}")
    for name, port in esito.processes.management_ports.items():
        screen.print(f"{name:21} http://127.0.0.1:{port}/metrics")
    screen.print()
    for whom, command in curl_commands(file.parent, url=esito.url).items():
        screen.print(plain(f"Send a callback as {whom}:", style="bold"))
        screen.print(f"\n{command}\n", soft_wrap=True)
    screen.print(plain("Send a notification as a public body, and follow it:", style="bold"))
    road = file.parent / "send-road.sh"
    road.write_text(send_road(file.parent, esito.configuration, url=esito.url))
    screen.print(f"\nbash {road}  # curl, step by step, to read and to change\n", soft_wrap=True)
    screen.print(plain("See what comes out, in another terminal:", style="bold"))
    for variable, value in esito.variables.items():
        screen.print(f"export {variable}='{value}'", soft_wrap=True)
    screen.print(f"export ESITO_CONFIGURATION={file}")
    screen.print("esito tap --from-beginning")
    screen.print("esito simulate --provider srtp --transactions 100 --faults all --compare\n")


def _variables(
    port: int | None, kafka_port: int | None, management_port: int | None
) -> dict[str, str]:
    """Return the settings of this run that the options name."""
    variables = {}
    if port is not None:
        variables["ESITO_INGRESS__PORT"] = f"{port}"
        variables["ESITO_INGRESS__PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    if kafka_port is not None:
        variables["ESITO_KAFKA_BOOTSTRAP_SERVERS"] = f"127.0.0.1:{kafka_port}"
    if management_port is not None:
        variables["ESITO_MANAGEMENT_PORT"] = f"{management_port}"
    return variables
