"""Learn with which certificate a caller made its TLS connection. Pure: what is known is given.

Esito sees it in its own handshake, or a trusted edge hands it over in a header. Whether it is a
good one is the verifier's to say: nothing of X.509 is parsed here.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from contracts.codes import RefusalCode
from contracts.errors import Broken
from ingress.authenticate import HeaderFields, Refused, single_field
from runtime.plain_base64 import decode_base64
from runtime.signature_configuration import ClientCertificate

# The largest with a qualified issuer's extensions and RSA-4096 is 3 kB of DER, 5 kB as a header.
CERTIFICATE_BYTES_MAX: Final = 16_384
# Both are caches of what few callers send again and again; the bound is against the others.
_CERTIFICATES: Final = 256
_ADDRESSES: Final = 1_024
_PEM: Final = re.compile(
    rb"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*"
)
# X.690 §8.9 and §8.1.3: a certificate is one sequence; its length is one byte, or 0x80 plus the
# number of bytes that hold it.
_SEQUENCE: Final = 0x30
_LONG_LENGTH: Final = 0x80

Encoding = Literal["pem_urlencoded", "der_base64"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A caller's certificate as the record keeps it, and the SHA-256 of its DER in hexadecimal."""

    fingerprint: str
    base64: str


class Edges:
    """The addresses that may hand over a certificate, and the header that they do it in."""

    def __init__(self, endpoint: str, section: ClientCertificate) -> None:
        """Read the networks.

        Raises:
            Broken: one of them is no network.
        """
        self._header = section.header or ""
        self._encoding: Encoding = section.encoding
        networks = tuple(_network(endpoint, text) for text in section.edges)
        self._trusts: Callable[[str], bool] = lru_cache(maxsize=_ADDRESSES)(
            lambda address: _is_in(networks, address)
        )

    def certificate(self, fields: HeaderFields, peer: object) -> Certificate:
        """Return the certificate in the header; `peer` is the socket's own name of the caller.

        Raises:
            Refused: `edge_untrusted`, `credentials_missing`, `credentials_ambiguous`,
                `credentials_wrong`.
        """
        # A Unix socket's peer is a path or nothing: whoever may open it is not known by address.
        trusted = isinstance(peer, tuple) and self._trusts(str(peer[0]))
        if not trusted and self._header in fields:
            raise Refused(RefusalCode.EDGE_UNTRUSTED)
        return _handed_over(single_field(fields, self._header), self._encoding)


@lru_cache(maxsize=_CERTIFICATES)
def read_der(der: bytes) -> Certificate:
    """Return the certificate whose DER is `der`.

    Raises:
        Refused: `credentials_wrong`: it is no DER structure, or larger than any certificate.
    """
    if len(der) > CERTIFICATE_BYTES_MAX or not _is_sequence(der):
        raise Refused(RefusalCode.CREDENTIALS_WRONG)
    return Certificate(hashlib.sha256(der).hexdigest(), base64.b64encode(der).decode())


@lru_cache(maxsize=_CERTIFICATES)
def _handed_over(value: bytes, encoding: Encoding) -> Certificate:
    if len(value) > CERTIFICATE_BYTES_MAX:
        raise Refused(RefusalCode.CREDENTIALS_WRONG)
    match encoding:
        case "pem_urlencoded":
            pem = _PEM.fullmatch(unquote_to_bytes(value))
            text = b"".join(pem[1].split()) if pem else b""
        case "der_base64":
            text = value
    try:
        der = decode_base64(text)
    except ValueError:
        raise Refused(RefusalCode.CREDENTIALS_WRONG) from None
    return read_der(der)


def _is_sequence(der: bytes) -> bool:
    """Tell whether `der` is one sequence from its first byte to its last."""
    kind, length, start = der[:1], der[1:2], 2
    if kind != bytes([_SEQUENCE]):
        return False
    if length > bytes([_LONG_LENGTH]):
        start += length[0] - _LONG_LENGTH
        length = der[2:start]
    return len(der) == start + int.from_bytes(length, "big")


def _network(endpoint: str, text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise Broken(
            f"endpoint {endpoint}: client_certificate.edges: {text} is no network; "
            "write an address, or its first one with the length of the prefix (10.0.0.0/8)"
        ) from None


def _is_in(networks: tuple[IPv4Network | IPv6Network, ...], address: str) -> bool:
    try:
        peer = ip_address(address)
    except ValueError:
        return False
    # RFC 4291 §2.5.5.2: a socket of both versions shows an IPv4 caller as ::ffff:10.0.0.1.
    peers = {peer, getattr(peer, "ipv4_mapped", None) or peer}
    return any(one in network for one in peers for network in networks)
