"""Make ids of records: UUID version 7 (RFC 9562 §5.7), so that ids sort by the time of receipt."""

import os
from typing import Final

_VERSION: Final = 0x7
_VARIANT: Final = 0b10


def uuid7(milliseconds: int) -> str:
    """Return a new UUIDv7 for the time given in milliseconds since 1970."""
    random = int.from_bytes(os.urandom(10), "big")  # 80 bits, of which 74 are used
    number = (
        (milliseconds & 0xFFFF_FFFF_FFFF) << 80
        | _VERSION << 76
        | (random >> 68) << 64
        | _VARIANT << 62
        | (random & 0x3FFF_FFFF_FFFF_FFFF)
    )
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
