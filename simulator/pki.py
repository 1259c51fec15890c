"""Make certificates as trust service providers issue them: authorities, seals, TLS, every bad kind.

Nothing is recorded: each call makes new keys. Pure but for them: the time is an argument.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
RSA_BITS: Final = 2048  # the least that NIST SP 800-57 and the X.509 verifier take
_CA_LIFE: Final = timedelta(days=3650)
_LEAF_LIFE: Final = timedelta(days=365)
_BEFORE_NOW: Final = timedelta(days=1)  # clocks differ
_CRL_LIFE: Final = timedelta(days=30)
_QC_STATEMENTS: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
# ETSI EN 319 412-5: SEQUENCE { QcCompliance, QcType { eseal } }.
_SEAL_STATEMENTS: Final = bytes.fromhex(
    "301f 3008 06060400 8e460101 3013 06060400 8e460106 3009 06070400 8e46010602"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key, its certificate, and the certificates that issued it up to the root."""

    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate
    issuers: tuple[x509.Certificate, ...] = ()

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Return the certificate and its issuers without the root: what a signer sends along."""
        return (self.certificate, *self.issuers[:-1])

    @property
    def chain_pem(self) -> bytes:
        """Return the chain as PEM, the leaf first."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in self.chain)

    @property
    def der(self) -> bytes:
        """Return the certificate's DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the certificate's DER in lower-case hexadecimal."""
        return self.certificate.fingerprint(SHA256()).hex()


@dataclass(frozen=True, slots=True)
class Life:
    """From when until when a certificate holds."""

    begins: datetime
    ends: datetime


def rsa_key() -> rsa.RSAPrivateKey:
    """Return a new RSA key."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """Return a new key on `curve`; default: P-256."""
    return ec.generate_private_key(curve or ec.SECP256R1())


def lasting(now: datetime) -> Life:
    """Return the life of a leaf that is valid at `now`."""
    return Life(now - _BEFORE_NOW, now + _LEAF_LIFE)


def new_root(name: str, *, now: datetime, key: PrivateKey | None = None) -> Identity:
    """Return a self-signed authority."""
    key = key or ec_key()
    subject = _name(name)
    builder = _builder(subject, subject, key, Life(now - _BEFORE_NOW, now + _CA_LIFE))
    builder = _as_authority(builder, path_length=None)
    certificate = builder.sign(key, SHA256())
    return Identity(key, certificate, (certificate,))


def new_authority(
    issuer: Identity,
    name: str,
    *,
    now: datetime,
    key: PrivateKey | None = None,
    path_length: int | None = 0,
) -> Identity:
    """Return an authority below `issuer`; its `path_length` is how many more may follow."""
    key = key or ec_key()
    life = Life(now - _BEFORE_NOW, now + _CA_LIFE)
    builder = _builder(_name(name), issuer.certificate.subject, key, life)
    return _issued(issuer, _as_authority(builder, path_length=path_length), key)


def new_seal(
    issuer: Identity,
    name: str,
    *,
    organization: str,
    life: Life,
    key: PrivateKey | None = None,
) -> Identity:
    """Return a QSealC-like leaf: it signs for the holder of organizationIdentifier `organization`.

    ETSI EN 319 412-3, ETSI TS 119 495: key usage digitalSignature and nonRepudiation.
    """
    key = key or rsa_key()
    builder = _builder(_name(name, organization), issuer.certificate.subject, key, life)
    builder = _as_leaf(builder, _usage(digital_signature=True, content_commitment=True))
    statements = x509.UnrecognizedExtension(_QC_STATEMENTS, _SEAL_STATEMENTS)
    return _issued(issuer, builder.add_extension(statements, critical=False), key)


def new_encipherer(issuer: Identity, name: str, *, organization: str, life: Life) -> Identity:
    """Return a leaf that may only encipher keys: no signature of it may be taken."""
    key = rsa_key()
    builder = _builder(_name(name, organization), issuer.certificate.subject, key, life)
    return _issued(issuer, _as_leaf(builder, _usage(key_encipherment=True)), key)


def new_tls_client(
    issuer: Identity,
    name: str,
    *,
    organization: str,
    life: Life,
    key: PrivateKey | None = None,
) -> Identity:
    """Return a TLS client's leaf."""
    key = key or ec_key()
    builder = _builder(_name(name, organization), issuer.certificate.subject, key, life)
    builder = _as_leaf(builder, _usage(digital_signature=True))
    extended = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return _issued(issuer, builder.add_extension(extended, critical=False), key)


def new_tls_server(
    issuer: Identity,
    name: str,
    *,
    life: Life,
    hosts: Sequence[str] = ("localhost", "127.0.0.1"),
    key: PrivateKey | None = None,
) -> Identity:
    """Return a TLS server's leaf for host names and addresses."""
    key = key or ec_key()
    builder = _builder(_name(name), issuer.certificate.subject, key, life)
    builder = _as_leaf(builder, _usage(digital_signature=True))
    extended = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    builder = builder.add_extension(extended, critical=False)
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    return _issued(issuer, builder.add_extension(names, critical=False), key)


def revocation_list(
    issuer: Identity,
    revoked: Sequence[x509.Certificate],
    *,
    now: datetime,
    life: timedelta = _CRL_LIFE,
) -> x509.CertificateRevocationList:
    """Return the list of what `issuer` has revoked."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - timedelta(hours=1))
        .next_update(now + life)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(_authority_key(issuer.key), critical=False)
    )
    for one in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(one.serial_number)
            .revocation_date(now - timedelta(hours=2))
            .build()
        )
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.key, SHA256())


def _name(common_name: str, organization: str | None = None) -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "IT"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Esito test"),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    if organization is not None:
        parts.insert(2, x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, organization))
    return x509.Name(parts)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, life: Life
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(life.begins)
        .not_valid_after(life.ends)
        .add_extension(identifier, critical=False)
    )


def _as_authority(
    builder: x509.CertificateBuilder, *, path_length: int | None
) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return builder.add_extension(constraints, critical=True).add_extension(
        _usage(key_cert_sign=True, crl_sign=True), critical=True
    )


def _as_leaf(builder: x509.CertificateBuilder, usage: x509.KeyUsage) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    return builder.add_extension(constraints, critical=True).add_extension(usage, critical=True)


def _issued(issuer: Identity, builder: x509.CertificateBuilder, key: PrivateKey) -> Identity:
    signed = builder.add_extension(_authority_key(issuer.key), critical=False)
    above = issuer.issuers if _is_root(issuer) else (issuer.certificate, *issuer.issuers)
    return Identity(key, signed.sign(issuer.key, SHA256()), above)


def _is_root(identity: Identity) -> bool:
    return identity.issuers == (identity.certificate,)


def _authority_key(key: PrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
