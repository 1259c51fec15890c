"""Compare our OpenAPI documents with the ones that SEND publishes: `DIRECTORY/send`.

Paths and methods, statuses, members of requests and of answers. What we mean to have otherwise
than published stands here with its reason, and a reason that is needed no more is a fault.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.send.reference import Schema, resolved

DOCUMENTS: Final = Path(__file__).resolve().parents[2] / "docs"
PUBLISHED: Final = {
    "openapi-intake": "api-external-b2b-pa-bundle.yaml",
    "openapi-streams": "pn-stream-api-external-bundle.yaml",
}
# Ours alone: links that SEND gives to its own store, and our API beside SEND's.
OWN_PATHS: Final = ("/attachments/", "/downloads/", "/v1/")
_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})
# By what differs anywhere, or by the one place where it does.
DEPARTURES: Final[Mapping[str, str]] = {
    "401 is ours": "the gateway before SEND answers it",
    "405 is ours": "the gateway before SEND answers it",
    "408 is ours": "a body that does not come; the gateway before SEND answers it",
    "413 is ours": "a body has a bound; the gateway before SEND answers it",
    "415 is ours": "only JSON is read",
    "429 is ours": "a body may send so many requests at a time; the gateway before SEND answers it",
    "503 is ours": "what is away for a time is no error of ours: come again",
    "500 is theirs": "the intake answers 503: what it could not store may be sent again",
    "GET /delivery/v2.9/notifications/sent/{iun} 404": "an unknown IUN, as its other operations",
    "POST /delivery-progresses/v2.8/streams 409": "too many streams, as SEND's code has it",
    "PUT /delivery-progresses/v2.8/streams/{streamId} 409": "SEND loses one of two updates at once",
    "GET /delivery-progresses/v2.8/streams 400": "there is nothing that could be wrong",
    **dict.fromkeys(
        (
            "GET /delivery-progresses/v2.8/streams/{streamId} 400",
            "DELETE /delivery-progresses/v2.8/streams/{streamId} 400",
            "POST /delivery-progresses/v2.8/streams/{streamId}/action/disable 400",
        ),
        "what is no id is a stream that nobody has: 404",
    ),
}


def openapi_verdicts(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield each of our documents with where it departs; no comparison without the files."""
    folder = directory / "send"
    if not folder.is_dir():
        return
    used = set[str]()
    for name, file in PUBLISHED.items():
        ours = yaml.safe_load((DOCUMENTS / f"{name}.yaml").read_text())
        found = dict(differences(ours, published(folder / file)))
        used |= {*found, *found.values()}
        strange = [
            f"{where}: {what}"
            for where, what in found.items()
            if DEPARTURES.keys().isdisjoint((where, what))
        ]
        yield f"send: docs/{name}.yaml beside {file}", "; ".join(strange)
    yield "send: departures of docs/openapi-*.yaml", ", ".join(sorted(DEPARTURES.keys() - used))


def allowed(path: str, method: str) -> Iterator[tuple[str, str]]:
    """Yield each status that an operation may answer beside what is published, and why."""
    for what, reason in DEPARTURES.items():
        place, _, status = what.rpartition(" ")
        if what.endswith(" is ours"):
            yield what[:3], reason
        elif place == f"{method.upper()} {path}":
            yield status, reason


def published(file: Path) -> dict[str, Any]:
    """Return a published document."""
    document: dict[str, Any] = yaml.safe_load(file.read_text())
    return document


def served(document: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return every operation that SEND has too by path and method."""
    return {
        (path, method): operation
        for path, operations in document["paths"].items()
        if not path.startswith(OWN_PATHS)
        for method, operation in operations.items()
        if method in _METHODS
    }


def differences(ours: Schema, theirs: Schema) -> Iterator[tuple[str, str]]:
    """Yield where our document differs from the published one, and in what."""
    others = served(theirs)
    for (path, method), operation in served(ours).items():
        where = f"{method.upper()} {path}"
        other = others.get((path, method))
        if other is None:
            yield where, "not published"
            continue
        for status in sorted(operation["responses"].keys() ^ other["responses"].keys()):
            whose = "ours" if status in operation["responses"] else "theirs"
            yield f"{where} {status}", f"{status} is {whose}"
        for what, one, two in _bodies(operation, other):
            for place, words in _shape(one, two, what, ours, theirs):
                yield f"{where} {place}", words


def _bodies(ours: Schema, theirs: Schema) -> Iterator[tuple[str, Schema, Schema]]:
    if "requestBody" in ours:
        yield "request", _schema(ours["requestBody"]), _schema(theirs["requestBody"])
    for status in ours["responses"].keys() & theirs["responses"].keys():
        one, two = ours["responses"][status], theirs["responses"][status]
        if "content" in one and "content" in two:
            yield status, _schema(one), _schema(two)


def _schema(holder: Schema) -> Schema:
    found: Schema = next(iter(holder["content"].values()))["schema"]
    return found


def _shape(
    ours: Schema, theirs: Schema, where: str, document: Schema, published_: Schema
) -> Iterator[tuple[str, str]]:
    """Yield where members are missing, too many, or not as surely there as published."""
    ours = resolved(ours, document["components"]["schemas"])
    theirs = resolved(theirs, published_["components"]["schemas"])
    mine, others = ours.get("properties", {}), theirs.get("properties", {})
    asked = where.startswith("request")
    needed, required = {*ours.get("required", ())}, {*theirs.get("required", ())}
    # What a caller must say is the same; what it may count on is there.
    for name in sorted(needed ^ required if asked else required - needed):
        yield f"{where}.{name}", f"{name} is required {'here' if name in needed else 'there'} alone"
    unknown = others.keys() - mine.keys() if asked else mine.keys() - others.keys()
    for name in sorted(unknown if others else ()):
        yield f"{where}.{name}", f"{name} is {'theirs' if asked else 'ours'} alone"
    for name in mine.keys() & others.keys():
        yield from _shape(mine[name], others[name], f"{where}.{name}", document, published_)
    if "items" in ours and "items" in theirs:
        yield from _shape(ours["items"], theirs["items"], f"{where}[]", document, published_)
