"""The options of every command that writes records again, and how it shows that."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import Broken
from ops.command_line import progress, run
from ops.terminal import console, notes, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.replay_report import Report
    from ops.replays import Replay
    from runtime.configuration import Configuration

# A tenth of what one verifier takes on two cores: what comes in meanwhile is not held up.
RATE: Final = 100.0

Yes = Annotated[bool, typer.Option("--yes", help="Send more than one without asking.")]
Rate = Annotated[
    float, typer.Option("--rate", min=0.1, metavar="N", help="Send so many in a second at most.")
]
Wait = Annotated[
    float,
    typer.Option(
        "--wait",
        min=0,
        metavar="SECONDS",
        help="Wait so long for the verifier, and say what became of them.",
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write what was sent, and what became of it, as JSON lines.",
    ),
]


def send_and_report(
    configuration: "Configuration",
    planned: "Sequence[Replay]",
    *,
    rate: float,
    wait: float,
    file: Path | None,
) -> None:
    """Send `planned`, show each as it is sent, and end with the report; Ctrl-C ends the sending.

    Raises:
        Broken: the report's file exists; nothing is sent.
    """
    from ops.replay_report import Report, replay_all

    if file is not None and file.exists():
        raise Broken(f"{file}: exists; name a new file for the report")
    report = Report(len(planned))

    def on_sent(one: "Replay", written: str) -> None:
        console().print(plain(f"sent  {one.source}  as  {written}"))

    try:
        with progress("sending") as on_progress:
            run(
                replay_all(
                    configuration,
                    planned,
                    report,
                    rate=rate,
                    wait_seconds=wait,
                    on_sent=on_sent,
                    on_progress=on_progress,
                )
            )
    finally:
        _tell(report, file)


def _tell(report: "Report", file: Path | None) -> None:
    from ops.replay_report import write_report

    for line in report.lines():
        notes().print(plain(line))
    if file is not None:
        write_report(report, file)
    if len(report.sent) < report.planned:
        notes().print("not all was sent; to begin anew is harmless: what was sent is sent twice")
