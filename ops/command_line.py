"""Give every command of `esito` the same options, the same errors and the same way to Kafka.

Exit codes: 0 done, 1 done and the answer is no (a check found a fault), 2 not done: one line on
standard error says why and what to change.
"""

import asyncio
import os
import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from rich.progress import Progress
from typer.core import TyperGroup

from contracts.errors import Broken, EsitoError
from ops.completion import endpoint_names, provider_names
from ops.terminal import notes, printable

if TYPE_CHECKING:
    from runtime.configuration import Configuration
    from runtime.endpoint_configuration import Endpoint

NO: Final = 1
_NOT_DONE: Final = 2
_LINE_FEED: Final = re.compile(r"(?<!\n)\n(?!\n)")
T = TypeVar("T")

ConfigurationFile = Annotated[
    Path | None,
    typer.Option(
        "--configuration",
        envvar="ESITO_CONFIGURATION",
        metavar="FILE",
        help="The YAML file; default: esito.yaml.",
    ),
]
CacheDirectory = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        envvar="ESITO_CACHE",
        metavar="DIR",
        help="Where the jars of the embedded Kafka are kept; default: ~/.cache/esito.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object on a line.")]
ProviderName = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="Only this provider's topics.",
        autocompletion=provider_names,
    ),
]
EndpointName = Annotated[
    str,
    typer.Argument(metavar="ENDPOINT", help="The endpoint's name.", autocompletion=endpoint_names),
]


class Commands(TyperGroup):
    """A group whose commands end with one clear line instead of a traceback."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - typer's own settings
        """Let paragraphs of a docstring fill the width: their line feeds are the source's."""
        super().__init__(**settings)
        for command in self.commands.values():
            command.help = paragraphs(command.help or "")

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer keeps its context class to itself
        """Run the command; turn our own errors into a line and an exit code."""
        try:
            return super().invoke(ctx)
        except EsitoError as error:
            raise _not_done(str(error)) from None
        except OSError as error:
            if error.filename is None:  # no file that somebody named: a fault of ours
                raise
            raise _not_done(f"{error.filename}: {error.strerror}") from None


def _not_done(why: str) -> typer.Exit:
    for line in why.splitlines():
        notes().print(f"esito: {printable(line)}")
    return typer.Exit(_NOT_DONE)


def group(summary: str) -> typer.Typer:
    """Return an empty group of commands; `summary` is its one line in the help."""
    return typer.Typer(
        cls=Commands,
        help=summary,
        no_args_is_help=True,
        rich_markup_mode="rich",
        # Local variables hold secrets and bodies.
        pretty_exceptions_show_locals=False,
    )


def paragraphs(text: str) -> str:
    """Return `text` with the line feeds within its paragraphs taken away."""
    return _LINE_FEED.sub(" ", text)


def examples(*lines: str) -> str:
    """Return the end of a command's help; a test runs each line through the parser."""
    shown = "\n".join("  " + line.replace("[", r"\[") for line in lines)
    return f"[bold]Examples[/bold]\n{shown}"


def configured(file: Path | None) -> "Configuration":
    """Return the configuration in `file`, overridden by the environment.

    Raises:
        Broken: one line for each fault, naming file, line, key and rule.
    """
    from runtime.configuration_file import (  # noqa: PLC0415 - pydantic models take 0.3 s
        DEFAULT_FILE,
        load_configuration,
    )

    return load_configuration(file or DEFAULT_FILE, environ=os.environ)


def providers_asked(configuration: "Configuration", provider: str | None) -> tuple[str, ...]:
    """Return the names of the configured providers, or the one asked for.

    Raises:
        Broken: no endpoint has that provider.
    """
    names = sorted({endpoint.provider for endpoint in configuration.endpoints})
    if provider is None:
        return tuple(names)
    if provider not in names:
        raise Broken(f"no endpoint has the provider {provider}; there are: {', '.join(names)}")
    return (provider,)


def endpoint_named(configuration: "Configuration", name: str) -> "Endpoint":
    """Return the endpoint called `name`.

    Raises:
        Broken: there is none; the message lists those there are.
    """
    for endpoint in configuration.endpoints:
        if endpoint.name == name:
            return endpoint
    names = ", ".join(endpoint.name for endpoint in configuration.endpoints)
    raise Broken(f"no endpoint {name}; the configuration has: {names}")


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows how far the work has come; a bar in a terminal, else nothing."""
    screen = notes()
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(doing, total=None)

        def show(passed: int, total: int) -> None:
            bar.update(task, completed=passed, total=total)

        yield show


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns, run in an event loop of its own."""
    return asyncio.run(work)
