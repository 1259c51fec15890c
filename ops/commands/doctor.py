"""`esito doctor`: compare the configuration with this machine and the running cluster."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import typer

from contracts.errors import EsitoError
from ops.command_line import NO, AsJson, ConfigurationFile, configured, run
from ops.terminal import console, plain, write_json

if TYPE_CHECKING:
    from ops.doctor.finding import Finding
    from runtime.configuration import Configuration

_STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(configuration: ConfigurationFile = None, *, as_json: AsJson = False) -> None:
    """Examine configuration, secrets, ports, brokers, topics, rights, clocks and consumers.

    Each finding is ok, warn or fail, with its fix. Nothing is changed, and nothing is written to a
    topic. Ends with 1 when anything fails.
    """
    failed = run(_examine(configured(configuration), as_json=as_json))
    if failed:
        raise typer.Exit(NO)


async def _examine(configuration: "Configuration", *, as_json: bool) -> bool:
    from ops.cluster import connected
    from ops.doctor.cluster import cluster_findings
    from ops.doctor.files import (
        configuration_findings,
        lifetime_findings,
        port_findings,
        secret_findings,
    )
    from ops.doctor.finding import Level, bad

    failed, now = False, datetime.now(UTC)

    def tell(finding: "Finding") -> None:
        nonlocal failed
        failed = failed or finding.level is Level.FAIL
        _tell(finding, as_json=as_json)

    for finding in (
        *configuration_findings(configuration, now=now),
        *secret_findings(configuration),
        *lifetime_findings(configuration, now=now),
        *port_findings(configuration),
    ):
        tell(finding)
    try:
        async with connected(configuration) as cluster:
            async for finding in cluster_findings(cluster, configuration):
                tell(finding)
    except EsitoError as error:
        tell(bad("brokers", str(error), "the cluster was not examined further"))
    return failed


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
