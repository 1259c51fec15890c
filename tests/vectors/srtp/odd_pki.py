"""Make the rarer bad certificates of SRTP's vectors, once: `python -m tests.vectors.srtp.odd_pki`.

The simulator's PKI has what a bank's certificate may be wrong in; here are CAs that may not issue,
chains that lead nowhere, and CAs with two certificates. One key signs for all of them, so that a
vector shows its chain to be at fault and nothing else. Recorded, like `pki.py`.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from simulator.pki import Identity
from tests.certificates import (
    ISSUING,
    SIGNING,
    YEAR,
    Issued,
    intermediate,
    issue,
    leaf,
    long_exponents,
    pem,
    revocation_list,
    root,
    weakly_signed,
)
from tests.updates import NOON

DIRECTORY: Final = Path(__file__).parent / "pki" / "odd"
_BANK_A: Final = "PSDIT-BI-70001"
_BANK_B: Final = "PSDIT-BI-70002"
_LIST_LIFE: Final = timedelta(days=3650)
Chain = tuple[Issued, ...]


def identity(case: str) -> Identity:
    """Return the recorded key with the chain of one case, which its signer sends whole."""
    chain = x509.load_pem_x509_certificates((DIRECTORY / f"{case}.pem").read_bytes())
    bits = "1024" if case == "key-of-1024-bits" else "2048"
    key = load_pem_private_key((DIRECTORY / f"rsa-{bits}.key").read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    # `Identity.chain` leaves out the last issuer, as signers leave out the root.
    return Identity(key, chain[0], (*chain[1:], chain[-1]))


def main() -> None:
    """Write the root, its revocation list, both keys, and a chain for each case."""
    DIRECTORY.mkdir()
    anchor = root("Odd Root")
    revoked = intermediate(anchor, "Revoked CA")
    cases = {
        **_sound(anchor),
        **_untrusted(anchor),
        **_invalid(anchor),
        **_of_wrong_time(anchor),
        "revoked-ca": (_bank(revoked), revoked),
        "a-ca": (_authority_bank(anchor),),
        "nobodys": (_bank(anchor, organization="PSDIT-BI-99999"),),
        "of-another-bank": (_bank(anchor, organization=_BANK_B),),
    }
    pinned = issue(None, "Bank", key_type="rsa", not_after=NOON, organization_identifier=_BANK_A)
    crl = revocation_list(anchor, revoked, next_update=NOON + _LIST_LIFE)
    files = {
        "root.pem": anchor.pem,
        "root.crl": crl.public_bytes(Encoding.PEM),
        "expired-though-pinned.pem": pinned.pem,
        "rsa-2048.key": _key(pinned),
        "rsa-1024.key": _key(cases["key-of-1024-bits"][0]),
        **{f"{case}.pem": pem(*chain) for case, chain in cases.items()},
    }
    for name, content in files.items():
        (DIRECTORY / name).write_bytes(content)


def _sound(anchor: Issued) -> Mapping[str, Chain]:
    """Return chains that hold: the odd ones would, but for what their names say."""
    plain = intermediate(anchor, "Plain CA")
    foreign = root("Foreign Root")
    crossed = [intermediate(by, "Crossed CA") for by in (foreign, anchor)]
    return {
        "sound": (_bank(plain), plain),
        "cross-signed": (_bank(crossed[1]), *crossed, foreign),
        "cross-signed-by-another-root": (_bank(crossed[0]), crossed[0], foreign),
        "cross-signed-expired": (
            _bank(crossed[0]),
            crossed[0],
            issue(anchor, "Crossed CA", ca=True, key_usage=ISSUING, not_after=NOON),
        ),
    }


def _untrusted(anchor: Issued) -> Mapping[str, Chain]:
    below = intermediate(intermediate(anchor), "Sub CA")
    rsa_ca = intermediate(anchor, "RSA CA", key_type="rsa")
    namesake = issue(None, "Odd Root", key_type="ec-384", ca=True, key_usage=ISSUING)
    stranger = root("Foreign Root")
    slow = long_exponents(stranger, "Slow CA", 5)
    small = issue(anchor, "Bank", key_type="rsa-1024", organization_identifier=_BANK_A)
    return {
        "self-signed": (_bank(None),),
        "intermediate-missing": (_bank(below), below),
        "root-of-the-same-name": (_bank(namesake), namesake),
        "chain-of-another-root": (_bank(stranger), stranger),
        "signed-by-sha1": (weakly_signed(_bank(rsa_ca), rsa_ca, "sha1"), rsa_ca),
        "key-of-1024-bits": (small,),
        "long-exponents": (_bank(slow[0]), *slow),
    }


def _invalid(anchor: Issued) -> Mapping[str, Chain]:
    bank_b = leaf(anchor, "Bank B")
    no_usage = issue(anchor, "Odd CA", ca=True, key_usage=SIGNING)
    short = intermediate(anchor, "Short CA", path_length=0)
    too_deep = intermediate(short, "Deep CA")
    critical = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    return {
        "issued-by-a-bank": (_bank(bank_b), bank_b),
        "ca-may-not-issue": (_bank(no_usage), no_usage),
        "path-too-long": (_bank(too_deep), too_deep, short),
        "unknown-critical-extension": (
            issue(
                anchor,
                "Bank",
                key_type="rsa",
                organization_identifier=_BANK_A,
                extensions=[(critical, True)],
            ),
        ),
    }


def _of_wrong_time(anchor: Issued) -> Mapping[str, Chain]:
    old = issue(anchor, "Old CA", ca=True, key_usage=ISSUING, not_after=NOON)
    new = issue(anchor, "New CA", ca=True, key_usage=ISSUING, not_before=NOON + YEAR / 2)
    return {"expired-ca": (_bank(old), old), "not-yet-valid-ca": (_bank(new), new)}


def _bank(issuer: Issued | None, *, organization: str = _BANK_A) -> Issued:
    return leaf(issuer, "Bank", key_type="rsa", organization_identifier=organization)


def _authority_bank(anchor: Issued) -> Issued:
    return issue(
        anchor,
        "Bank",
        key_type="rsa",
        ca=True,
        key_usage=(*SIGNING, *ISSUING),
        organization_identifier=_BANK_A,
    )


def _key(issued: Issued) -> bytes:
    return issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


if __name__ == "__main__":
    main()
