"""Issue certificates and revocation lists for tests: a root, what it issues, and what is wrong.

Everything is valid from a year before NOON to a year after it, unless a test says otherwise. Keys
are made once in a run for each name, so a certificate issued anew to one name keeps its key.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from math import gcd
from secrets import randbelow
from typing import Final, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from runtime.endpoint_configuration import Endpoint
from runtime.signature_configuration import Certificates
from tests.updates import NOON
from workers.verifier.certificates import Trust, check_certificate
from workers.verifier.trust_source import TrustSource

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KeyType = Literal["rsa", "rsa-1024", "ec", "ec-384", "ec-521", "ec-k1"]
CertificateHash = hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512
YEAR: Final = timedelta(days=365)
CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "ec": ec.SECP256R1(),
    "ec-384": ec.SECP384R1(),
    "ec-521": ec.SECP521R1(),
    "ec-k1": ec.SECP256K1(),
}
SIGNING: Final = ("digital_signature",)
ISSUING: Final = ("key_cert_sign", "crl_sign")
_RSA_WITH_SHA256: Final = bytes.fromhex("2a864886f70d01010b")  # RFC 8017 appendix A.2.4
_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        return sha256(self.der).hexdigest()


@cache
def private_key(
    name: str,  # noqa: ARG001 - the cache tells keys apart by it
    key_type: KeyType = "ec",
) -> PrivateKey:
    """Return the key of this name and type, made when it is first asked for."""
    match key_type:
        case "rsa":
            return rsa.generate_private_key(65_537, 2_048)
        case "rsa-1024":
            return rsa.generate_private_key(65_537, 1_024)  # noqa: S505 - must be refused
        case _:
            return ec.generate_private_key(CURVES[key_type])


def distinguished_name(name: str, organization_identifier: str | None = None) -> x509.Name:
    """Return the distinguished name that a certificate of this common name has."""
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "IT"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
    ]
    if organization_identifier is not None:
        attributes.append(
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, organization_identifier)
        )
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def issue(
    issuer: Issued | None,
    name: str,
    *,
    subject: x509.Name | None = None,
    key_type: KeyType = "ec",
    key: PrivateKey | None = None,
    ca: bool | None = False,
    path_length: int | None = None,
    key_usage: Iterable[str] | None = SIGNING,
    extended_key_usage: Iterable[x509.ObjectIdentifier] = (),
    organization_identifier: str | None = None,
    not_before: datetime = NOON - YEAR,
    not_after: datetime = NOON + YEAR,
    serial: int | None = None,
    hash_algorithm: CertificateHash | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Issued:
    """Return a certificate signed by `issuer`, or by itself. `ca=None`: no basicConstraints."""
    key = key or private_key(name, key_type)
    subject = subject or distinguished_name(name, organization_identifier)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number() if serial is None else serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if key_usage is not None:
        builder = builder.add_extension(_key_usage(frozenset(key_usage)), critical=True)
    if purposes := tuple(extended_key_usage):
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    hashed = hash_algorithm or hashes.SHA256()
    return Issued(builder.sign(issuer.key if issuer else key, hashed), key)


def _key_usage(used: frozenset[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{one: one in used for one in _USAGES})


def weakly_signed(issued: Issued, issuer: Issued, algorithm: Literal["sha1", "md5"]) -> Issued:
    """Return the certificate signed anew by its issuer's RSA key with a hash that is broken.

    The library signs with no such hash; in DER the two algorithms differ from SHA-256 by one byte.
    """
    weak, digest = {"sha1": (b"\x05", hashes.SHA1()), "md5": (b"\x04", hashes.MD5())}[algorithm]  # noqa: S303 - must be refused
    names = _RSA_WITH_SHA256, _RSA_WITH_SHA256[:-1] + weak
    signed = issued.certificate.tbs_certificate_bytes.replace(*names)
    if not isinstance(issuer.key, rsa.RSAPrivateKey):
        raise TypeError("an RSA issuer")
    signature = issuer.key.sign(signed, padding.PKCS1v15(), digest)
    der = issued.der.replace(*names)[: -len(signature)] + signature
    return Issued(x509.load_der_x509_certificate(der), issued.key)


def root(name: str = "Test Root", *, key_type: KeyType = "ec") -> Issued:
    """Return a self-signed root."""
    return issue(None, name, key_type=key_type, ca=True, key_usage=ISSUING)


def intermediate(
    issuer: Issued,
    name: str = "Test Issuing CA",
    *,
    key_type: KeyType = "ec",
    path_length: int | None = None,
) -> Issued:
    """Return a certificate that may issue others."""
    return issue(
        issuer, name, key_type=key_type, ca=True, path_length=path_length, key_usage=ISSUING
    )


def long_exponents(issuer: Issued, name: str, count: int) -> list[Issued]:
    """Return CAs of one name and one modulus, each issued by the next, and the last by `issuer`.

    Their exponents are as long as the modulus, so that a signature costs fifty times as much.
    """
    private = rsa.generate_private_key(65_537, 3_072).private_numbers()
    found = [issuer]
    for _ in range(count):
        key = _with_long_exponent(private.p, private.q)
        found.append(issue(found[-1], name, key=key, ca=True, key_usage=ISSUING))
    return found[:0:-1]


def _with_long_exponent(p: int, q: int) -> rsa.RSAPrivateKey:
    exponent, order = 2, (p - 1) * (q - 1)
    while gcd(exponent, order) != 1:
        exponent = order - 1 - randbelow(order >> 8)
    d = pow(exponent, -1, order)
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    public = rsa.RSAPublicNumbers(exponent, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()


def leaf(
    issuer: Issued | None,
    name: str = "Bank A",
    *,
    key_type: KeyType = "ec",
    organization_identifier: str | None = "PSDIT-BI-12345",
) -> Issued:
    """Return a certificate to sign callbacks with, as a bank has it."""
    return issue(issuer, name, key_type=key_type, organization_identifier=organization_identifier)


def revocation_list(
    issuer: Issued,
    *revoked: Issued,
    revoked_at: datetime = NOON - timedelta(days=1),
    this_update: datetime = NOON - timedelta(hours=1),
    next_update: datetime = NOON + timedelta(days=7),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> x509.CertificateRevocationList:
    """Return the list in which `issuer` revokes those certificates."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(this_update)
        .next_update(next_update)
    )
    for one in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(one.certificate.serial_number)
            .revocation_date(revoked_at)
        )
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer.key, hashes.SHA256())


def trust(
    *roots: Issued,
    pinned: Iterable[Issued] = (),
    intermediates: Iterable[Issued] = (),
    lists: Iterable[x509.CertificateRevocationList] = (),
    reject_unknown: bool = False,
) -> Trust:
    """Return a Trust with a minute of skew."""
    return Trust(
        roots=tuple(one.certificate for one in roots),
        pinned={one.fingerprint: one.certificate for one in pinned},
        intermediates=tuple(one.certificate for one in intermediates),
        crls=tuple(lists),
        reject_unknown=reject_unknown,
        skew=timedelta(minutes=1),
    )


def load_trust(certificates: Certificates) -> Trust:
    """Return the Trust that a `certificates` section describes, read as a verifier reads it."""
    endpoint = Endpoint(name="bank", provider="srtp", path="/send", certificates=certificates)
    found = TrustSource({endpoint.name: endpoint}, lambda *_: None).of(endpoint.name)
    assert found is not None
    return found


def checked(
    one: Issued, *chain: Issued, by: Trust | None = None, at: datetime = NOON, client: bool = False
) -> str:
    """Return what check_certificate does, by the Trust in `root()` unless told otherwise."""
    return check_certificate(
        one.certificate,
        [other.certificate for other in chain],
        by or trust(root()),
        at=at,
        client=client,
    )


def refusal(
    one: Issued, *chain: Issued, by: Trust | None = None, at: datetime = NOON, client: bool = False
) -> RejectionCode:
    """Return the code under which check_certificate refuses the certificate."""
    with pytest.raises(Rejected) as caught:
        checked(one, *chain, by=by, at=at, client=client)
    return caught.value.code


def pem(*issued: Issued) -> bytes:
    """Return the certificates as one PEM file."""
    return b"".join(one.pem for one in issued)
