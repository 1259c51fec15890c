"""Read bytes as a JSON object, refusing what two readers could read differently.

RFC 8259 leaves duplicate names, huge numbers and deep nesting to the implementation; a signature
over bytes is worth nothing if the signer's reader and ours find different fields in them.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from contracts.codes import RejectionCode
from contracts.errors import Rejected

BODY_BYTES_MAX: Final = 8_388_608  # the largest body an endpoint may be configured to take
DEPTH_MAX: Final = 32  # the deepest real payload has 6 levels
INTEGER_DIGITS_MAX: Final = 32  # Python's own limit of 4,300 digits is a denial of service away

# Possessive, and the closing quote optional, so that no body makes it try a place twice.
_STRINGS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
# Which kind a bracket is of makes no difference to how deep it stands.
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_OPENING: Final = ord("[")
_BRACKETS_MAX: Final = 4_096  # of a thousand objects and lists; beyond, hostile ones cost more
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(body: bytes) -> dict[str, Any]:
    """Return the members of the JSON object that `body` is.

    Numbers with a fraction become Decimal with every digit given.

    Raises:
        Rejected: `body_too_large`, `encoding_invalid`, `json_invalid`, `json_duplicate_key`,
            `json_number_forbidden`, `json_too_deep`, or `payload_invalid` when it is no object.
    """
    value = _read(body)
    if not isinstance(value, dict):
        raise Rejected(RejectionCode.PAYLOAD_INVALID, "the body is not an object")
    return value


def read_json_array(body: bytes) -> list[Any]:
    """Return the items of the JSON array that `body` is.

    Raises:
        Rejected: as `read_json`; `payload_invalid` when it is no array.
    """
    value = _read(body)
    if not isinstance(value, list):
        raise Rejected(RejectionCode.PAYLOAD_INVALID, "the body is not an array")
    return value


def _read(body: bytes) -> Any:  # noqa: ANN401 - JSON holds any value
    if len(body) > BODY_BYTES_MAX:
        raise Rejected(RejectionCode.BODY_TOO_LARGE, f"more than {BODY_BYTES_MAX} bytes")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Rejected(RejectionCode.ENCODING_INVALID, f"byte {error.start}") from None
    _refuse_depth(body)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Rejected(RejectionCode.JSON_INVALID, f"character {error.pos}") from None
    except RecursionError:
        raise Rejected(RejectionCode.JSON_TOO_DEEP, f"more than {DEPTH_MAX} levels") from None
    if _SURROGATE_ESCAPE.search(text):
        _refuse_surrogates(value)
    return value


def _refuse_depth(body: bytes) -> None:
    # Brackets inside strings count too, so the scan runs only where the bound could be passed.
    if body.count(b"{") + body.count(b"[") <= DEPTH_MAX:
        return
    # Where no quote is escaped, every second piece between quotes is a string.
    outside = _STRINGS.sub(b"", body) if b"\\" in body else b"".join(body.split(b'"')[::2])
    brackets = outside.translate(_ONE_KIND, _NO_BRACKETS)
    if _is_gone(brackets):
        return
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket == _OPENING else -1
        if depth > DEPTH_MAX:
            raise Rejected(RejectionCode.JSON_TOO_DEEP, f"more than {DEPTH_MAX} levels")


def _is_gone(brackets: bytes) -> bool:
    """Tell whether nothing is left once the innermost level is taken away DEPTH_MAX times.

    Then nothing was too deep, and it is told in a tenth of the time that counting takes.
    """
    if len(brackets) > _BRACKETS_MAX:
        return False
    for _ in range(DEPTH_MAX):
        if not brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    return not brackets


def _refuse_surrogates(value: Any) -> None:  # noqa: ANN401 - JSON holds any value
    """Refuse half a surrogate pair anywhere in `value`, which is no deeper than DEPTH_MAX.

    RFC 8259 §8.2 calls what readers make of one unpredictable; ours could not write it again.
    """
    match value:
        case str():
            if _SURROGATE.search(value):
                raise Rejected(RejectionCode.JSON_INVALID, "half a surrogate pair")
        case dict():
            for name, member in value.items():
                _refuse_surrogates(name)
                _refuse_surrogates(member)
        case list():
            for item in value:
                _refuse_surrogates(item)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Rejected(RejectionCode.JSON_DUPLICATE_KEY, "one name stands twice in one object")
    return members


def _integer(digits: str) -> int:
    if len(digits) > INTEGER_DIGITS_MAX:
        raise Rejected(
            RejectionCode.JSON_NUMBER_FORBIDDEN, f"more than {INTEGER_DIGITS_MAX} digits"
        )
    return int(digits)


def _fraction(digits: str) -> Decimal:
    try:
        number = Decimal(digits)
        absurd = abs(number.adjusted()) > INTEGER_DIGITS_MAX
    except InvalidOperation:  # an exponent that Decimal itself cannot hold
        absurd = True
    # 1e999999 is eight bytes of JSON and a megabyte when written out.
    if absurd:
        raise Rejected(RejectionCode.JSON_NUMBER_FORBIDDEN, "an exponent beyond any amount")
    return number


def _constant(name: str) -> NoReturn:
    raise Rejected(RejectionCode.JSON_NUMBER_FORBIDDEN, name)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
