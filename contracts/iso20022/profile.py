"""Compare a message with the EPC's profile: what departs from it, never what stands there.

A finding says where and which rule. The message is processed all the same, so a rule is here only
if it is in a document, and no rule is a reason to refuse.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, partial
from typing import Final

from contracts.iso20022.envelope import REPORT, RESOLUTION, Found
from contracts.iso20022.parties import BIC, LEI
from contracts.iso20022.profile_table import (
    REASONS,
    REPORT_PROFILE,
    RESOLUTION_PROFILE,
    STATUSES,
    Row,
    parse_profile,
)
from contracts.iso20022.tree import many, plain_decimal, reach, text, text_at
from contracts.update import Finding, FindingCode

FINDINGS_MAX: Final = 20  # enough to see what a provider does wrong; a record stays small

_PROFILES: Final[Mapping[str, Row]] = {
    REPORT: parse_profile(REPORT_PROFILE),
    RESOLUTION: parse_profile(RESOLUTION_PROFILE),
}
_PAYMENTS: Final = "OrgnlPmtInfAndSts"
_GROUP: Final = "OrgnlGrpInfAndSts"
_AMOUNT_MAX: Final = Decimal("999999999.99")  # V4.0; v3.1 has no upper bound, SEPA has
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# ISODateTime; V4.0 asks for milliseconds and an offset, v3.1 for nothing.
_TIME: Final = re.compile(
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DATE_CHARACTERS: Final = 10

_Judge = Callable[[str], FindingCode | None]


def data_set_of(found: Found) -> str:
    """Return the EPC's name of the data set that the message is, judged by its first transaction.

    A status that no data set has is compared with the payer's answer, the fullest of them.
    """
    members = found.members
    if found.name == RESOLUTION:
        said = text_at(members, "Sts", "Conf") or text_at(
            members, "CxlDtls", "TxInfAndSts", "TxCxlSts"
        )
        return "DS12P" if said in STATUSES["DS12P"] else "DS12N"
    first = reach(_payments_lifted(members)[0], _PAYMENTS, "TxInfAndSts")
    said, annotated = text_at(first, "TxSts"), text_at(first, "StsRsnInf", "AddtlInf")
    if said is None:
        return "DS16RTP"
    if said == "RJCT":
        refused = refused_by(text_at(first, "StsRsnInf", "Rsn", "Cd"), decided=_is_decided(first))
        return "DS08N" if refused == "payer" else "DS04b"
    if said in STATUSES["REDIRECT"]:
        return "REDIRECT" if annotated or not said else "DS05"
    return "DS08P"


def refused_by(reason: str | None, *, decided: bool) -> str | None:
    """Return who refused with RJCT: `payer`, `provider` (the payer's), or None: it does not say.

    Only the payer's refusal has the time of a decision (`decided`); without it the reason tells,
    where the codes of the two data sets do not overlap.
    """
    if decided:
        return "payer"
    mine, theirs = reason in REASONS["DS08N"], reason in REASONS["DS04b"]
    if mine == theirs:
        return None
    return "payer" if mine else "provider"


def findings_of(found: Found) -> tuple[Finding, ...]:
    """Return how the message departs from the profile of its data set, at most FINDINGS_MAX."""
    comparison = _Comparison(is_xml=found.is_xml)
    members, misplaced = found.members, False
    if found.name == REPORT:
        members, misplaced = _payments_lifted(members)
    if misplaced:
        comparison.note(FindingCode.MISPLACED, f"{REPORT}.{_GROUP}.{_PAYMENTS}")
    fields = _fields_of(found.name, data_set_of(found), is_xml=found.is_xml)
    comparison.compare(fields, members)
    return tuple(comparison.found)


@dataclass(frozen=True, slots=True)
class _Field:
    """A row of the table as one data set and one syntax have it: nothing is left to look up.

    `where` is its whole path. `check` judges a value; None: the field has others below it.
    """

    name: str
    where: str
    required: bool
    many: bool
    is_choice: bool
    check: Callable[[object], FindingCode | None] | None
    below: tuple["_Field", ...]


class _Comparison:
    """One message against the fields of its data set; each finding once, until there are enough."""

    def __init__(self, *, is_xml: bool) -> None:
        self.found: dict[Finding, None] = {}
        self._is_xml = is_xml

    def note(self, code: FindingCode, where: str) -> None:
        if len(self.found) < FINDINGS_MAX:
            self.found[Finding(code=code, where=where)] = None

    def compare(self, fields: tuple[_Field, ...], members: Mapping[str, object]) -> None:
        for field in fields:
            if len(self.found) >= FINDINGS_MAX:
                return
            given = members.get(field.name)
            if given is None:  # most fields may be absent, and are
                if field.required:
                    self.note(FindingCode.MISSING, field.where)
            elif isinstance(given, list):
                self._values(field, given)
            else:
                # XML has no lists: one element is also a list of one.
                if field.many and not self._is_xml:
                    self.note(FindingCode.ONE_FOR_MANY, field.where)
                self._value(field, given)

    def _values(self, field: _Field, given: list[object]) -> None:
        values = many(given)
        if not values and field.required:
            self.note(FindingCode.MISSING, field.where)
        if values and not field.many and (len(values) > 1 or not self._is_xml):
            self.note(FindingCode.MANY_FOR_ONE, field.where)
        for value in values:
            self._value(field, value)

    def _value(self, field: _Field, value: object) -> None:
        if field.check is not None:
            code = field.check(value)
            if code is not None:
                self.note(code, field.where)
        elif isinstance(value, dict):
            self.compare(field.below, value)
        elif self._is_xml and text(value) == "":
            self.compare(field.below, {})
        elif not (field.is_choice and not self._is_xml and text(value)):
            self.note(FindingCode.TEXT_MALFORMED, field.where)


@cache
def _fields_of(message: str, data_set: str, *, is_xml: bool) -> tuple[_Field, ...]:
    """Return the fields of a message; there are eight data sets, and two syntaxes of each."""
    return _fields(_PROFILES[message], message, data_set, is_xml=is_xml)


def _fields(above: Row, where: str, data_set: str, *, is_xml: bool) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            row.name,
            f"{where}.{row.name}",
            required=row.cells[data_set] == "1",
            many=row.cells[data_set] == "*",
            is_choice=row.kind == "choice",
            check=_check_of(row.kind, data_set, is_xml=is_xml),
            below=_fields(row, f"{where}.{row.name}", data_set, is_xml=is_xml),
        )
        for row in above.below
        if row.cells[data_set] != "-"
    )


def _check_of(
    kind: str, data_set: str, *, is_xml: bool
) -> Callable[[object], FindingCode | None] | None:
    if kind in _STRUCTURES:
        return None
    if kind == "amount":
        return partial(_amount, is_xml=is_xml)
    if kind == "boolean":
        return partial(_boolean, is_xml=is_xml)
    if kind.startswith("text"):
        judge = _at_most(int(kind.removeprefix("text")))
    elif kind in _CODES:
        judge = _one_of(_CODES[kind][data_set])
    else:
        judge = _FORMS[kind]

    def check(value: object) -> FindingCode | None:
        given = text(value) if is_xml or isinstance(value, str) else None
        return judge(given) if given else FindingCode.TEXT_MALFORMED

    return check


def _boolean(value: object, *, is_xml: bool) -> FindingCode | None:
    good = text(value) in _BOOLEANS if is_xml else isinstance(value, bool)
    return None if good else FindingCode.TEXT_MALFORMED


def _at_most(characters: int) -> _Judge:
    return lambda given: FindingCode.TEXT_TOO_LONG if len(given) > characters else None


def _one_of(codes: frozenset[str]) -> _Judge:
    return lambda given: None if given in codes else FindingCode.CODE_UNKNOWN


def _amount(value: object, *, is_xml: bool) -> FindingCode | None:
    if is_xml:
        currency = value.get("@Ccy", "EUR") if isinstance(value, dict) else "EUR"
        value = text(value) if currency == "EUR" else None
    elif isinstance(value, str):  # the EPC's JSON has a number
        return FindingCode.AMOUNT_MALFORMED
    number = plain_decimal(value)
    good = number is not None and Decimal(number) <= _AMOUNT_MAX
    return None if good else FindingCode.AMOUNT_MALFORMED


def _instant(given: str) -> FindingCode | None:
    if _date(given[:_DATE_CHARACTERS]) or not _TIME.fullmatch(given[_DATE_CHARACTERS:]):
        return FindingCode.DATE_MALFORMED
    return None


def _date(given: str) -> FindingCode | None:
    try:
        good = bool(_DATE.fullmatch(given)) and bool(date.fromisoformat(given))
    except ValueError:
        good = False
    return None if good else FindingCode.DATE_MALFORMED


def _matches(pattern: re.Pattern[str]) -> _Judge:
    return lambda given: None if pattern.fullmatch(given) else FindingCode.TEXT_MALFORMED


def _payments_lifted(members: Mapping[str, object]) -> tuple[Mapping[str, object], bool]:
    """Return the members with the payments where the schema has them, and whether they were not."""
    nested = reach(members, _GROUP)
    if many(members.get(_PAYMENTS)) or not isinstance(nested, dict):
        return members, False
    if not many(nested.get(_PAYMENTS)):
        return members, False
    return {**members, _PAYMENTS: nested[_PAYMENTS]}, True


def _is_decided(transaction: object) -> bool:
    return bool(text_at(transaction, "DbtrDcsnDtTm"))


_STRUCTURES: Final = frozenset({"object", "choice"})
_CODES: Final = {"status": STATUSES, "reason": REASONS}
_BOOLEANS: Final = frozenset({"true", "false", "1", "0"})
_FORMS: Final[Mapping[str, _Judge]] = {
    "instant": _instant,
    "date": _date,
    "bic": _matches(BIC),
    "lei": _matches(LEI),
    "iban": _matches(_IBAN),
    "service": _one_of(frozenset({"SEPA", "SRTP"})),
}
