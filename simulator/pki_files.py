"""Write a whole test PKI into one directory as PEM files, and read its identities back.

`DIRECTORY/trust/` is what a receiver is given: roots, issuers, the revocation list. The private
keys beside it, in `DIRECTORY/identities/`, are of the banks that the simulator plays.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from contracts.errors import Broken
from simulator.pki import (
    Identity,
    Life,
    PrivateKey,
    ec_key,
    lasting,
    new_authority,
    new_encipherer,
    new_root,
    new_seal,
    new_tls_client,
    new_tls_server,
    revocation_list,
    rsa_key,
)

_KEY_MODE: Final = 0o600
_FILE_MODE: Final = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A bank of the simulator: how messages, certificates and the registry name it."""

    id: str
    bic: str
    lei: str
    organization: str


BANK_A: Final = Bank(
    id="bank-a", bic="ESTAITMM", lei="8156007F3C1D5A9E2B10", organization="PSDIT-BI-70001"
)
BANK_B: Final = Bank(
    id="bank-b", bic="ESTBITRR", lei="8156004E6B2F8D0C1A39", organization="PSDIT-BI-70002"
)
BANKS: Final = (BANK_A, BANK_B)
PUBLIC_BODY: Final = "public-body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pki:
    """Two roots that know nothing of each other, what they issued by name, and one list.

    Names: `bank-a` (RSA) and `bank-b` (P-256) seal; `bank-a-tls` and `bank-b-tls` call;
    `public-body` seals documents;
    `bank-a-expired`, `-not-yet-valid`, `-wrong-usage`, `-revoked` and `-other-root` are bank A's in
    name; `server` is 127.0.0.1's.
    """

    root: Identity
    other_root: Identity
    issuing: Identity
    crl: x509.CertificateRevocationList
    identities: Mapping[str, Identity]


def make_pki(*, now: datetime) -> Pki:
    """Return a new PKI."""
    root = new_root("Esito test root", now=now)
    other_root = new_root("Esito test other root", now=now)
    issuing = new_authority(root, "Esito test issuing CA", now=now)
    identities = {
        "bank-a": _seal(issuing, BANK_A, lasting(now), rsa_key()),
        "bank-b": _seal(issuing, BANK_B, lasting(now), ec_key()),
        PUBLIC_BODY: _public_body(issuing, now),
        "bank-a-tls": _tls(issuing, BANK_A, now),
        "bank-b-tls": _tls(issuing, BANK_B, now),
        **_bad_seals(issuing, other_root, now),
        "server": new_tls_server(issuing, "localhost", life=lasting(now)),
    }
    crl = revocation_list(issuing, [identities["bank-a-revoked"].certificate], now=now)
    return Pki(root=root, other_root=other_root, issuing=issuing, crl=crl, identities=identities)


def write_pki(pki: Pki, directory: Path) -> None:
    """Write everything; keys may be read by their owner alone.

    Raises:
        Broken: the directory cannot be written, or holds a PKI already.
    """
    try:
        _write_trust(pki, directory / "trust")
        for name, identity in pki.identities.items():
            _write_identity(directory / "identities", name, identity)
    except FileExistsError as error:
        raise Broken(f"{error.filename} exists; give a new directory") from None
    except OSError as error:
        raise Broken(f"{error.filename}: cannot be written ({error.strerror})") from None


def read_identity(directory: Path, name: str) -> Identity:
    """Return an identity that `write_pki` wrote, with its issuers.

    Raises:
        Broken: its files are missing or are none of ours.
    """
    try:
        key_pem = (directory / "identities" / f"{name}.key").read_bytes()
        chain_pem = (directory / "identities" / f"{name}.pem").read_bytes()
        roots_pem = (directory / "trust" / _root_file(name)).read_bytes()
        key = load_pem_private_key(key_pem, password=None)
        chain = x509.load_pem_x509_certificates(chain_pem)
        root = x509.load_pem_x509_certificate(roots_pem)
    except OSError as error:
        raise Broken(
            f"{error.filename}: cannot be read ({error.strerror}); esito pki writes such a "
            "directory"
        ) from None
    except ValueError:
        raise Broken(f"{directory}: the files of {name} are not PEM; write a new one") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Broken(f"{directory}: the key of {name} is neither RSA nor EC; write a new one")
    return Identity(key, chain[0], (*chain[1:], root))


def _seal(issuer: Identity, bank: Bank, life: Life, key: PrivateKey) -> Identity:
    return new_seal(issuer, bank.id, organization=bank.organization, life=life, key=key)


def _public_body(issuer: Identity, now: datetime) -> Identity:
    organization = "GOVIT-70003"
    return new_seal(issuer, PUBLIC_BODY, organization=organization, life=lasting(now), key=ec_key())


def _tls(issuer: Identity, bank: Bank, now: datetime) -> Identity:
    name = f"{bank.id} client"
    return new_tls_client(issuer, name, organization=bank.organization, life=lasting(now))


def _bad_seals(issuing: Identity, other_root: Identity, now: datetime) -> dict[str, Identity]:
    day, year = timedelta(days=1), timedelta(days=365)
    organization = BANK_A.organization
    return {
        "bank-a-expired": _seal(issuing, BANK_A, Life(now - year, now - day), ec_key()),
        "bank-a-not-yet-valid": _seal(issuing, BANK_A, Life(now + day, now + year), ec_key()),
        "bank-a-wrong-usage": new_encipherer(
            issuing, BANK_A.id, organization=organization, life=lasting(now)
        ),
        "bank-a-revoked": _seal(issuing, BANK_A, lasting(now), ec_key()),
        "bank-a-other-root": _seal(other_root, BANK_A, lasting(now), ec_key()),
    }


def _write_trust(pki: Pki, trust: Path) -> None:
    trust.mkdir(parents=True, exist_ok=True)
    for name, authority in (
        ("root.pem", pki.root),
        ("other-root.pem", pki.other_root),
        ("issuing.pem", pki.issuing),
    ):
        pem = authority.certificate.public_bytes(Encoding.PEM)
        write_new(trust / name, pem, mode=_FILE_MODE)
    write_new(trust / "issuing.crl", pki.crl.public_bytes(Encoding.PEM), mode=_FILE_MODE)


def _write_identity(directory: Path, name: str, identity: Identity) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_new(directory / f"{name}.pem", identity.chain_pem, mode=_FILE_MODE)
    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_new(directory / f"{name}.key", key, mode=_KEY_MODE)


def write_new(file: Path, content: bytes, *, mode: int = _KEY_MODE) -> None:
    """Write a file that must not exist, with this mode from its first moment on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)


def _root_file(name: str) -> str:
    return "other-root.pem" if name.endswith("-other-root") else "root.pem"


def now_utc() -> datetime:
    """Return the time as certificates have it: whole seconds in UTC."""
    return datetime.now(UTC).replace(microsecond=0)
