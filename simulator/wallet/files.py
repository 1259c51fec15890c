"""Write and read the keys that the simulator signs the wallet's tokens and credentials with."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from contracts.errors import Broken
from simulator.pki import ec_key
from simulator.pki_files import write_new
from simulator.sign_jws import TokenKey, key_set, public_jwk

KEY_SET: Final = "jwks.json"
CREDENTIAL_KEY_SET: Final = "credential-issuer-jwks.json"
CREDENTIAL_ISSUER: Final = "https://credentials.example.org"
CREDENTIAL_TYPE: Final = "urn:eudi:pid:1"
_KID_CHARACTERS: Final = 16
_FILE_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class WalletKeys:
    """The gateway's key for tokens, the issuer's key for credentials, and their directory."""

    directory: Path
    gateway: TokenKey
    credentials: TokenKey


def write_wallet_keys(directory: Path) -> None:
    """Write new keys, and the key sets that publish them."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, published in (("gateway", KEY_SET), ("credential-issuer", CREDENTIAL_KEY_SET)):
        key = ec_key()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_new(directory / f"{name}.key", pem)
        write_new(directory / published, key_set([named(key)]), mode=_FILE_MODE)


def read_wallet_keys(directory: Path) -> WalletKeys:
    """Return the keys of a directory.

    Raises:
        Broken: it is none that `write_wallet_keys` wrote.
    """
    return WalletKeys(
        directory,
        gateway=_read(directory / "gateway.key"),
        credentials=_read(directory / "credential-issuer.key"),
    )


def publish(directory: Path, document: str) -> None:
    """Replace the gateway's key set; whoever reads meanwhile sees the old one or the new one."""
    new = directory / f"{KEY_SET}.new"
    new.write_text(document, encoding="utf-8")
    new.replace(directory / KEY_SET)


def named(key: ec.EllipticCurvePrivateKey) -> TokenKey:
    """Return the key with an id made of the key itself (RFC 7638, shortened)."""
    jwk = public_jwk(TokenKey("", key))
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return TokenKey(hashlib.sha256(text.encode()).hexdigest()[:_KID_CHARACTERS], key)


def _read(file: Path) -> TokenKey:
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise Broken(
            f"{file}: cannot be read ({error.strerror}); the simulator signs as the wallet of an "
            "installation that esito up wrote"
        ) from None
    except ValueError:
        raise Broken(f"{file}: no private key in PEM; write a new installation") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Broken(f"{file}: not a key of an elliptic curve; write a new installation")
    return named(key)
