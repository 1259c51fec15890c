"""Compare two schemas of one thing, by who writes it and who reads it. Pure.

- KEPT, a record: we write, others read, and what was written stays. So new readers meet old records
  and old readers new ones: nothing may change but that members that need not be there are added,
  and words to a list that is open.
- ANSWERED, the body of an answer: the same, but nothing stays, so a new member may always be there.
- TAKEN, what others send: whatever was taken before is taken now.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

_REFERENCE: Final = "#/components/schemas/"
_WORDS: Final = "x-extensible-enum"
_UPPER: Final = frozenset({"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"})
_LOWER: Final = frozenset({"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"})
_NAMED: Final = ("properties", "patternProperties")
_NESTED: Final = ("items", "additionalProperties")
_CHOICES: Final = ("anyOf", "oneOf", "allOf")
_HANDLED: Final = frozenset({"required", _WORDS, *_NAMED, *_NESTED, *_CHOICES})


class Direction(Enum):
    """Who writes and who reads."""

    KEPT = auto()
    ANSWERED = auto()
    TAKEN = auto()


@dataclass(frozen=True, slots=True)
class Change:
    """One change: where, what, and whether it breaks who keeps to the contract as it was."""

    place: str
    what: str
    breaks: bool

    def __str__(self) -> str:
        """Return it as a line of the changelog may quote it."""
        return f"`{self.place}` {self.what}"


@dataclass(frozen=True, slots=True)
class Side:
    """A schema, and those that it may refer to."""

    schema: Any
    known: Mapping[str, Any]

    def of(self, schema: Any) -> "Side":  # noqa: ANN401 - true and false are schemas too
        """Return a part of it."""
        return Side(schema, self.known)

    def resolved(self) -> dict[str, Any]:
        """Return the schema itself where this is a reference, with what stands beside it."""
        schema: dict[str, Any] = self.schema if isinstance(self.schema, dict) else {}
        if "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            named = self.of(self.known[schema["$ref"].removeprefix(_REFERENCE)])
            return {**named.resolved(), **rest}
        return schema


def schema_changes(
    place: str, old: Side, new: Side, direction: Direction, *, within: tuple[Any, ...] = ()
) -> Iterator[Change]:
    """Yield every change from `old` to `new`; what refers to itself is compared once."""
    pair = (old.schema, new.schema)
    if pair in within:
        return
    if False in pair:
        if old.schema is not new.schema:
            opened = old.schema is False
            what = "may be there" if opened else "may not be there"
            yield Change(place, what, breaks=not (opened and direction is Direction.TAKEN))
        return
    within = (*within, pair)
    before, after = old.resolved(), new.resolved()
    yield from _required(place, before, after, direction)
    yield from _open_words(place, before, after)
    for keyword in _NAMED:
        yield from _members(place, old, new, direction, keyword=keyword, within=within)
    for keyword in _NESTED:
        parts = old.of(before.get(keyword, {})), new.of(after.get(keyword, {}))
        where = f"{place}[]" if keyword == "items" else f"{place}.*"
        yield from schema_changes(where, *parts, direction, within=within)
    for keyword in _CHOICES:
        yield from _choices(place, old, new, direction, keyword=keyword, within=within)
    for keyword in sorted((before.keys() | after.keys()) - _HANDLED):
        was, now = before.get(keyword), after.get(keyword)
        if was != now and not (direction is Direction.TAKEN and _is_wider(keyword, was, now)):
            yield Change(place, f"{keyword} was {was} and is {now}", breaks=True)
        elif was != now:
            yield Change(place, f"{keyword} was {was} and is {now}", breaks=False)


def _required(
    place: str, before: Mapping[str, Any], after: Mapping[str, Any], direction: Direction
) -> Iterator[Change]:
    was, now = set(before.get("required", ())), set(after.get("required", ()))
    kept = set(after.get("properties", ()))
    for name in sorted((was - now) & kept):
        yield Change(f"{place}.{name}", "may be left out", breaks=direction is not Direction.TAKEN)
    for name in sorted(now - was):
        yield Change(f"{place}.{name}", "must be there", breaks=direction is not Direction.ANSWERED)


def _open_words(
    place: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Change]:
    was, now = before.get(_WORDS), after.get(_WORDS)
    if (was is None) != (now is None):
        what = "is no longer an open list" if now is None else "is an open list"
        yield Change(place, what, breaks=True)
    for word in sorted(set(was or ()) - set(now or ())):
        yield Change(place, f"has no longer the word {word}", breaks=True)
    for word in sorted(set(now or ()) - set(was or ())):
        yield Change(place, f"has the word {word}", breaks=False)


def _members(
    place: str,
    old: Side,
    new: Side,
    direction: Direction,
    *,
    keyword: str,
    within: tuple[Any, ...],
) -> Iterator[Change]:
    was, now = old.resolved().get(keyword, {}), new.resolved().get(keyword, {})
    for name in sorted(was.keys() - now.keys()):
        yield Change(f"{place}.{name}", "is gone", breaks=True)
    for name in sorted(now.keys() - was.keys()):
        yield Change(f"{place}.{name}", "is new", breaks=False)
    for name in sorted(was.keys() & now.keys()):
        parts = old.of(was[name]), new.of(now[name])
        yield from schema_changes(f"{place}.{name}", *parts, direction, within=within)


def _choices(
    place: str,
    old: Side,
    new: Side,
    direction: Direction,
    *,
    keyword: str,
    within: tuple[Any, ...],
) -> Iterator[Change]:
    was, now = old.resolved().get(keyword, []), new.resolved().get(keyword, [])
    if len(was) != len(now):
        wider = direction is Direction.TAKEN and keyword != "allOf" and len(now) > len(was) > 0
        yield Change(place, f"{keyword} had {len(was)} and has {len(now)}", breaks=not wider)
    for one, other in zip(was, now, strict=False):
        yield from schema_changes(place, old.of(one), new.of(other), direction, within=within)


def _is_wider(keyword: str, was: Any, now: Any) -> bool:  # noqa: ANN401 - any value of a keyword
    """Tell whether all that was taken under the keyword still is, and means the same."""
    if keyword == "default":
        return False
    if now is None:
        return True
    if was is None:
        return False
    if keyword == "enum":
        return set(was) <= set(now)
    if keyword in _UPPER:
        return bool(was <= now)
    return keyword in _LOWER and bool(was >= now)
