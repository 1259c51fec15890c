"""`esito hmac-profile`: find the HMAC recipe of a provider that publishes none."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import Broken
from ops.command_line import NO, ConfigurationFile, configured
from ops.terminal import console, notes, plain

if TYPE_CHECKING:
    from ops.mac_profiles import Search


FORMATS: Final = """\
[bold]A captured request[/bold], kept before anything rewrites it, in one of two forms:

Raw HTTP: request line, header fields, an empty line, the body. The body ends with the file, or
where Content-Length says.

JSON: {"method": "POST", "target_uri": "https://…", "headers": {"X-Timestamp": "…",
"X-UAEPASS-Signature": "…"}, "body_base64": "…"}. Instead of body_base64, body holds it as text;
instead of headers, timestamp and signature may stand for themselves.

"""

Request = Annotated[
    Path, typer.Option(metavar="FILE", help="The captured request, JSON or raw HTTP.")
]
SecretFile = Annotated[Path, typer.Option(metavar="FILE", help="The secret it was made with.")]
Provider = Annotated[str, typer.Option(metavar="NAME", help="Whose header names to look for.")]
PublicUrl = Annotated[
    str,
    typer.Option(
        metavar="URL", help="What stood before the path; default: public_url, or the Host."
    ),
]
GoldenVector = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the request as a golden vector; it holds the secret."),
]


def hmac_profile(
    configuration: ConfigurationFile = None,
    *,
    request: Request,
    secret_file: SecretFile,
    provider: Provider = "uaepass",
    public_url: PublicUrl = "",
    write_golden_vector: GoldenVector = None,
) -> None:
    """Find the HMAC profile that reproduces one captured request, and print it to paste.

    Ends with 1 when no profile fits.
    """
    from contracts.providers import provider_named
    from ops.captured_request import HeaderNames, read_captured, write_secretly
    from ops.mac_profiles import find_profiles

    door = provider_named(provider).door
    if not door.signature_header:
        raise Broken(f"provider {provider} signs nothing by HMAC")
    names = HeaderNames(timestamp=door.timestamp_header, signature=door.signature_header)
    if configuration and not public_url:
        public_url = configured(configuration).ingress.public_url
    captured = read_captured(request, names, public_url=public_url)
    secret = _secret(secret_file)
    search = find_profiles(captured.signed, captured.signature, secret)
    _print(search, secret_file, write_golden_vector)
    if not search.found:
        _explain(captured.signed.body, search.tried)
        raise typer.Exit(NO)
    if write_golden_vector is not None:
        write_secretly(write_golden_vector, json.dumps(captured.golden_vector(secret)) + "\n")
        notes().print(plain(f"wrote {write_golden_vector}: it holds the secret, mount it as one"))


def _secret(file: Path) -> bytes:
    try:
        # As the key source reads it: a line feed at the end is not part of the secret.
        return file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise Broken(f"{file}: cannot be read ({error.strerror})") from None


def _print(search: "Search", secret_file: Path, golden_vector: Path | None) -> None:
    from ops.mac_profiles import refusal, yaml_block

    for profile in search.found:
        wrong = refusal(profile)
        if search.timestamp_format is None:
            wrong = "its timestamp is in no format that a profile may name"
        if wrong:
            notes().print(plain(f"# this fits and the configuration refuses it: {wrong}"))
        block = yaml_block(
            profile,
            secret_file=str(secret_file),
            golden_vector_file=str(golden_vector or "golden-vector.json"),
        )
        for line in block.splitlines():
            console().print(plain(line), soft_wrap=True)
    if len(search.found) > 1:
        notes().print(f"# {len(search.found)} profiles fit; a second request tells them apart")


def _explain(body: bytes, tried: int) -> None:
    from ops.mac_profiles import SEPARATORS
    from runtime.mac import Encoding, Hash, Part

    console().print("none")
    notes().print(
        plain(
            f"tried {tried} recipes: {', '.join(Hash)}, as the signature's length allows; every "
            f"order of {', '.join(Part)} with the body; {len(SEPARATORS)} separators; "
            f"{', '.join(Encoding)} with any constant prefix"
        )
    )
    if not tried:
        notes().print("the signature header holds no code of 32, 48 or 64 bytes")
    if body.endswith(b"\n"):
        notes().print("the body ends with a line feed: if the editor added it, take it away")
    notes().print("the secret is used as the file has it: decode it first if it is hex or base64")
