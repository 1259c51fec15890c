"""`esito config check`: find every fault of the configuration before a process does."""

import os

import typer

from contracts.errors import Broken
from ops.command_line import NO, ConfigurationFile, examples, group
from ops.terminal import console, plain

app = group("Check the configuration.")


@app.callback()
def config() -> None:
    """Check the configuration."""


@app.command(epilog=examples("esito config check", "esito config check --configuration esito.yaml"))
def check(configuration: ConfigurationFile = None) -> None:
    """Load the file and every key file, prove the golden vectors, compare endpoints and routes.

    Each fault is named by file, line and key, with its fix. Nothing but files is read. Ends with 1
    when there is a fault.
    """
    from ops.configuration_check import check_file, key_files
    from runtime.configuration_file import DEFAULT_FILE

    file = configuration or DEFAULT_FILE
    try:
        settings, found = check_file(file, environ=os.environ)
    except Broken as error:
        for line in str(error).splitlines():
            console().print(plain(line), soft_wrap=True)
        raise typer.Exit(NO) from None
    for place, fault in found:
        console().print(plain(f"{place}: {fault.name}: {fault.what}"), soft_wrap=True)
        console().print(plain(f"  fix: {fault.fix}", style="dim"), soft_wrap=True)
    if found:
        raise typer.Exit(NO)
    keys = sum(len(list(key_files(endpoint))) for endpoint in settings.endpoints)
    vectors = sum(endpoint.hmac is not None for endpoint in settings.endpoints)
    console().print(
        plain(
            f"{file}: no fault in {len(settings.endpoints)} endpoints, {keys} keys, "
            f"{vectors} golden vectors"
        )
    )
