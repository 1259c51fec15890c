"""Make and check the path segment that our own side puts into a callback URL. Pure.

For providers that sign nothing and send no credential: <path>/<transaction id>.<seal> is called by
nobody who was not given it. Both halves are keyed, so neither tells the state that it was made of,
and a segment of one endpoint or key opens no other.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from runtime.key_ring import KeyRing

# 128 bits: nobody guesses a seal, and no two transactions of an endpoint meet in one id.
_HEX_DIGITS: Final = 32
_SEGMENT: Final = re.compile(rf"([0-9a-f]{{{_HEX_DIGITS}}})\.([0-9a-f]{{{_HEX_DIGITS}}})")


@dataclass(frozen=True, slots=True)
class PathToken:
    """The transaction of a state, and the segment that calls back about it: a credential."""

    transaction_id: str
    segment: str = field(repr=False)


def mint(secret: bytes, *, endpoint: str, state: str) -> PathToken:
    """Return the token of the transaction that was begun with `state`; always the same one."""
    transaction_id = _code(secret, "esito transaction", endpoint, state)
    return PathToken(transaction_id, f"{transaction_id}.{_seal(secret, endpoint, transaction_id)}")


def identify(segment: str, ring: KeyRing, *, endpoint: str, at: datetime) -> tuple[str, str] | None:
    """Return the id of the key that sealed `segment` and the transaction id in it, or None.

    Every key is tried, found or not, so the time taken tells nothing about which one fits.
    """
    parts = _SEGMENT.fullmatch(segment)
    if parts is None:
        return None
    transaction_id, presented = parts.groups()
    found = None
    for key_id, secret in ring.secrets(at=at):
        if hmac.compare_digest(_seal(secret, endpoint, transaction_id), presented):
            found = key_id
    return None if found is None else (found, transaction_id)


def term_digest(secret: bytes, *, endpoint: str, transaction_id: str, text: str) -> str:
    """Return a keyed digest of one of the transaction's secrets, to be kept in its stead."""
    return _code(secret, "esito term", endpoint, transaction_id, text)


def _seal(secret: bytes, endpoint: str, transaction_id: str) -> str:
    return _code(secret, "esito path", endpoint, transaction_id)


def _code(secret: bytes, *lines: str) -> str:
    # No line but the last can hold a line feed, so no two lists of lines make one text. JSON can
    # escape half a character into a state: it must not end the process.
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return hmac.digest(secret, text, hashlib.sha256).hex()[:_HEX_DIGITS]
