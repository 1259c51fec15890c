"""Seal upload slots and version tokens, so that neither needs a database. Pure.

- A slot says which file may be uploaded where, by whom and until when; a version token says what
  was uploaded. Both are `<fields><seal>` in base64url: readable, and made by nobody without a key.
- What they are bound to goes into the seal: a slot is no version token, and one of another endpoint
  or public body opens nothing.
- A slot's secret is computed from the slot, so that it is kept nowhere; it is never in the URL.
- Any key that is valid opens; the first valid one makes new ones. A version token is opened up to
  `unused_days` after its upload, with the key as of the request that names it.
"""

import hashlib
import hmac
import re
import struct
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from contracts.errors import Broken
from runtime.key_ring import KeyRing

Kind = Literal["pdf", "json"]

# 128 bits: nobody guesses a seal.
_SEAL_BYTES: Final = 16
# SEND's own secrets are 256 random bytes; 8 blocks of SHA-256.
_SECRET_BLOCKS: Final = 8
# A slot with the longest names has 266, a version token 87; SEND's ref.versionToken takes 256.
_TOKEN_CHARACTERS_MAX: Final = 512
_FORM: Final = 1  # of the fields below; another one gets another number
# Form, kind, made at (seconds), minutes, unique part of the key, SHA-256; then endpoint/body.
_SLOT: Final = struct.Struct(">BBIH16s32s")
# Form, made at (seconds), uploaded at (seconds), bytes, SHA-256.
_VERSION: Final = struct.Struct(">BIIQ32s")
_KINDS: Final[tuple[Kind, ...]] = ("pdf", "json")
_PREFIXES: Final = {"pdf": "PN_NOTIFICATION_ATTACHMENTS", "json": "PN_F24_META"}
_KEY: Final = re.compile(rf"(?:{'|'.join(_PREFIXES.values())})-[0-9a-f]{{32}}\.(?:pdf|json)")
_SLOT_LABEL: Final = "esito slot"
_SECRET_LABEL: Final = "esito slot secret"  # noqa: S105 - says what is computed
_VERSION_LABEL: Final = "esito version"


@dataclass(frozen=True, slots=True)
class Slot:
    """What may be uploaded: once made, only these very bytes, to this one place."""

    endpoint: str
    body: str
    kind: Kind
    unique: bytes
    sha256: bytes
    made_at: datetime
    minutes: int

    @property
    def key(self) -> str:
        """Return the name that a request gives the file, as SEND forms it."""
        return f"{_PREFIXES[self.kind]}-{self.unique.hex()}.{self.kind}"

    @property
    def media_type(self) -> str:
        """Return the content type that the upload must have."""
        return f"application/{self.kind}"

    @property
    def path(self) -> str:
        """Return where the file lies in the object store."""
        return object_path(self.endpoint, self.body, self.made_at, self.key)

    def expired_at(self, moment: datetime) -> bool:
        """Tell whether the slot may no longer be used at `moment`."""
        return moment >= self.made_at + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class SealedSlot:
    """A slot with its token, which is part of a URL, and its secret, which is not."""

    slot: Slot
    token: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """What an upload left: proven by its seal to be of the endpoint, body and key asked for."""

    path: str
    sha256: str  # base64, as SEND writes it
    bytes_total: int
    uploaded_at: datetime

    def over_at(self, received_at: datetime, *, unused_days: int) -> bool:
        """Tell whether a request that came at `received_at` may no longer name the file.

        By receipt, not by the clock: whenever the request is judged, the verdict is the same.
        """
        return received_at >= self.uploaded_at + timedelta(days=unused_days)


def is_key(name: str) -> bool:
    """Tell whether a file's name is of our form; any other is a word of who sent it."""
    return _KEY.fullmatch(name) is not None


def object_path(endpoint: str, body: str, made_at: datetime, key: str) -> str:
    """Return where a file lies: apart by endpoint, public body and day (UTC)."""
    return f"{endpoint}/{body}/{made_at.astimezone(UTC):%Y%m%d}/{key}"


def seal_slot(slot: Slot, ring: KeyRing) -> SealedSlot:
    """Return the slot as its owner gets it.

    Raises:
        Broken: no key is valid now.
    """
    secret = _sealing_key(ring, slot.made_at)
    owner = f"{slot.endpoint}/{slot.body}".encode()
    made_at = int(slot.made_at.timestamp())
    kind = _KINDS.index(slot.kind)
    head = _SLOT.pack(_FORM, kind, made_at, slot.minutes, slot.unique, slot.sha256)
    fields = head + owner
    token = _text(fields + _seal(secret, _SLOT_LABEL, fields))
    return SealedSlot(slot, token, _slot_secret(secret, fields))


def unverified_endpoint(token: str) -> str | None:
    """Return the endpoint that a slot's token names, to find the keys that can prove it."""
    fields = _bytes(token)[:-_SEAL_BYTES]
    owner = fields[_SLOT.size :].decode("ascii", "replace")
    return owner.partition("/")[0] or None


def open_slot(token: str, ring: KeyRing, *, endpoint: str, at: datetime) -> SealedSlot | None:
    """Return the slot that a valid key of the endpoint sealed, or None; it may have expired."""
    found = None
    sealed = _bytes(token)
    for secret in _secrets(ring, at):
        fields = _opened(secret, _SLOT_LABEL, sealed)
        if fields is not None:
            found = secret, fields
    if found is None:
        return None
    secret, fields = found
    form, kind, made_at, minutes, unique, sha256 = _SLOT.unpack_from(fields)
    owner, _, body = fields[_SLOT.size :].decode("ascii").partition("/")
    if form != _FORM or owner != endpoint:
        return None
    moment = datetime.fromtimestamp(made_at, UTC)
    slot = Slot(owner, body, _KINDS[kind], unique, sha256, moment, minutes)
    return SealedSlot(slot, token, _slot_secret(secret, fields))


def secret_fits(sealed: SealedSlot, presented: bytes) -> bool:
    """Tell whether `presented` is the slot's secret, in a time that does not depend on it."""
    own = hashlib.sha256(sealed.secret.encode()).digest()
    return hmac.compare_digest(own, hashlib.sha256(presented).digest())


def seal_version(slot: Slot, ring: KeyRing, *, bytes_total: int, uploaded_at: datetime) -> str:
    """Return the version token of a slot's file.

    Raises:
        Broken: no key is valid at `uploaded_at`.
    """
    secret = _sealing_key(ring, uploaded_at)
    made_at, uploaded = int(slot.made_at.timestamp()), int(uploaded_at.timestamp())
    fields = _VERSION.pack(_FORM, made_at, uploaded, bytes_total, slot.sha256)
    label = _version_label(slot.endpoint, slot.body, slot.key)
    return _text(fields + _seal(secret, label, fields))


def open_version(
    token: str, ring: KeyRing, *, endpoint: str, body: str, key: str, at: datetime
) -> StoredVersion | None:
    """Return what `body` uploaded as `key`, or None: this token does not say that it did.

    `at` is when the request that names the file was received. Whether the file is still there, and
    its term not over, the token cannot know.
    """
    sealed = _bytes(token)
    label = _version_label(endpoint, body, key)
    found = None
    for secret in _secrets(ring, at):
        found = _opened(secret, label, sealed) or found
    if found is None or len(found) != _VERSION.size:
        return None
    form, made_at, uploaded_at, bytes_total, sha256 = _VERSION.unpack(found)
    if form != _FORM:
        return None
    return StoredVersion(
        path=object_path(endpoint, body, datetime.fromtimestamp(made_at, UTC), key),
        sha256=b64encode(sha256).decode(),
        bytes_total=bytes_total,
        uploaded_at=datetime.fromtimestamp(uploaded_at, UTC),
    )


def _version_label(endpoint: str, body: str, key: str) -> str:
    # No name can hold a line feed, so no two bindings make one text; a key from a request may.
    return f"{_VERSION_LABEL}\n{endpoint}\n{body}\n{key}"


def _slot_secret(secret: bytes, fields: bytes) -> str:
    """Return 256 bytes that only a key can compute, written as SEND writes them: in brackets."""
    blocks = (
        hmac.digest(secret, _message(_SECRET_LABEL, bytes([number]) + fields), hashlib.sha256)
        for number in range(_SECRET_BLOCKS)
    )
    return f"[{_text(b''.join(blocks))}]"


def _opened(secret: bytes, label: str, sealed: bytes) -> bytes | None:
    fields, presented = sealed[:-_SEAL_BYTES], sealed[-_SEAL_BYTES:]
    return fields if hmac.compare_digest(_seal(secret, label, fields), presented) else None


def _seal(secret: bytes, label: str, fields: bytes) -> bytes:
    return hmac.digest(secret, _message(label, fields), hashlib.sha256)[:_SEAL_BYTES]


def _message(label: str, fields: bytes) -> bytes:
    text = label.encode("utf-8", "surrogatepass")
    return len(text).to_bytes(4) + text + fields


def _secrets(ring: KeyRing, at: datetime) -> Iterator[bytes]:
    return (secret for _, secret in ring.secrets(at=at))


def _sealing_key(ring: KeyRing, at: datetime) -> bytes:
    for secret in _secrets(ring, at):
        return secret
    raise Broken("attachments.slot_keys: none is valid now; add one (openssl rand -hex 32)")


def _text(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def _bytes(token: str) -> bytes:
    """Return the bytes of a token; none where it is not written as `_text` writes it."""
    if len(token) > _TOKEN_CHARACTERS_MAX or not token.isascii():
        return b""
    try:
        sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return b""
    return sealed if _text(sealed) == token else b""
