"""Check a notification request before it is taken: every error at once, in SEND's codes.

`check_request` is the whole of it: the forms and bounds of members (contracts/send/request.py), and
the rules between them (contracts/send/request_relations.py), which are checked wherever the members
they speak of have the right shape. No error has a value of the request.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from contracts.send.problems import ELEMENT_CHARACTERS_MAX, Invalid, ProblemCode, ProblemError
from contracts.send.request import Request, without_nulls
from contracts.send.request_relations import relations
from contracts.send.rules import BodyRules, SendRules

# A request of a million empty recipients is answered with a page, not with a book.
ERRORS_MAX: Final = 200
_CODES: Final[Mapping[str, ProblemCode]] = {
    "missing": ProblemCode.REQUIRED,
    "string_pattern_mismatch": ProblemCode.PATTERN,
    "string_too_short": ProblemCode.SIZE,
    "string_too_long": ProblemCode.SIZE,
    "too_short": ProblemCode.SIZE,
    "too_long": ProblemCode.SIZE,
    "greater_than_equal": ProblemCode.MINIMUM,
    "less_than_equal": ProblemCode.MAXIMUM,
    "less_than": ProblemCode.MAXIMUM,
}


def check_request(
    members: Mapping[str, Any],
    rules: SendRules,
    body: BodyRules,
    *,
    groups: Sequence[str] = (),
) -> Request:
    """Return the request that `members` are, if `body` may send it with a key of `groups`.

    Raises:
        Invalid: with all errors: those of single members first.
    """
    given = without_nulls(members)
    errors: list[ProblemError] = []
    request = None
    try:
        request = Request.model_validate(given)
    except ValidationError as error:
        errors.extend(syntax_errors(error))
    errors.extend(relations(given, rules, body, groups))
    if request is None or errors:
        raise Invalid(errors[:ERRORS_MAX])
    return request


def syntax_errors(error: ValidationError) -> Iterator[ProblemError]:
    """Yield what is wrong with single members, as SEND names it."""
    for one in error.errors(include_input=False, include_url=False, include_context=False):
        code = _CODES.get(one["type"], ProblemCode.INVALID)
        # The name of an unknown member is the caller's text: its parent is named instead.
        foreign = one["type"] == "extra_forbidden"
        path = one["loc"][:-1] if foreign else one["loc"]
        detail = "an unknown member" if foreign else one["type"].replace("_", " ")
        yield ProblemError(code, element_of(path), detail)


def element_of(path: Sequence[str | int]) -> str:
    """Return a path as SEND writes it: `recipients[0].taxId`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")[:ELEMENT_CHARACTERS_MAX]
