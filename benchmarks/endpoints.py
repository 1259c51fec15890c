"""Configure one endpoint for each way of proving that is measured, with new keys for all."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from cryptography.hazmat.primitives.serialization import Encoding

from ops.local.installation import Addresses, write_installation
from simulator.credential_issuers import DOCUMENT_SIGNER, new_issuer
from simulator.pki import Identity, lasting, new_root
from simulator.pki_files import now_utc, read_identity

BANKS: Final = ("bank-a", "bank-b")  # RSA-2048 and P-256
CREDENTIAL_TYPE: Final = "eu.europa.ec.eudi.pid.1"
_SRTP: Final = ("srtp-xmldsig", "srtp-detached", "srtp-jws")
_IACA: Final = "trust/iaca.pem"

Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keys:
    """The directory of all keys, whose files the settings name, and a signer of mdocs."""

    directory: Path
    mdoc_signer: Identity

    def bank(self, name: str) -> Identity:
        """Return one of the banks that the simulator plays."""
        return read_identity(self.directory / "pki", name)


def write_endpoints(directory: Path) -> tuple[list[Settings], Keys]:
    """Return the settings of every endpoint, and the keys to call them with.

    They are those of `esito up` but for two things: the wallet's key set is a file, so that nobody
    need serve it, and SRTP's XML signature has endpoints that pin a bank's certificate.
    """
    file = write_installation(directory, Addresses())
    given = {one["name"]: one for one in yaml.safe_load(file.read_text())["endpoints"]}
    root = new_root("Esito test IACA", now=now_utc())
    _write_certificate(directory / _IACA, root)
    signer = new_issuer(root, "Issuer", life=lasting(now_utc()), purposes=[DOCUMENT_SIGNER])
    keys = Keys(directory, signer)
    endpoints = [
        {**given["pivot-local"], "name": "pivot"},
        {**given["uaepass-local"], "name": "uaepass"},
        *_wallets(given["wallet-local"]),
        *(given[name] for name in _SRTP),
        *(_pinned(given["srtp-xmldsig"], keys, bank) for bank in BANKS),
    ]
    return endpoints, keys


def alone(name: str, endpoints: Iterable[Settings]) -> list[Settings]:
    """Return the one endpoint of this name, as a list."""
    return [one for one in endpoints if one["name"] == name]


def _wallets(endpoint: Settings) -> list[Settings]:
    issuer = dict(endpoint["tokens"]["issuers"][0], jwks_file="wallet/jwks.json")
    for name in ("jwks_uri", "jwks_ca_file", "allow_private_addresses"):
        del issuer[name]
    demanded = dict(endpoint["tokens"]["presentations"], issuer_root_files=[_IACA])
    demanded["credential_types"] = [*demanded["credential_types"], CREDENTIAL_TYPE]
    return [
        {
            **endpoint,
            "name": name,
            "path": f"/callbacks/{name}",
            "tokens": {"issuers": [issuer], "presentations": presentations},
        }
        for name, presentations in (
            ("wallet", {"policy": "off"}),
            ("wallet-presentations", demanded),
        )
    ]


def _pinned(endpoint: Settings, keys: Keys, bank: str) -> Settings:
    file = keys.directory / "trust" / f"{bank}.pem"
    _write_certificate(file, keys.bank(bank))
    return {
        **endpoint,
        "name": f"srtp-pinned-{bank}",
        "path": f"/srtp/pinned-{bank}/send",
        "more_paths": [],
        "certificates": {"pinned_files": [f"trust/{file.name}"]},
    }


def _write_certificate(file: Path, identity: Identity) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(identity.certificate.public_bytes(Encoding.PEM))
