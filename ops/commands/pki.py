"""`esito pki`: a test PKI in one directory, and the configuration that trusts it."""

from pathlib import Path
from typing import Annotated

import typer

from ops.terminal import console, notes, plain


def pki(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="Where to write it; must not hold one.")
    ],
) -> None:
    """Make a test PKI with new keys, and print the configuration that trusts it.

    DIRECTORY/trust is what a receiver needs: root.pem, issuing.pem, issuing.crl, and other-root.pem
    which nobody should trust. DIRECTORY/identities has NAME.pem (the chain) and NAME.key (readable
    by you alone): bank-a (RSA) and bank-b (P-256) seal messages, bank-a-tls and bank-b-tls call
    with a client certificate, server is for 127.0.0.1. bank-a-expired, bank-a-not-yet-valid,
    bank-a-wrong-usage, bank-a-revoked and bank-a-other-root must be rejected.

    Never use it in production: whoever has the directory is every bank in it.
    """
    from ops.local.pki_configuration import pki_configuration
    from simulator.pki_files import make_pki, now_utc, write_pki

    write_pki(make_pki(now=now_utc()), directory)
    notes().print(plain(f"wrote {directory}: two banks and five that must be rejected"))
    for line in pki_configuration(directory / "trust").splitlines():
        console().print(plain(line), soft_wrap=True)
