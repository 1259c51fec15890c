"""`esito config check`: find every fault of the configuration before a process does."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from contracts.errors import Broken
from ops.command_line import NO, AsJson, ConfigurationFile, examples, group
from ops.terminal import console, plain, write_json

if TYPE_CHECKING:
    from ops.configuration.check import Checked
    from ops.configuration.fault import Fault

app = group("Check the configuration.")


@app.callback()
def config() -> None:
    """Check the configuration."""


@app.command(
    epilog=examples(
        "esito config check",
        "esito config check --configuration esito.yaml",
        "esito config check --json",
    )
)
def check(configuration: ConfigurationFile = None, *, as_json: AsJson = False) -> None:
    """Load the file and every file it names; tell what is wrong, and what each endpoint demands.

    Secrets, golden vectors, certificates, revocation lists, key sets and schemas are read as the
    processes do. Each fault is named by file, line and key, with its fix. A warning is something
    that starts and yet is not right: a certificate that ends within 30 days, a revocation list that
    is overdue, a service provider without a certificate, a missing schema. Nothing but files is
    read. Ends with 1 when there is a fault.
    """
    from ops.configuration.check import check_file
    from runtime.configuration_file import DEFAULT_FILE, read_file

    file = configuration or DEFAULT_FILE
    read_file(file)  # without it nothing is checked, and the answer is not no
    try:
        checked, place = check_file(file, environ=os.environ, now=datetime.now(UTC))
    except Broken as error:
        _tell_unloaded(file, str(error).splitlines(), as_json=as_json)
        raise typer.Exit(NO) from None
    tell = _tell_as_json if as_json else _tell
    tell(file, checked, place)
    if checked.faults:
        raise typer.Exit(NO)


def _tell(file: Path, checked: "Checked", place: "Callable[[Fault], str]") -> None:
    from ops.configuration.endpoint_facts import lines_of
    from ops.configuration.named_files import key_rings

    screen = console()
    for endpoint in checked.endpoints:
        for line in lines_of(endpoint):
            screen.print(plain(line), soft_wrap=True)
    for word, found in (("", checked.faults), ("warning: ", checked.warnings)):
        for one in found:
            screen.print(plain(f"{place(one)}: {word}{one.name}: {one.what}"), soft_wrap=True)
            screen.print(plain(f"  fix: {one.fix}", style="dim"), soft_wrap=True)
    if checked.faults:
        return
    endpoints = checked.configuration.endpoints
    keys = sum(len(ring.keys) for ring in key_rings(checked.configuration))
    vectors = sum(endpoint.hmac is not None for endpoint in endpoints)
    warnings = f", {len(checked.warnings)} warnings" if checked.warnings else ""
    said = f"{file}: no fault in {len(endpoints)} endpoints, {keys} keys, {vectors} golden vectors"
    screen.print(plain(said + warnings))


def _tell_as_json(file: Path, checked: "Checked", place: "Callable[[Fault], str]") -> None:
    def told(found: "list[Fault]") -> list[dict[str, str]]:
        return [
            {"place": place(one), "key": one.name, "what": one.what, "fix": one.fix}
            for one in found
        ]

    write_json(
        {
            "file": str(file),
            "faults": told(checked.faults),
            "warnings": told(checked.warnings),
            "endpoints": checked.endpoints,
        }
    )


def _tell_unloaded(file: Path, lines: list[str], *, as_json: bool) -> None:
    if as_json:
        faults = [{"what": line} for line in lines]
        write_json({"file": str(file), "faults": faults, "warnings": [], "endpoints": []})
        return
    for line in lines:
        console().print(plain(line), soft_wrap=True)
