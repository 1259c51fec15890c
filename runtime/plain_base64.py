"""Read base64 in the one way that it is written (RFC 4648 §4). Pure.

The library's decoder takes padding in excess and bits left over, so that several texts would be one
signature, certificate or document.
"""

from base64 import b64decode, b64encode


def decode_base64(text: bytes) -> bytes:
    """Return the bytes that `text` writes; the empty text writes none.

    Raises:
        ValueError: a character outside the alphabet, padding that is missing or too much, or bits
            left over that are not zero (§3.5).
    """
    decoded = b64decode(text, validate=True)
    if b64encode(decoded) != text:
        raise ValueError("not canonical base64")
    return decoded
