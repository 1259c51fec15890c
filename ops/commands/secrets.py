"""`esito secrets`: new secrets to try Esito with, for a configuration that is written already."""

from pathlib import Path
from typing import Annotated

import typer

from ops.terminal import notes, plain


def secrets(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="Where to write them; made if missing.")
    ],
    *,
    password: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A password for PostgreSQL too, readable by everybody."),
    ] = None,
) -> None:
    """Make the secrets that `esito up` makes, in DIRECTORY, each of them new; keep what is there.

    Beside our own keys it holds those of everybody whom the simulator plays: pki/ of banks and of a
    public body, wallet/ of the wallet's gateway. So it is for trying out, and never for production.

    The password's file is readable by everybody because the server runs as another user: give it a
    place that only the two of them reach.
    """
    from ops.local.installation import write_password, write_secrets

    write_secrets(directory, parties=directory)
    if password is not None:
        write_password(password)
    notes().print(plain(f"{directory} has every secret; none that was there has changed"))
