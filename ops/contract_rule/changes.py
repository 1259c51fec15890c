"""Compare two surfaces: topics, operations, parameters, proofs, bodies and answers. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ops.contract_rule.schemas import Change, Direction, Side, schema_changes
from ops.contract_rule.surface import HTTP_DOCUMENTS, Surface


def contract_changes(before: Surface, after: Surface) -> Iterator[Change]:
    """Yield every change between two surfaces."""
    yield from _topic_changes(before["asyncapi"], after["asyncapi"])
    for document in HTTP_DOCUMENTS:
        yield from _http_changes(before[document], after[document])


def _topic_changes(before: Surface, after: Surface) -> Iterator[Change]:
    for content, parts in before["contents"].items():
        if content in after["contents"]:
            new = after["contents"][content]
            for part in parts.keys() | new.keys():
                old_side = Side(parts.get(part, {}), before["schemas"])
                new_side = Side(new.get(part, {}), after["schemas"])
                yield from schema_changes(f"{content}: {part}", old_side, new_side, Direction.KEPT)
        else:
            breaks = not _has_successor(content, before["contents"])
            yield Change(content, "is no longer written", breaks=breaks)
    for content in after["contents"].keys() - before["contents"].keys():
        yield Change(content, "is written", breaks=False)
    for topic in sorted(set(before["topics"]) - set(after["topics"])):
        breaks = not _has_successor(topic, before["topics"])
        yield Change(topic, "is no longer a topic", breaks=breaks)
    for topic in sorted(set(after["topics"]) - set(before["topics"])):
        yield Change(topic, "is a topic", breaks=False)


def _has_successor(name: str, released_names: Iterable[str]) -> bool:
    """Tell whether a higher version was released already, so that readers could move to it."""
    stem, version = _versioned(name)
    return any(one == stem and other > version for one, other in map(_versioned, released_names))


def _versioned(name: str) -> tuple[str, int]:
    stem, version = name.rsplit("v", 1)
    return stem, int(version)


def _http_changes(before: Surface, after: Surface) -> Iterator[Change]:
    for name, old in before["operations"].items():
        if name not in after["operations"]:
            yield Change(name, "is no longer answered", breaks=True)
            continue
        new = after["operations"][name]
        schemas = before["schemas"], after["schemas"]
        yield from _parameter_changes(name, old["parameters"], new["parameters"], schemas)
        place = f"{name}: request"
        yield from _body_changes(place, old["request"], new["request"], schemas, Direction.TAKEN)
        yield from _security_changes(name, set(old["security"]), set(new["security"]))
        yield from _answer_changes(name, old["answers"], new["answers"], schemas)
    for name in after["operations"].keys() - before["operations"].keys():
        yield Change(name, "is answered", breaks=False)


def _security_changes(place: str, was: AbstractSet[str], now: AbstractSet[str]) -> Iterator[Change]:
    for way in was - now:
        yield Change(f"{place}: {way}", "is no longer a proof", breaks=bool(now))
    for way in now - was:
        yield Change(f"{place}: {way}", "is a proof", breaks=not was)


def _answer_changes(
    name: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    schemas: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> Iterator[Change]:
    for status, was in old.items():
        place = f"{name}: {status}"
        if status not in new:
            yield Change(place, "is no longer an answer", breaks=status < "300")
            continue
        now = new[status]
        bodies = was["content"], now["content"]
        yield from _body_changes(place, *bodies, schemas, Direction.ANSWERED)
        sides = Side(was["headers"], schemas[0]), Side(now["headers"], schemas[1])
        yield from schema_changes(f"{place} headers", *sides, Direction.ANSWERED)
    for status in new.keys() - old.keys():
        # Of an error that a client does not know, its first digit tells enough (RFC 9110, 15).
        yield Change(f"{name}: {status}", "is an answer", breaks=status < "400")


def _parameter_changes(
    place: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    schemas: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> Iterator[Change]:
    for name in old.keys() - new.keys():
        yield Change(f"{place}: {name}", "is no longer read", breaks=True)
    for name in new.keys() - old.keys():
        required = new[name]["required"]
        yield Change(f"{place}: {name}", "is read", breaks=required)
    for name in old.keys() & new.keys():
        where = f"{place}: {name}"
        if new[name]["required"] and not old[name]["required"]:
            yield Change(where, "is now required", breaks=True)
        was, now = Side(old[name]["schema"], schemas[0]), Side(new[name]["schema"], schemas[1])
        yield from schema_changes(where, was, now, Direction.TAKEN)


def _body_changes(
    place: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    schemas: tuple[Mapping[str, Any], Mapping[str, Any]],
    direction: Direction,
) -> Iterator[Change]:
    for media_type in old.keys() - new.keys():
        yield Change(f"{place} {media_type}", "is gone", breaks=True)
    for media_type in new.keys() - old.keys():
        yield Change(
            f"{place} {media_type}", "is new", breaks=not old and direction is Direction.TAKEN
        )
    for media_type in old.keys() & new.keys():
        was, now = Side(old[media_type], schemas[0]), Side(new[media_type], schemas[1])
        yield from schema_changes(place, was, now, direction)
