"""Make the certificates that issuers of credentials sign with, below an authority of `pki`."""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from simulator.pki import Identity, Life, PrivateKey

DOCUMENT_SIGNER: Final = x509.ObjectIdentifier("1.0.18013.5.1.2")  # ISO 18013-5 §B.1.4


def new_issuer(
    authority: Identity,
    name: str,
    *,
    life: Life,
    uris: Sequence[str] = (),
    hosts: Sequence[str] = (),
    purposes: Sequence[x509.ObjectIdentifier] = (),
    key: PrivateKey | None = None,
) -> Identity:
    """Return a leaf for the issuer with these names; a document signer has `DOCUMENT_SIGNER`."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(life.begins)
        .not_valid_after(life.ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_to_sign(), critical=True)
    )
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(one) for one in uris]
    names += [x509.DNSName(one) for one in hosts]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=True)
    above = authority.issuers
    if authority.certificate not in above:
        above = (authority.certificate, *above)
    return Identity(key, builder.sign(authority.key, SHA256()), above)


def _subject(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "IT"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Esito test"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _to_sign() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
