"""Check F24 metadata as pagoPA does: its checks in its order, each issue with its code.

1. an empty file; then the parsing, which coerces types: a number where a text stands, a text of
   digits where a number stands, and the like (pagoPA's own samples need it). Here a number that
   would lose a fraction is refused.
2. the schema, which allows one form alone (so pagoPA's own check of that, …_MULTI_TYPE, never
   finds anything): one issue for each violation, and nothing after it if there is any
3. the digest
4. costs of the notification: in one record if the payment wants them, else in none

https://github.com/pagopa/pn-f24 (MetadataValidatorImpl, at 0480575). Not checked: the rules of the
paper form, which a library of pagoPA's knows. No issue has a value of the file.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from contracts.errors import Rejected
from contracts.json_object import read_json
from contracts.needs import CONTENT_BYTES_MAX, CONTENTS_BYTES_MAX
from contracts.send.f24 import FORMS, STANDARD, Cents, Flag, Kind, Records, Section, Text
from contracts.send.request import without_nulls

ISSUES_MAX: Final = 50
_TOO_LARGE: Final = (
    f"not read: a file may have {CONTENT_BYTES_MAX} bytes, "
    f"and all of one request together {CONTENTS_BYTES_MAX}"
)
_INT32: Final = 2**31
_TRUTHS: Final = frozenset({"true", "True", "TRUE"})
_UNTRUTHS: Final = frozenset({"false", "False", "FALSE"})


class F24Code(StrEnum):
    """Why metadata cannot become a form."""

    PARSING = "PN_F24_METADATA_PARSING_ERROR"
    EMPTY = "PN_F24_METADATA_VALIDATION_ERROR"
    SCHEMA = "PN_F24_METADATA_VALIDATION_SCHEMA"
    DIGEST = "PN_F24_METADATA_VALIDATION_DIFFERENT_SHA256"
    COST = "PN_F24_METADATA_VALIDATION_INCONSISTENT_APPLY_COST"


@dataclass(frozen=True, slots=True)
class F24Issue:
    """One issue: its code, the member it is about, and the rule."""

    code: F24Code
    element: str
    message: str

    def text(self) -> str:
        """Return the issue as SEND tells it in the detail of a refusal."""
        return f"ERROR: {self.code} \nON ELEMENT: {self.element} \nMESSAGE: {self.message}"


class _Unreadable(Exception):
    """A value that no coercion makes what stands in its place."""


def check_f24(content: bytes | None, *, sha256: str, apply_cost: bool) -> tuple[F24Issue, ...]:
    """Return the issues of a file of metadata whose payment declares `sha256` and `apply_cost`.

    None is the content of a file beyond the limits of what is read.
    """
    if content is None:
        return (F24Issue(F24Code.EMPTY, "", _TOO_LARGE),)
    if not content:
        return (F24Issue(F24Code.EMPTY, "", "the file is empty"),)
    try:
        form = _coerced(without_nulls(read_json(content)), FORMS, "")  # 1
    except Rejected as rejected:
        return (F24Issue(F24Code.PARSING, "", f"not read as JSON: {rejected.code}"),)
    except _Unreadable as unreadable:
        return (F24Issue(F24Code.PARSING, str(unreadable), "of a type that cannot be taken"),)
    # No more than are told: a hostile file has a violation every three bytes.
    violations = islice(_violations(form), ISSUES_MAX)
    if broken := tuple(F24Issue(F24Code.SCHEMA, *one) for one in violations):
        return broken  # 2
    issues = []
    if base64.b64encode(hashlib.sha256(content).digest()).decode() != sha256:
        issues.append(F24Issue(F24Code.DIGEST, "", "the file has another digest"))  # 3
    costs = _costs(form, apply_cost=apply_cost)  # 4
    issues.extend(F24Issue(F24Code.COST, *cost) for cost in costs)
    return tuple(issues[:ISSUES_MAX])


def _coerced(value: Any, kind: Kind, where: str) -> Any:  # noqa: ANN401 - JSON holds any value
    """Return `value` in the types of `kind`, as far as they can be had; unknown members stay."""
    match kind:
        case Text():
            return _as_text(value, where)
        case Cents():
            return _as_cents(value, where)
        case Flag():
            return _as_flag(value, where)
        case Records(of):
            if not isinstance(value, list):
                raise _Unreadable(where)
            return [_coerced(one, of, f"{where}[{at}]") for at, one in enumerate(value)]
        case Section(members):
            if not isinstance(value, Mapping):
                raise _Unreadable(where)
            found = {
                name: _coerced(one, members[name], _below(where, name)) if name in members else one
                for name, one in value.items()
            }
            return {name: one for name, one in found.items() if one is not None}


def _as_text(value: object, where: str) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
    raise _Unreadable(where)


def _as_cents(value: object, where: str) -> int | None:
    match value:
        case "":
            return None
        case str() if value.isascii() and value.strip().removeprefix("-").isdigit():
            # More digits than 32 bits have; and no number that takes its time.
            number = int(value) if len(value) < 32 else _INT32  # noqa: PLR2004 - far beyond
        case int() | Decimal() if not isinstance(value, bool) and value == int(value):
            number = int(value)
        case _:
            raise _Unreadable(where)
    if not -_INT32 <= number < _INT32:
        raise _Unreadable(where)
    return number


def _as_flag(value: object, where: str) -> bool | None:
    match value:
        case bool():
            return value
        case int():
            return value != 0
        case "":
            return None
        case str() if value in _TRUTHS | _UNTRUTHS:
            return value in _TRUTHS
    raise _Unreadable(where)


def _violations(form: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield where the coerced metadata breaks the schema, and how."""
    if len(form) != 1:
        yield "", "exactly one form"
    yield from _broken(form, FORMS, "")
    standard = form.get(STANDARD)
    if standard is not None and not standard.keys() - {"taxPayer"}:
        yield STANDARD, "no section beside taxPayer"


def _broken(value: Any, kind: Kind, where: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON holds anything
    match kind:
        case Text(pattern) if not pattern.fullmatch(value):
            yield where, "not of the form that the schema gives"
        case Records(of):
            for at, one in enumerate(value):
                yield from _broken(one, of, f"{where}[{at}]")
        case Section():
            yield from _broken_section(value, kind, where)


def _broken_section(
    value: Mapping[str, Any], section: Section, where: str
) -> Iterator[tuple[str, str]]:
    for name in section.required:
        if name not in value:
            yield _below(where, name), "required"
    if value.keys() - section.members.keys():
        yield where, "an unknown member"
    for name, one in value.items():
        if name in section.members:
            yield from _broken(one, section.members[name], _below(where, name))


def _costs(form: Mapping[str, Any], *, apply_cost: bool) -> Iterator[tuple[str, str]]:
    """Yield where the costs of the notification are asked for against the payment."""
    applied = [(where, record) for where, record in _records(form, "") if record.get("applyCost")]
    for where, record in applied:
        if record.get("credit"):
            yield where, "applyCost in a record with a credit"
    if len(applied) > 1:
        yield "", "applyCost in more records than one"
    if applied and not apply_cost:
        yield "", "applyCost in a record, and not in the payment"
    if not applied and apply_cost:
        yield "", "applyCost in the payment, and in no record"


def _records(value: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:  # noqa: ANN401 - JSON holds anything
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _records(one, _below(where, name))
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield f"{where}[{at}]", one


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
