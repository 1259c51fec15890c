"""Seal download links: a short-lived path that opens one stored file, and nothing else. Pure.

Whoever has the link may load the file, as with a presigned URL of an object store; so it is given
only to who may see the notification, and is over soon.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from contracts.errors import Broken
from runtime.key_ring import KeyRing

LINK_SECONDS: Final = 600
_LABEL: Final = b"esito download\n"
# 128 bits: nobody guesses a seal.
_SEAL_BYTES: Final = 16
# The longest file name of the store and of the answer together have 700.
_TOKEN_CHARACTERS_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class Linked:
    """A stored file, and as what it is to be loaded."""

    endpoint: str
    path: str
    media_type: str
    filename: str


def seal_link(linked: Linked, ring: KeyRing, *, at: datetime) -> str:
    """Return the part of a path that opens the file until LINK_SECONDS after `at`.

    Raises:
        Broken: no key is valid at `at`.
    """
    until = int((at + timedelta(seconds=LINK_SECONDS)).timestamp())
    parts = [linked.endpoint, linked.path, linked.media_type, linked.filename, until]
    fields = json.dumps(parts).encode()
    for _, secret in ring.secrets(at=at):
        return urlsafe_b64encode(_seal(secret, fields) + fields).decode().rstrip("=")
    raise Broken("attachments.slot_keys: none is valid now; add one (openssl rand -hex 32)")


def unverified_endpoint(token: str) -> str | None:
    """Return the endpoint that a link names, to find the keys that can prove it."""
    try:
        endpoint = json.loads(_bytes(token)[_SEAL_BYTES:])[0]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return endpoint if isinstance(endpoint, str) else None


def open_link(token: str, ring: KeyRing, *, at: datetime) -> Linked | None:
    """Return the file that a link opens at `at`; None: nobody sealed it, or it is over."""
    sealed = _bytes(token)
    presented, fields = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
    valid = False
    for _, secret in ring.secrets(at=at):
        valid |= hmac.compare_digest(_seal(secret, fields), presented)
    if not valid:
        return None
    *parts, until = json.loads(fields)
    return Linked(*parts) if at.timestamp() < until else None


def _seal(secret: bytes, fields: bytes) -> bytes:
    return hmac.digest(secret, _LABEL + fields, hashlib.sha256)[:_SEAL_BYTES]


def _bytes(token: str) -> bytes:
    if len(token) > _TOKEN_CHARACTERS_MAX or not token.isascii():
        return b""
    try:
        return urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return b""
