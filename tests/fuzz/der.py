"""Sign hostile contents: put a signature of ours around what a certificate or a list says. Pure."""

from typing import Final

# ecdsa-with-SHA256, as the AlgorithmIdentifier of RFC 5758 §3.2.
_ALGORITHM: Final = bytes.fromhex("300a06082a8648ce3d040302")
_SEQUENCE: Final = 0x30
_BIT_STRING: Final = 0x03
_SHORT_LENGTH_MAX: Final = 0x7F


def with_signature(contents: bytes, signature: bytes) -> bytes:
    """Return the Certificate or CertificateList that has `contents` as what is signed."""
    return _element(_SEQUENCE, contents + _ALGORITHM + _element(_BIT_STRING, b"\0" + signature))


def _element(tag: int, contents: bytes) -> bytes:
    length = len(contents)
    if length <= _SHORT_LENGTH_MAX:
        return bytes((tag, length)) + contents
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + contents
