"""Target what reads certificates and revocation lists, as they come and as a trusted CA makes them.

Nobody can forge a certificate of a root, but a CA may issue an odd one: so the contents are signed
here, and every judgement behind the signature is reached.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from tests.conformance.vector import VECTORS
from tests.fuzz.der import with_signature
from tests.fuzz.keys import BANK, ROOT, ROOT_NUMBER, sign, trust
from tests.fuzz.target import Forged, Target, rejections
from tests.fuzz.targets.vectors import NOON, endpoint_of, endpoints_with, trust_of
from workers.verifier.certificates import (
    READING_ERRORS,
    Trust,
    check_certificate,
    fingerprint,
    read_certificate,
    read_chain,
)
from workers.verifier.issuer_certificate import issuer_key, read_certificates, subject_of
from workers.verifier.registry import Registry
from workers.verifier.revocation import read_list

DER_TOKENS: Final = (
    *(b"\x30\x80", b"\x30\x00", b"\x02\x01\xff", b"\x05\x00", b"\x06\x03\x55\x1d\x0f", b"\x24\x00"),
    *(b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x25", b"\x06\x03\x55\x04\x61", b"\xa3\x82\x01"),
    *(b"\x18\x0f99991231235959Z", b"\x17\x0d490101000000Z", b"\x0c\x00", b"\x1e\x02\xd8\x00"),
)
_PEM_BEGIN: Final = b"-----BEGIN CERTIFICATE-----\n"


def targets() -> tuple[Target, ...]:
    """Return the targets of this module."""
    return (
        Target(
            "certificate",
            "a certificate, as it comes and issued by a trusted CA (certificates, registry)",
            _certificates,
            _judge,
            DER_TOKENS,
        ),
        Target(
            "certificate-chain",
            "a chain in PEM (certificates, certificate_paths)",
            _chains,
            _judge_chain,
            (_PEM_BEGIN, b"-----END CERTIFICATE-----\n", b"\r", b"MII", b"AA==", *DER_TOKENS),
        ),
        Target(
            "revocation-list",
            "a revocation list, as it comes and signed by a trusted CA (revocation)",
            _lists,
            _judge_list,
            DER_TOKENS,
        ),
    )


@cache
def _recorded() -> tuple[x509.Certificate, ...]:
    files = sorted((VECTORS / "srtp" / "pki").rglob("*.pem"))
    found = [x509.load_pem_x509_certificates(file.read_bytes()) for file in files]
    return (BANK.certificate, ROOT.certificate, *(one for many in found for one in many))


def _certificates() -> Iterator[bytes]:
    for one in _recorded():
        yield one.public_bytes(Encoding.DER)
        yield one.tbs_certificate_bytes
        yield one.public_bytes(Encoding.PEM)


def _judge(data: bytes) -> None:
    for given in (data, with_signature(data, sign(ROOT_NUMBER, data))):
        with rejections():
            _judge_one(given)


def _judge_one(given: bytes) -> None:
    certificate = read_certificate(given)
    fingerprint(certificate)
    read_certificates([given])
    subject_of(certificate)
    for endpoint in endpoints_with("srtp", "certificates"):
        with rejections():
            Registry(endpoint_of("srtp", endpoint).service_providers).owner_of(certificate)
    for client in (False, True):
        with rejections():
            check_certificate(certificate, (), trust(), at=NOON, client=client)
    issuer_key([certificate], trust(), at=NOON)


def _chains() -> Iterator[bytes]:
    ders = [one.public_bytes(Encoding.PEM) for one in _recorded()]
    yield BANK.pem + ROOT.pem
    yield from ders
    for first, second, third in zip(ders, ders[1:], ders[2:], strict=False):
        yield first + second + third


def _judge_chain(data: bytes) -> None:
    chain = read_chain(data)
    for endpoint in endpoints_with("srtp", "certificates"):
        with rejections():
            check_certificate(chain[0], chain, trust_of(endpoint), at=NOON)
            if fingerprint(chain[0]) not in _known():
                raise Forged("a certificate that no CA has issued")


@cache
def _known() -> frozenset[str]:
    return frozenset(fingerprint(one) for one in _recorded())


def _lists() -> Iterator[bytes]:
    for file in sorted((VECTORS / "srtp" / "pki").rglob("*.crl")):
        recorded = _load(file.read_bytes())
        yield recorded.public_bytes(Encoding.DER)
        yield recorded.tbs_certlist_bytes
    revoked = x509.RevokedCertificateBuilder(
        serial_number=BANK.certificate.serial_number, revocation_date=NOON
    )
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ROOT.certificate.subject)
        .last_update(NOON)
        .next_update(NOON + timedelta(days=1))
        .add_revoked_certificate(revoked.build())
        .add_extension(x509.CRLNumber(1), critical=False)
        .sign(ROOT.key, SHA256(), ecdsa_deterministic=True)
    )
    yield made.public_bytes(Encoding.DER)
    yield made.tbs_certlist_bytes


def _judge_list(data: bytes) -> None:
    for given in (data, with_signature(data, sign(ROOT_NUMBER, data))):
        try:
            crl = _load(given)
            read_list(crl).signed_by(ROOT.certificate)
        except READING_ERRORS:
            continue  # as trust_source takes it: a file of our own that cannot be used
        with rejections():
            check_certificate(BANK.certificate, (), _with_list(crl), at=NOON)


def _with_list(crl: x509.CertificateRevocationList) -> Trust:
    return replace(trust(), crls=(crl,), reject_unknown=True)


def _load(data: bytes) -> x509.CertificateRevocationList:
    load = x509.load_pem_x509_crl if data.startswith(b"-----") else x509.load_der_x509_crl
    return load(data)
