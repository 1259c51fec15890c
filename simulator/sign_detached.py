"""Write the X-SRTP-Signature headers of a request. Pure but for the randomness of signatures.

Our own reading of the format, apart from the verifier's: sheet srtp.md A5(2), after pagoPA's tests
of 2026. The canonical bytes' rule is in specs/srtp/canonical_vectors.json.
"""

from base64 import b64encode
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.pki import Identity, PrivateKey

SIGNATURE: Final = "X-SRTP-Signature"
CERTIFICATE: Final = "X-SRTP-Signature-Certificate"
CHAIN: Final = "X-SRTP-Signature-Certificate-Chain"
DIGEST: Final = "X-SRTP-Signature-Algorithm-Digest"
SIGNED_HEADERS: Final = ("content-type", "idempotency-key", "location", "x-request-id")
DIGESTS: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3-256": hashes.SHA3_256(),
    "sha3-384": hashes.SHA3_384(),
    "sha3-512": hashes.SHA3_512(),
}


class Padding(StrEnum):
    """How an RSA signature is padded; an EC key needs none."""

    PKCS1V15 = "pkcs1v15"
    PSS_DIGEST_LENGTH = "pss-digest-length"
    PSS_MAX_LENGTH = "pss-max-length"


def signature_headers(
    signer: Identity,
    *,
    target_uri: str,
    body: bytes,
    headers: Mapping[str, str],
    method: str = "POST",
    digest: str = "sha256",
    pad: Padding = Padding.PKCS1V15,
) -> dict[str, str]:
    """Return the four headers that sign this request; `headers` are those it is sent with."""
    signed = canonical_request(method, target_uri, headers, body)
    signature = sign_bytes(signer.key, signed, DIGESTS[digest], pad)
    return {
        SIGNATURE: b64encode(signature).decode(),
        CERTIFICATE: b64encode(signer.certificate.public_bytes(Encoding.DER)).decode(),
        CHAIN: b64encode(signer.chain_pem).decode(),
        DIGEST: digest,
    }


def canonical_request(
    method: str, target_uri: str, headers: Mapping[str, str], body: bytes
) -> bytes:
    """Return the bytes to sign.

    Raises:
        ValueError: the URI is not absolute.
    """
    split = urlsplit(target_uri)
    if not split.scheme or not split.netloc:
        raise ValueError("the target URI must be absolute")
    found = {name.lower(): value for name, value in headers.items()}
    lines = [method.upper(), target_uri]
    lines += [f"{name}: {found[name]}" for name in SIGNED_HEADERS if name in found]
    head = "\n".join(lines).encode("utf-8", "surrogateescape")
    return head + b"\n" + body if body else head


def sign_bytes(key: PrivateKey, signed: bytes, digest: hashes.HashAlgorithm, pad: Padding) -> bytes:
    """Return the signature: RSA with this padding, or ECDSA as ASN.1."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, _padding(pad, digest), digest)
    return key.sign(signed, ec.ECDSA(digest))


def _padding(pad: Padding, digest: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if pad is Padding.PKCS1V15:
        return padding.PKCS1v15()
    longest = pad is Padding.PSS_MAX_LENGTH
    length = padding.PSS.MAX_LENGTH if longest else padding.PSS.DIGEST_LENGTH
    return padding.PSS(padding.MGF1(digest), length)
