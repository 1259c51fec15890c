"""`esito doctor`: compare the configuration with this machine and the running cluster."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import EsitoError
from ops.command_line import NO, AsJson, ConfigurationFile, configured, run
from ops.terminal import console, plain, write_json

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ops.doctor.finding import Finding
    from runtime.configuration import Configuration

_STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    configuration: ConfigurationFile = None,
    *,
    process: Annotated[
        list[str] | None,
        typer.Option(
            "--process",
            metavar="HOST:PORT",
            help="Compare these processes, by management address; default: the configured one.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Examine configuration, secrets, ports, services, brokers, topics, rights, clocks, workers.

    Each finding is ok, warn or fail, with its fix. Nothing is changed, and nothing is written to a
    topic; the object store is tried with a small file, which is removed. With --process it asks
    running processes whether they were started with this configuration. Ends with 1 when anything
    fails.
    """
    failed = run(_examine(configured(configuration), process or [], as_json=as_json))
    if failed:
        raise typer.Exit(NO)


async def _examine(configuration: "Configuration", processes: list[str], *, as_json: bool) -> bool:
    from ops.doctor.finding import Level

    failed = False
    async for finding in _findings(configuration, processes):
        failed = failed or finding.level is Level.FAIL
        _tell(finding, as_json=as_json)
    return failed


async def _findings(
    configuration: "Configuration", processes: list[str]
) -> "AsyncGenerator[Finding]":
    from ops.cluster import connected
    from ops.doctor.cluster import cluster_findings
    from ops.doctor.drift import drift_findings
    from ops.doctor.files import (
        configuration_findings,
        lifetime_findings,
        port_findings,
        secret_findings,
    )
    from ops.doctor.finding import bad
    from ops.doctor.services import service_findings

    now = datetime.now(UTC)
    for finding in (
        *configuration_findings(configuration, now=now),
        *secret_findings(configuration),
        *lifetime_findings(configuration, now=now),
        *port_findings(configuration),
        *await drift_findings(configuration, processes),
    ):
        yield finding
    async for finding in service_findings(configuration):
        yield finding
    try:
        async with connected(configuration) as cluster:
            async for finding in cluster_findings(cluster, configuration):
                yield finding
    except EsitoError as error:
        yield bad("brokers", str(error), "the cluster was not examined further")


def _tell(finding: "Finding", *, as_json: bool) -> None:
    if as_json:
        write_json(
            {
                "level": finding.level,
                "subject": finding.subject,
                "said": finding.said,
                "fix": finding.fix,
            }
        )
        return
    line = plain(f"{finding.level:<4}", style=_STYLES[finding.level])
    line.append_text(plain(f"  {finding.subject}: {finding.said}"))
    console().print(line, soft_wrap=True)
    if finding.fix:
        console().print(plain(f"      fix: {finding.fix}", style="dim"), soft_wrap=True)
