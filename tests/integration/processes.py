"""Run single processes of an installation beside a test of the command line."""

from pathlib import Path

from ops.local.processes import Processes, Program
from ops.local.running_installation import free_row


def process(file: Path, *arguments: str) -> Processes:
    """Return one process of the configuration in `file`; it runs in an `async with`."""
    return Processes(
        file,
        [Program(arguments[-1], arguments)],
        management_ports=[free_row(1)],
        logs=file.parent / "logs",
    )


def verifier(file: Path) -> Processes:
    """Return Pivot's verifier."""
    return process(file, "workers", "verifier", "--provider", "pivot")


def address_of(processes: Processes) -> str:
    """Return the management address of the one process."""
    (port,) = processes.management_ports.values()
    return f"127.0.0.1:{port}"
