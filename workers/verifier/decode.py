"""Decode proven bytes to a JSON object. Pure."""

from contracts.json_object import read_json
from contracts.provider import SignedBytes, SignedFields


def decode_json(signed: SignedBytes) -> SignedFields:
    """Return the members of the JSON object that `signed` is.

    Raises:
        Rejected: as `read_json`.
    """
    return SignedFields(read_json(signed.body), signed)
