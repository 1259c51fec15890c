"""`esito sign`: one SRTP message, signed as a bank of the test PKI, as a curl command."""

import secrets
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import Broken
from ops.command_line import (
    ConfigurationFile,
    EndpointName,
    configured,
    endpoint_named,
)
from ops.terminal import notes, plain

if TYPE_CHECKING:
    from simulator.srtp.cast import Carrier

_SEEDS: Final = 1_000_000

Carried = Annotated[
    str | None,
    typer.Option(
        "--carrier",
        metavar="NAME",
        help="json-direct, json-document, xml-body; of xmldsig: xml-body, xml-text, xml-base64, "
        "business-message. Default: by chance.",
    ),
]
Status = Annotated[str, typer.Option(metavar="CODE", help="TxSts: ACTC, ACCP, RJCT and so on.")]
Reason = Annotated[str | None, typer.Option(metavar="CODE", help="The reason; RJCT needs one.")]
Speaker = Annotated[
    str, typer.Option(metavar="BANK", help="In whose name the message speaks: bank-a or bank-b.")
]
Signer = Annotated[
    str,
    typer.Option(metavar="NAME", help="Who signs, of those `esito pki` names; default: speaker."),
]
Caller = Annotated[
    str, typer.Option(metavar="NAME", help="Whose client certificate it is; default: signer.")
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", help="The same seed makes the same message; default: a new one."),
]


def sign(
    endpoint: EndpointName,
    configuration: ConfigurationFile = None,
    *,
    carrier: Carried = None,
    status: Status = "ACTC",
    reason: Reason = None,
    speaker: Speaker = "bank-a",
    signer: Signer = "",
    caller: Caller = "",
    seed: Seed = None,
) -> None:
    """Print the curl command that sends one signed pain.014 to ENDPOINT, which must be srtp's.

    It is signed in every way that the endpoint demands, by the test PKI beside certificates:
    root_files. Give --signer bank-b, and the message of bank A becomes a dead letter.
    """
    from ops.signed_request import Wish, signed_request

    settings = configured(configuration)
    chosen = secrets.randbelow(_SEEDS) if seed is None else seed
    wish = Wish(
        status=status,
        reason=reason,
        carrier=_carrier(carrier),
        speaker=speaker,
        signer=signer,
        caller=caller,
        seed=chosen,
    )
    signed = signed_request(settings, endpoint_named(settings, endpoint), wish)
    notes().print(plain(f"· transaction {signed.transaction_id} (seed {chosen})"))
    # As it is, line feeds and all: every word of it is ours, and a shell is to read it.
    print(signed.curl())


def _carrier(name: str | None) -> "Carrier | None":
    from simulator.srtp.cast import Carrier

    if name is None:
        return None
    try:
        return Carrier(name)
    except ValueError:
        raise Broken(f"no carrier {name}; there are {', '.join(Carrier)}") from None
