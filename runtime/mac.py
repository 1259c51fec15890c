"""Compute and check an HMAC over a callback as a profile says. Pure: bytes in, verdict out.

A profile is configuration because some providers publish no recipe. There is exactly one per
endpoint: trying several until one fits would turn the ingress into a forgery oracle.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

# 128 bits: RFC 2104 §3 discourages keys shorter than the hash's output, yet providers use them.
SECRET_BYTES_MIN: Final = 16
_EPOCH_DIGITS_MAX: Final = 15  # milliseconds until the year 33,658


class Hash(StrEnum):
    """The hash functions a profile may name; SHA-1 and MD5 are not among them."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class Part(StrEnum):
    """What may take part in the computation."""

    TIMESTAMP = "timestamp"
    METHOD = "method"
    PATH = "path"
    TARGET_URI = "target_uri"
    BODY = "body"
    BODY_SHA256_HEX = "body_sha256_hex"


class Encoding(StrEnum):
    """How the code is written in its header."""

    HEX = "hex"
    BASE64 = "base64"
    BASE64URL = "base64url"


class TimestampFormat(StrEnum):
    """How the signed timestamp is written in its header."""

    EPOCH_SECONDS = "epoch_seconds"
    EPOCH_MILLISECONDS = "epoch_milliseconds"
    ISO8601 = "iso8601"


@dataclass(frozen=True, slots=True)
class MacProfile:
    """One recipe: hash over `parts` joined by `separator`, written as `prefix` + `encoding`."""

    hash: Hash
    parts: tuple[Part, ...]
    separator: str
    encoding: Encoding
    timestamp_format: TimestampFormat
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class MacInput:
    """What a profile may draw on. `timestamp` is the header's bytes, never a rewritten instant."""

    timestamp: bytes
    method: str
    path: str
    target_uri: str
    body: bytes


def compute_mac(profile: MacProfile, signed: MacInput, secret: bytes) -> bytes:
    """Return the raw HMAC of `signed` under `secret`."""
    joined = profile.separator.encode().join(_part(part, signed) for part in profile.parts)
    return hmac.digest(secret, joined, profile.hash.value)


def write_mac(profile: MacProfile, signed: MacInput, secret: bytes) -> bytes:
    """Return the header value a sender writes."""
    code = compute_mac(profile, signed, secret)
    match profile.encoding:
        case Encoding.HEX:
            text = code.hex().encode()
        case Encoding.BASE64:
            text = base64.b64encode(code)
        case Encoding.BASE64URL:
            text = base64.urlsafe_b64encode(code).rstrip(b"=")
    return profile.prefix.encode() + text


def read_mac(profile: MacProfile, header: bytes) -> bytes | None:
    """Return the code a header carries, or None if it is not written as the profile says."""
    prefix = profile.prefix.encode()
    if not header.startswith(prefix):
        return None
    text = header[len(prefix) :]
    try:
        match profile.encoding:
            case Encoding.HEX:
                return binascii.unhexlify(text)
            case Encoding.BASE64:
                return base64.b64decode(text, validate=True)
            case Encoding.BASE64URL:
                padded = text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4)
                return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def matching_secret(
    profile: MacProfile, signed: MacInput, *, header: bytes, secrets: Sequence[tuple[str, bytes]]
) -> str | None:
    """Return the id of the secret that reproduces the code in `header`, or None.

    Every secret is tried, found or not, so the time taken tells nothing about which one fits.
    """
    presented = read_mac(profile, header) or b""
    found = None
    for key_id, secret in secrets:
        if hmac.compare_digest(compute_mac(profile, signed, secret), presented):
            found = key_id
    return found


def read_timestamp(form: TimestampFormat, header: bytes) -> datetime | None:
    """Return the instant a timestamp header names, or None if it is not written in `form`."""
    try:
        text = header.decode("ascii")
        match form:
            case TimestampFormat.EPOCH_SECONDS:
                return datetime.fromtimestamp(_digits(text), UTC)
            case TimestampFormat.EPOCH_MILLISECONDS:
                return datetime.fromtimestamp(_digits(text) / 1000, UTC)
            case TimestampFormat.ISO8601:
                moment = datetime.fromisoformat(text)
                # Without an offset the instant is a guess, and a guess must not open a door.
                return moment if moment.tzinfo else None
    except (ValueError, OverflowError, OSError):
        return None


def _digits(text: str) -> int:
    if not text.isdigit() or len(text) > _EPOCH_DIGITS_MAX:
        raise ValueError("not a count of seconds or milliseconds")
    return int(text)


def _part(part: Part, signed: MacInput) -> bytes:
    match part:
        case Part.TIMESTAMP:
            return signed.timestamp
        case Part.METHOD:
            return signed.method.encode()
        case Part.PATH:
            return signed.path.encode()
        case Part.TARGET_URI:
            return signed.target_uri.encode()
        case Part.BODY:
            return signed.body
        case Part.BODY_SHA256_HEX:
            return hashlib.sha256(signed.body).hexdigest().encode()
