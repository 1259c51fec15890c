"""Read CBOR (RFC 8949) in one way only, and as data: no tag makes an object of its own. Pure.

The library turns tags into dates, patterns, shared references and more while it reads; here a tag
stays a tag. What two readers could read differently is refused: a name twice, bytes after the end.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from typing import Any, Final

import cbor2
from cbor2 import CBORTag

DEPTH_MAX: Final = 16  # a DeviceResponse has 8; what an issuer signs is a document of its own
EMBEDDED: Final = 24  # RFC 8949 §3.4.5.1: a byte string that is CBOR itself
# The tags that cbor2 6.2 gives a meaning; tests/unit/test_mdoc.py tries all there could be.
_WITH_MEANING: Final = (
    *(0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54),
    *(100, 256, 258, 260, 261, 1004, 43000, 55799),
)


def read_cbor(encoded: bytes) -> Any:  # noqa: ANN401 - CBOR holds any value
    """Return the one data item that `encoded` is.

    It is made of None, bool, int, finite float, str, bytes, list, dict with int or str keys, and
    CBORTag of these.

    Raises:
        ValueError: it is malformed, has a name twice, is too deep, or holds anything else.
    """
    stream = BytesIO(encoded)
    try:
        decoder = cbor2.CBORDecoder(
            stream,
            semantic_decoders=_PLAIN,
            str_errors="strict",
            max_depth=DEPTH_MAX,
            allow_indefinite=True,
            allow_duplicate_keys=False,
            # Labels of COSE and digest ids are integers; other keys are refused below.
            strict_hashable_types=False,
        )
        value = decoder.decode()
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError("CBOR: malformed, too deep, or a name twice") from error
    if stream.tell() != len(encoded):
        raise ValueError("CBOR: bytes after its end")
    return _checked(value)


def embedded(value: object) -> bytes:
    """Return the bytes of #6.24(bstr).

    Raises:
        ValueError: it is something else.
    """
    if (
        not isinstance(value, CBORTag)
        or value.tag != EMBEDDED
        or not isinstance(value.value, bytes)
    ):
        raise ValueError("CBOR: not an embedded data item")
    return value.value


def plain(value: Any) -> Any:  # noqa: ANN401 - CBOR holds any value
    """Return a value that JSON can write: what a digest of claims is made of."""
    match value:
        case bytes():
            return {"bytes": value.hex()}
        case CBORTag():
            return {f"tag {value.tag}": plain(value.value)}
        case float():
            return {"float": repr(value)}
        case list():
            return [plain(item) for item in value]
        case dict():
            return {
                name if isinstance(name, str) else f"label {name}": plain(member)
                for name, member in value.items()
            }
        case _:
            return value


def _keep(tag: int, value: object, _immutable: bool) -> CBORTag:  # noqa: FBT001 - cbor2 calls it so
    return CBORTag(tag, value)


_PLAIN: Final[Mapping[int, Callable[[Any, bool], CBORTag]]] = {
    tag: partial(_keep, tag) for tag in _WITH_MEANING
}


def _checked(value: Any) -> Any:  # noqa: ANN401 - CBOR holds any value
    """Return the value in the types that `read_cbor` promises."""
    match value:
        case None | bool() | int() | str() | bytes():
            return value
        case float() if math.isfinite(value):
            return value
        case CBORTag():
            return CBORTag(value.tag, _checked(value.value))
        # What stands in a tag comes as a tuple or a frozendict.
        case list() | tuple():
            return [_checked(item) for item in value]
        case Mapping():
            if any(type(name) not in {int, str} for name in value):
                raise ValueError("CBOR: a key that is neither a number nor text")
            return {name: _checked(member) for name, member in value.items()}
        case _:
            raise ValueError("CBOR: a value of a kind that no credential has")
