"""The options of every command that writes records again, and how it shows that."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ops.command_line import progress, run
from ops.terminal import console, notes, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.replay.replays import Replay, Sent
    from ops.replay.report import Report
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
        help="Write what is sent, and what became of it, as JSON lines; a new file.",
    ),
]


def send_and_report(
    configuration: "Configuration",
    planned: "Sequence[Replay]",
    *,
    rate: float,
    wait: float,
    file: Path | None,
    as_json: bool = False,
) -> None:
    """Send `planned`, show each as it is sent, and end with the report; Ctrl-C ends the sending.

    `as_json`: standard output has JSON already, so what is sent is told beside it.

    Raises:
        Broken: the report's file exists or cannot be made, and nothing is sent; or it is full.
    """
    from ops.replay.report import Report, replay_all, report_file

    screen = notes() if as_json else console()

    def on_sent(one: "Sent") -> None:
        screen.print(plain(f"sent  {one.replay.source}  as  {one.id}"))

    with report_file(file) as write, progress("sending") as on_progress:
        report = Report(len(planned), write)
        sending = replay_all(
            configuration,
            planned,
            report,
            rate=rate,
            wait_seconds=wait,
            on_sent=on_sent,
            on_progress=on_progress,
        )
        try:
            run(sending)
        finally:
            _tell(report)


def _tell(report: "Report") -> None:
    for line in report.lines():
        notes().print(plain(line))
    if len(report.sent) + report.gone < report.planned:
        notes().print("not all was sent; to begin anew is harmless: what was sent is sent twice")
