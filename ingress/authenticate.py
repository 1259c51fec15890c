"""Decide who is calling, from header fields, raw bytes and the time. Pure: all three are given.

Two steps, because the first needs no body: without a right credential nobody makes us read one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from multidict import CIMultiDict, CIMultiDictProxy

from contracts.codes import RefusalCode
from contracts.errors import EsitoError
from contracts.provider import Door
from runtime import path_token
from runtime.endpoint_configuration import Hmac
from runtime.key_ring import KeyRing
from runtime.mac import MacInput, matching_secret, read_timestamp

HeaderFields = CIMultiDict[str] | CIMultiDictProxy[str]


class Refused(EsitoError):
    """The request is answered with an error and not stored."""

    def __init__(self, code: RefusalCode) -> None:
        """Keep the code; nothing about the request is kept."""
        super().__init__(code.value)
        self.code = code


@dataclass(frozen=True, slots=True)
class Signed:
    """A right HMAC: which key made it, and whether its timestamp is outside the tolerance."""

    key_id: str
    stale: bool


def authenticate_api_key(fields: HeaderFields, ring: KeyRing, *, header: str, at: datetime) -> str:
    """Return the id of the key that the caller presented.

    Raises:
        Refused: `credentials_missing`, `credentials_ambiguous`, `credentials_wrong`.
    """
    key_id = ring.identify(single_field(fields, header), at=at)
    if key_id is None:
        raise Refused(RefusalCode.CREDENTIALS_WRONG)
    return key_id


def authenticate_hmac(
    stored: Mapping[str, bytes],
    ring: KeyRing,
    *,
    door: Door,
    hmac: Hmac,
    signed: MacInput,
    at: datetime,
) -> Signed:
    """Return which key signed the request, and whether it did so too long before or after `at`.

    A stale timestamp is not refused here: the signature is right, so the callback is kept.

    Raises:
        Refused: `credentials_wrong`, `timestamp_malformed`.
    """
    header = stored[door.signature_header]
    key_id = matching_secret(hmac.profile, signed, header=header, secrets=ring.secrets(at=at))
    if key_id is None:
        raise Refused(RefusalCode.CREDENTIALS_WRONG)
    claimed = read_timestamp(hmac.timestamp_format, signed.timestamp)
    if claimed is None:
        raise Refused(RefusalCode.TIMESTAMP_MALFORMED)
    return Signed(key_id, stale=abs(at - claimed) > timedelta(seconds=hmac.tolerance_seconds))


def authenticate_path(
    segment: str, ring: KeyRing, *, endpoint: str, at: datetime
) -> tuple[str, str]:
    """Return the id of the key that sealed the path, and the transaction id that it seals.

    Raises:
        Refused: `credentials_missing`, `credentials_wrong`.
    """
    if not segment:
        raise Refused(RefusalCode.CREDENTIALS_MISSING)
    found = path_token.identify(segment, ring, endpoint=endpoint, at=at)
    if found is None:
        raise Refused(RefusalCode.CREDENTIALS_WRONG)
    return found


def demand_signature(fields: HeaderFields, alternatives: Sequence[Sequence[str]]) -> None:
    """Check that all headers of one of `alternatives` came; no alternatives: nothing is demanded.

    Only the verifier can tell whether the signature is right; without one it need not be asked.

    Raises:
        Refused: `credentials_missing`.
    """
    if alternatives and not any(all(map(fields.get, names)) for names in alternatives):
        raise Refused(RefusalCode.CREDENTIALS_MISSING)


def kept_fields(fields: HeaderFields, names: Sequence[str]) -> dict[str, bytes]:
    """Return the bytes of those of `names` that came; a signature may cover each of them.

    Raises:
        Refused: `credentials_ambiguous`: one of them came twice.
    """
    kept = {}
    for name in names:
        values: Sequence[str] = fields.getall(name, ())
        if len(values) > 1:
            raise Refused(RefusalCode.CREDENTIALS_AMBIGUOUS)
        if values:
            kept[name] = values[0].encode("utf-8", "surrogateescape")
    return kept


def single_field(fields: HeaderFields, name: str) -> bytes:
    """Return the bytes of a header field that must come exactly once.

    Raises:
        Refused: `credentials_missing`, `credentials_ambiguous`.
    """
    values: Sequence[str] = fields.getall(name, ())
    if not values or not values[0]:
        raise Refused(RefusalCode.CREDENTIALS_MISSING)
    if len(values) > 1:
        # Two readers of one request could pick different ones.
        raise Refused(RefusalCode.CREDENTIALS_AMBIGUOUS)
    # aiohttp decodes with surrogateescape, so this gives back the bytes as they came.
    return values[0].encode("utf-8", "surrogateescape")
