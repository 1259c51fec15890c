"""Make the keys that sign inputs: always the same ones, so that an input found once is found again.

They are numbers written here, and open nothing.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from simulator.sign_jws import TokenKey
from simulator.sign_jws import public_jwk as jwk_of
from tests.certificates import Issued
from workers.verifier.certificates import Trust

_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_END: Final = datetime(2028, 1, 1, tzinfo=UTC)
_BYTES: Final = 32


def key(number: int) -> ec.EllipticCurvePrivateKey:
    """Return the private key that is this number."""
    return ec.derive_private_key(number, ec.SECP256R1())


def sign(number: int, data: bytes) -> bytes:
    """Return the DER signature of key `number`, always the same for the same bytes."""
    return key(number).sign(data, ec.ECDSA(SHA256(), deterministic_signing=True))


def sign_es256(number: int, data: bytes) -> bytes:
    """Return the same as RFC 7518 writes it."""
    numbers = decode_dss_signature(sign(number, data))
    return b"".join(one.to_bytes(_BYTES, "big") for one in numbers)


def public_jwk(number: int) -> dict[str, str]:
    """Return the public key of this number as a JWK for ES256."""
    return jwk_of(TokenKey("fuzz", key(number)))


def _issued(name: str, number: int, issuer: Issued | None, uri: str = "") -> Issued:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key(number).public_key())
        .serial_number(number)
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(_usage(ca=issuer is None), critical=True)
    )
    if uri:
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
        builder = builder.add_extension(names, critical=False)
    signer = issuer.key if issuer else key(number)
    return Issued(builder.sign(signer, SHA256(), ecdsa_deterministic=True), key(number))


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


ISSUER_URI: Final = "https://issuer.example.org"
ROOT_NUMBER: Final = 1_001
BANK_NUMBER: Final = 1_002
HOLDER_NUMBER: Final = 1_003
ROOT: Final = _issued("Fuzz root", ROOT_NUMBER, None)
BANK: Final = _issued("Fuzz bank", BANK_NUMBER, ROOT, ISSUER_URI)


@cache
def trust() -> Trust:
    """Return the trust in everything that ROOT has signed."""
    return Trust(
        roots=(ROOT.certificate,),
        pinned={},
        intermediates=(),
        crls=(),
        reject_unknown=False,
        skew=timedelta(seconds=60),
    )
