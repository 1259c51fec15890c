"""Make the issuer's keys of the wallet's vectors, once: `python -m tests.vectors.wallet.keys`.

They are recorded, because a vector is signed with them and must stay the same.
"""

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from simulator.sign_jws import TokenKey, key_set, new_token_key

DIRECTORY: Final = Path(__file__).parent
ALGORITHMS: Final = {"rsa": "RS256", "ed25519": "EdDSA", "p256": "ES256", "stranger": "RS256"}


def token_key(kid: str) -> TokenKey:
    """Return a recorded key."""
    key = load_pem_private_key((DIRECTORY / "secrets" / f"{kid}.pem").read_bytes(), password=None)
    assert isinstance(
        key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    )
    return TokenKey(kid, key, ALGORITHMS[kid])


def main() -> None:
    """Write the private keys, and the set of public ones without the stranger's."""
    made = [new_token_key(kid, algorithm) for kid, algorithm in ALGORITHMS.items()]
    for one in made:
        pem = one.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (DIRECTORY / "secrets" / f"{one.kid}.pem").write_bytes(pem)
    trusted = [one for one in made if one.kid != "stranger"]
    (DIRECTORY / "jwks.json").write_bytes(key_set(trusted))


if __name__ == "__main__":
    main()
