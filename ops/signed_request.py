"""Sign one SRTP message as a bank of the test PKI, and write the request as a curl command."""

import random
import shlex
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import Broken
from runtime.configuration import Configuration
from runtime.endpoint_configuration import Endpoint
from simulator.pki_files import BANKS, Bank
from simulator.plan import Callback
from simulator.scene import scene_of
from simulator.srtp.cast import Act, Carrier, caller_of, cast_of
from simulator.srtp.messages import new_message, new_request, report


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the message says, how it is carried, and who signs and calls, by default the speaker.

    The same seed makes the same message, whoever signs it.
    """

    status: str = "ACTC"
    reason: str | None = None
    carrier: Carrier | None = None
    speaker: str = BANKS[0].id
    signer: str = ""
    caller: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request that is ready to be sent, the transaction it is about, and what TLS is made with.

    `tls_files` are the certificate and the key of the caller, where Esito ends TLS itself.
    """

    transaction_id: str
    callback: Callback
    url: str
    tls_files: tuple[Path, Path] | None
    ca_file: Path

    def curl(self) -> str:
        """Return the command that sends it, for a POSIX shell."""
        options = [f"-H {shlex.quote(f'{name}: {text}')}" for name, text in self.callback.headers]
        if self.url.startswith("https:"):
            options.append(f"--cacert {shlex.quote(str(self.ca_file))}")
        if self.tls_files is not None:
            certificate, key = (shlex.quote(str(file)) for file in self.tls_files)
            options.append(f"--cert {certificate} --key {key}")
        options.append(f"--data-binary {shlex.quote(self.callback.body.decode())}")
        return " \\\n  ".join([f"curl -i {shlex.quote(self.url)}", *options])


def signed_request(configuration: Configuration, endpoint: Endpoint, wish: Wish) -> SignedRequest:
    """Return the wished request for this endpoint, signed in every way that it demands.

    Raises:
        Broken: the endpoint is none of SRTP's, trusts no test PKI, or takes no such carrier.
    """
    if endpoint.provider != "srtp":
        raise Broken(f"endpoint {endpoint.name} is of {endpoint.provider}; only srtp is signed so")
    scene = scene_of(configuration, endpoint.provider)
    rng = random.Random(f"signed request {wish.seed}")  # noqa: S311 - chance, no secret
    request, message = new_request(rng), new_message(rng, speaker=_bank(wish.speaker))
    act = Act(
        message=message,
        content=report(message, request, status=wish.status, reason=wish.reason),
        carrier=wish.carrier,
        signer=wish.signer,
        caller=wish.caller,
    )
    callback = cast_of(scene).callback(rng, endpoint, act)
    trust = _trust(endpoint)
    return SignedRequest(
        transaction_id=request.id,
        callback=callback,
        url=scene.public_url + callback.path,
        tls_files=_tls_files(endpoint, trust.parent / "identities", caller_of(act)),
        ca_file=trust / "root.pem",
    )


def _bank(name: str) -> Bank:
    for bank in BANKS:
        if bank.id == name:
            return bank
    raise Broken(f"no bank {name}; there are {', '.join(bank.id for bank in BANKS)}")


def _trust(endpoint: Endpoint) -> Path:
    files = endpoint.certificates.root_files if endpoint.certificates else ()
    if not files:
        raise Broken(f"endpoint {endpoint.name}: certificates.root_files names no test PKI")
    return files[0].parent


def _tls_files(endpoint: Endpoint, identities: Path, caller: str) -> tuple[Path, Path] | None:
    section = endpoint.client_certificate
    if section is None or section.header is not None:
        return None
    return identities / f"{caller}.pem", identities / f"{caller}.key"
