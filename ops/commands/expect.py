"""`esito expect`: announce a transaction, so that its silence is noticed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contracts.errors import Broken, why_unread
from ops.command_line import (
    ConfigurationFile,
    EndpointName,
    configured,
    endpoint_named,
    run,
)
from ops.durations import after
from ops.terminal import console, plain

if TYPE_CHECKING:
    from runtime.configuration import Configuration


Deadline = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="2h, 3d, or an RFC 3339 instant; default: deadline_seconds."),
]
Terms = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="JSON with what the callback must keep to: state, code, templates. A file, "
        "because secrets on a command line are everybody's to read.",
    ),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The key; default: the first of expectations: keys."),
]


def expect(
    endpoint: EndpointName,
    transaction_id: Annotated[
        str | None,
        typer.Argument(
            metavar="TRANSACTION_ID",
            help="As the provider will name it; of an endpoint with path_token, made of the state.",
        ),
    ] = None,
    configuration: ConfigurationFile = None,
    *,
    deadline: Deadline = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The ingress; default: ingress.public_url.")
    ] = None,
    terms: Terms = None,
    key_file: KeyFileOption = None,
) -> None:
    """Announce a transaction that our own side has started, and by when it should be final.

    One that stays silent becomes an overdue anomaly. With --url and --key-file no configuration is
    needed. Of an endpoint with path_token the path to give to the provider is printed: keep it as
    you keep the state.
    """
    said = _terms(terms)
    path = ""
    if transaction_id is None:
        transaction_id, path = _minted(configured(configuration), endpoint, said)
    _check(transaction_id)
    by = after(deadline, now=datetime.now(UTC)) if deadline else None
    if url is None or key_file is None:
        settings = configured(configuration)
        url = url or settings.ingress.public_url
        key_file = key_file or _key_file(settings, endpoint)
    _announce(url, key_file, endpoint=endpoint, transaction_id=transaction_id, by=by, terms=said)
    if path:
        console().print(plain(f"path       {path}"))


def _announce(
    url: str,
    key_file: Path,
    *,
    endpoint: str,
    transaction_id: str,
    by: datetime | None,
    terms: Mapping[str, Any],
) -> None:
    from ops.expectation import announce

    run(
        announce(
            url,
            _key(key_file),
            endpoint=endpoint,
            transaction_id=transaction_id,
            deadline=by,
            terms=terms,
        )
    )
    until = f", to be final by {by.isoformat()}" if by else ""
    console().print(plain(f"announced  {endpoint}:{transaction_id}{until}"))


def _terms(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        found = json.loads(file.read_bytes())
    except OSError as error:
        raise Broken(f"{file}: cannot be read ({why_unread(error)})") from None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Broken(f"{file}: must be a JSON object with state, code and templates")
    return found


def _minted(configuration: "Configuration", name: str, terms: Mapping[str, Any]) -> tuple[str, str]:
    """Return the transaction that the state of `terms` names, and the path that calls about it."""
    from runtime.key_source import KeySource
    from runtime.path_token import mint

    endpoint, state = endpoint_named(configuration, name), terms.get("state")
    if endpoint.path_token is None or not isinstance(state, str):
        raise Broken(
            "give TRANSACTION_ID; only an endpoint with path_token makes it of the state in --terms"
        )
    ring = KeySource({name: endpoint}, lambda *_: None).of(name).path_token
    key = ring.lasting(at=datetime.now(UTC)) if ring else None
    if key is None:
        raise Broken(f"endpoint {name}: no key of path_token is valid now")
    token = mint(key.secret, endpoint=name, state=state)
    return token.transaction_id, f"{endpoint.path.rstrip('/')}/{token.segment}"


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
        raise Broken(f"{file}: cannot be read ({why_unread(error)})") from None
