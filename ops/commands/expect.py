"""`esito expect`: announce a transaction, so that its silence is noticed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import Broken
from ops.command_line import ConfigurationFile, configured, endpoint_named, run
from ops.durations import after
from ops.terminal import console, plain

if TYPE_CHECKING:
    from runtime.configuration import Configuration


def expect(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's name.")],
    transaction_id: Annotated[
        str, typer.Argument(metavar="TRANSACTION_ID", help="As the provider will name it.")
    ],
    configuration: ConfigurationFile = None,
    *,
    deadline: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="2h, 3d, or an RFC 3339 instant; default: deadline_seconds."
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The ingress; default: ingress.public_url.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The key; default: the first of expectations: keys."),
    ] = None,
) -> None:
    """Announce a transaction that our own side has started, and by when it should be final.

    One that stays silent becomes an overdue anomaly. With --url and --key-file no configuration is
    needed.
    """
    from ops.expectation import announce

    _check(transaction_id)
    by = after(deadline, now=datetime.now(UTC)) if deadline else None
    if url is None or key_file is None:
        settings = configured(configuration)
        url = url or settings.ingress.public_url
        key_file = key_file or _key_file(settings, endpoint)
    key = _key(key_file)
    run(announce(url, key, endpoint=endpoint, transaction_id=transaction_id, deadline=by))
    until = f", to be final by {by.isoformat()}" if by else ""
    console().print(plain(f"announced  {endpoint}:{transaction_id}{until}"))


def _check(transaction_id: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    from contracts.update import TransactionId

    try:
        TypeAdapter(TransactionId).validate_python(transaction_id)
    except ValidationError:
        raise Broken(
            "the transaction id must be 1 to 200 printable ASCII characters without spaces"
        ) from None


def _key_file(configuration: "Configuration", name: str) -> Path:
    expectations = endpoint_named(configuration, name).expectations
    if expectations is None:
        raise Broken(f"endpoint {name} has no expectations: keys; add them, or give --key-file")
    return expectations.keys[0].file


def _key(file: Path) -> str:
    try:
        return file.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Broken(f"{file}: cannot be read ({type(error).__name__})") from None
