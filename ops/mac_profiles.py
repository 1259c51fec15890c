"""Find the HMAC profiles that reproduce one captured signature. Pure; only for captured requests.

The search knows the secret, so it forges nothing; the ingress itself knows exactly one profile.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Final

from runtime.mac import (
    Encoding,
    Hash,
    MacInput,
    MacProfile,
    Part,
    TimestampFormat,
    compute_mac,
    read_mac,
    read_timestamp,
)

SEPARATORS: Final = ("", ".", ":", "|", "\n", "\r\n", ",", ";", "&", "-", "_", "/", "+", " ")
_BODIES: Final = frozenset({Part.BODY, Part.BODY_SHA256_HEX})
# Such as "sha256=" or "v1="; whatever else a header may start with is no constant.
_PREFIX_CHARACTERS_MAX: Final = 24
_DIGEST_BYTES: Final = {Hash.SHA256: 32, Hash.SHA384: 48, Hash.SHA512: 64}
_EPOCH_SECONDS_DIGITS_MAX: Final = 11
# Stands where the timestamp's format is not known; it takes no part in the computation.
_ANY: Final = TimestampFormat.ISO8601


@dataclass(frozen=True, slots=True)
class Search:
    """What was found, simplest first, and how much was tried."""

    found: tuple[MacProfile, ...]
    tried: int
    timestamp_format: TimestampFormat | None


def find_profiles(signed: MacInput, signature: bytes, secret: bytes) -> Search:
    """Return every profile under which `secret` makes `signature`.

    The length of the signature chooses hash, encoding and prefix; what is tried is every order of
    every subset of the parts that holds the body, joined by each separator.
    """
    form = timestamp_format(signed.timestamp)
    found: list[MacProfile] = []
    tried = 0
    writings = list(dict.fromkeys(_writings(signature)))
    hashes = sorted({one.hash for one in writings})
    for parts, separator in _recipes():
        for name in hashes:
            tried += 1
            recipe = MacProfile(name, parts, separator, Encoding.HEX, form or _ANY)
            code = compute_mac(recipe, signed, secret)
            found += [
                MacProfile(name, parts, separator, one.encoding, form or _ANY, one.prefix)
                for one in writings
                if one.hash is name and read_mac(one, signature) == code
            ]
    return Search(tuple(found), tried, form)


def timestamp_format(timestamp: bytes) -> TimestampFormat | None:
    """Return how a timestamp is written, or None if it is in no format a profile may name."""
    if timestamp.isdigit():
        # Seconds reach eleven digits in the year 5138, milliseconds had twelve in 1973.
        short = len(timestamp) <= _EPOCH_SECONDS_DIGITS_MAX
        form = TimestampFormat.EPOCH_SECONDS if short else TimestampFormat.EPOCH_MILLISECONDS
    else:
        form = TimestampFormat.ISO8601
    return form if read_timestamp(form, timestamp) else None


def refusal(profile: MacProfile) -> str | None:
    """Return why the configuration refuses a profile although it fits, or None."""
    if Part.TIMESTAMP not in profile.parts:
        return "it does not cover the timestamp, so an old callback can be sent again for ever"
    return None


def yaml_block(profile: MacProfile, *, secret_file: str, golden_vector_file: str) -> str:
    """Return the lines to paste under an endpoint of the configuration."""
    lines = [
        "hmac:",
        f"  keys: [{{id: h1, file: {json.dumps(secret_file)}}}]",
        f"  hash: {profile.hash}",
        f"  parts: [{', '.join(profile.parts)}]",
        f"  separator: {json.dumps(profile.separator)}",
        f"  encoding: {profile.encoding}",
        f"  timestamp_format: {profile.timestamp_format}",
        "  tolerance_seconds: 300",
        f"  golden_vector_file: {json.dumps(golden_vector_file)}",
    ]
    if profile.prefix:
        lines.insert(6, f"  prefix: {json.dumps(profile.prefix)}")
    return "\n".join(lines)


def _recipes() -> Iterator[tuple[tuple[Part, ...], str]]:
    """Yield each order of each subset of the parts that holds the body, short ones first."""
    for count in range(1, len(Part) + 1):
        for parts in permutations(Part, count):
            if not _BODIES & set(parts):
                continue
            for separator in SEPARATORS if count > 1 else SEPARATORS[:1]:
                yield parts, separator


def _writings(signature: bytes) -> Iterator[MacProfile]:
    """Yield hash, encoding and prefix of each way in which the header could carry a code."""
    try:
        text = signature.decode("ascii")
    except UnicodeDecodeError:
        return
    for name, size in _DIGEST_BYTES.items():
        base64_length = 4 * -(-size // 3)
        unpadded = -(-size * 4 // 3)
        for encoding, length in (
            (Encoding.HEX, 2 * size),
            (Encoding.BASE64, base64_length),
            (Encoding.BASE64URL, base64_length),
            (Encoding.BASE64URL, unpadded),
        ):
            prefix = text[: max(0, len(text) - length)]
            profile = MacProfile(name, (Part.BODY,), "", encoding, _ANY, prefix)
            code = read_mac(profile, signature) if len(text) >= length else None
            if code and len(code) == size and len(prefix) <= _PREFIX_CHARACTERS_MAX:
                yield profile
