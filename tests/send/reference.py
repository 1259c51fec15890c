"""Compare our words of SEND with the documents that SEND publishes: `DIRECTORY/send`.

The schemas of requests, elements and F24 metadata, the table of statuses, and vectors. What we
mean to have otherwise than published stands in `DEPARTURES`, each with its reason.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from contracts.send.f24 import FORMS, Cents, Flag, Kind, Records, Section, Text
from contracts.send.f24_rules import check_f24
from contracts.send.iun import ALPHABET, FORBIDDEN_PAIRS, is_iun
from contracts.send.refusals import Refusal
from contracts.send.request import Request
from contracts.send.taxes import tax_id_fault
from contracts.send.timeline import CATEGORIES, STATUSLESS, Native, status_after
from tests.send.requests import sha256_of

# Files below DIRECTORY/send that are no bodies of callbacks.
SEND_FILES: Final = frozenset({"iun_vectors.json", "taxid_vectors.json", "status_transitions.json"})
DEPARTURES: Final[Mapping[str, str]] = {
    "senderDenomination maxLength": "SEND's DenominationLength is 44",
    "recipients[].denomination maxLength": "SEND's DenominationLength is 44",
    "senderDenomination pattern": "the description gives the characters, the pattern does not",
    "recipients[].denomination pattern": "the description gives the characters, not the pattern",
    "group maxLength": "a reference of a status event holds 500 characters",
    "additionalLanguages[] maxItems": "a list's bound on a text; a rule of ours takes one language",
    "amount minimum": "int32, which the published schema says by its format",
    "amount exclusiveMaximum": "int32, which the published schema says by its format",
}
# Given by SEND's code, and missing in the list that the published schema describes.
UNLISTED: Final = frozenset({"SENDER_DISABLED_MORE_THAN_20_GRAMS"})
PROBES: Final = (
    *("", "a", "A", "1", "12", "1234", "a b", "a-b_c", "a\nb", "\u00e8", "\u20ac", "|", "{", "a/b"),
    *("12345678903", "1234567890", "123456789012", "302000100000019421", "VRDLNZ80A41F205X"),
    *("VRDLNZ80A41F205X1", "ABCDE12345678901", "VRDLNZ8LAQ1F2LRX", "A" * 43 + "=", "A" * 44),
    *("!" + "A" * 44, "A" * 43 + "=!", "PN_F24_META-1.json", "safestorage://PN-1.pdf", "s://PN"),
    *("2026-11-05", "2026-13-05", "2026-02-31", "010101P", "010101PP", "AJMN-TXUA-MHGP-202309-Z-1"),
    *("a@b.it", "a.b+c@d-e.it", "a@b", '"a b"@c.it', "a@[127.0.0.1]", "a@[256.0.0.1]", "a@b.it "),
    *("a@b.it\n", ".a@b.it", "a@-b.it", "application/pdf", "application/json", "application/pdfx"),
)
_BOUNDS: Final = (
    *("minLength", "maxLength", "minItems", "maxItems"),
    *("minimum", "maximum", "exclusiveMaximum", "additionalProperties"),
)
Schema = Mapping[str, Any]


def send_verdicts(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield each comparison with what differs, or nothing; no comparison without the files."""
    folder = directory / "send"
    if not folder.is_dir():
        return
    yield "send: iun_vectors.json", _iun_fault(_json(folder / "iun_vectors.json"))
    yield "send: taxid_vectors.json", _tax_id_fault(_json(folder / "taxid_vectors.json"))
    transitions = _json(folder / "status_transitions.json")
    yield "send: status_transitions.json", _timeline_fault(transitions)
    for file in sorted((folder / "f24").glob("METADATO-CORRETTO-*.json")):
        content = file.read_bytes()
        issues = check_f24(content, sha256=sha256_of(content), apply_cost=True)
        yield f"send: {file.name}", "; ".join(issue.text() for issue in issues)
    schema = _json(folder / "f24" / "json-schema-from-deref-mod.json")
    yield "send: schema of F24 metadata", "; ".join(_f24_faults(FORMS, schema, ""))
    bundle = yaml.safe_load((folder / "api-external-b2b-pa-bundle.yaml").read_text())
    published = bundle["components"]["schemas"]
    yield "send: NewNotificationRequestV26", "; ".join(_request_faults(published))
    yield "send: statuses and categories", _names_fault(published)
    yield "send: refusal codes", _refusal_fault(published)


def _iun_fault(vectors: Schema) -> str:
    wrong = [iun for iun in vectors["valid"] if not is_iun(iun)]
    pairs = frozenset(vectors["forbidden_pairs"])
    same = (vectors["alphabet"], pairs) == (ALPHABET, FORBIDDEN_PAIRS)
    return f"not taken: {wrong}" if wrong else "" if same else "another alphabet or other pairs"


def _tax_id_fault(vectors: Schema) -> str:
    wrong = [one for one in vectors["valid"] if tax_id_fault(one, "PF")]
    wrong += [one for one in vectors["valid_iva"] if tax_id_fault(one, "PG")]
    wrong += [one for one in vectors["invalid"] if not tax_id_fault(one, "PF")]
    wrong += [one for one in vectors["invalid_iva"] if not tax_id_fault(one, "PG")]
    return f"judged otherwise: {wrong}" if wrong else ""


def _timeline_fault(transitions: Mapping[str, list[Mapping[str, Any]]]) -> str:
    published: dict[tuple[str, str, bool], str] = {}
    for status, rows in transitions.items():
        # A row for many recipients alone comes before the row for all.
        for row in sorted(rows, key=lambda one: one["multiRecipientOnly"]):
            for many in (False, True):
                if many or not row["multiRecipientOnly"]:
                    published[status, row["category"], many] = row["to"]
    ours = {
        (status.value, category, many): after
        for status in Native
        for category in CATEGORIES
        for many in (False, True)
        if (after := status_after(status, category, many=many)) is not None
    }
    differing = {*published.items()} ^ {*ours.items()}
    return f"differing: {sorted(differing)[:5]}" if differing else ""


def _f24_faults(kind: Kind, schema: Schema, where: str) -> Iterator[str]:
    """Yield where our table of F24 metadata is not the published schema."""
    match kind:
        case Records(of):
            yield from _f24_faults(of, schema["items"], f"{where}[]")
        case Section():
            yield from _section_faults(kind, schema, where)
        case Text(pattern):
            if schema["type"] != "string" or _differ(schema, {"pattern": pattern.pattern}):
                yield f"{where}: another pattern"
        case Cents() | Flag():
            if schema["type"] != ("integer" if isinstance(kind, Cents) else "boolean"):
                yield f"{where}: another type"


def _section_faults(section: Section, schema: Schema, where: str) -> Iterator[str]:
    members, others = section.members, schema["properties"]
    if schema.get("additionalProperties") is not False:
        yield f"{where}: not closed there"
    if {*members} != {*others}:
        yield f"{where}: other members"
    if {*section.required} != {*schema.get("required", ())}:
        yield f"{where}: others are required"
    for name in members.keys() & others.keys():
        yield from _f24_faults(members[name], others[name], f"{where}.{name}")


def _request_faults(published: Schema) -> Iterator[str]:
    ours = Request.model_json_schema(by_alias=True)
    found = dict(_differences(ours, published["NewNotificationRequestV26"], "", ours, published))
    yield from (f"{where}: {what}" for where, what in found.items() if where not in DEPARTURES)
    yield from (f"{where}: departs no more" for where in DEPARTURES if where not in found)


def _differences(
    ours: Schema, theirs: Schema, where: str, defined: Schema, published: Schema
) -> Iterator[tuple[str, str]]:
    """Yield what differs in our schema, as place and words."""
    ours, theirs = resolved(ours, defined["$defs"]), resolved(theirs, published)
    yield from _bound_differences(ours, theirs, where)
    members, others = ours.get("properties", {}), theirs.get("properties", {})
    if {*members} != {*others}:
        yield where, f"other members: {sorted({*members} ^ {*others})}"
    if {*ours.get("required", ())} != {*theirs.get("required", ())}:
        yield where, "others are required"
    for name in members.keys() & others.keys():
        place = f"{where}.{name}".removeprefix(".")
        yield from _differences(members[name], others[name], place, defined, published)
    if "items" in ours and "items" in theirs:
        yield from _differences(ours["items"], theirs["items"], f"{where}[]", defined, published)


def _bound_differences(ours: Schema, theirs: Schema, where: str) -> Iterator[tuple[str, str]]:
    # A pattern of a fixed length needs no bounds beside it, and a list of items none of an item.
    for name in _BOUNDS:
        fixed = name in {"minLength", "maxLength"} and (name not in ours or "const" in ours)
        one, other = ours.get(name), theirs.get(name)
        # At least no characters at all is no bound.
        nothing = name == "minLength" and not one and not other
        if one != other and not fixed and not nothing:
            yield f"{where} {name}", f"{one} is {other} there"
    if "enum" in theirs and {*theirs["enum"]} != {*ours.get("enum", [ours.get("const")])}:
        yield where, "other values"
    if "pattern" in theirs:
        ours = {"pattern": re.escape(ours.get("const", "")), **ours}
        if _differ(theirs, ours):
            yield f"{where} pattern", "another pattern"


def _differ(theirs: Schema, ours: Schema) -> bool:
    """Tell whether two schemas of a text take different probes; patterns hold for a whole text."""
    return any(_takes(theirs, text) != _takes(ours, text) for text in PROBES)


def _takes(schema: Schema, text: str) -> bool:
    bounded = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
    return bounded and re.fullmatch(schema["pattern"], text, re.ASCII) is not None


def resolved(schema: Schema, defined: Schema) -> Schema:
    """Return a schema with its references and its `allOf` followed, without its null."""
    if "$ref" in schema:
        return resolved(defined[schema["$ref"].rpartition("/")[2]], defined)
    if "anyOf" in schema:
        (one,) = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return resolved(one, defined)
    if "allOf" not in schema:
        return schema
    parts = [resolved(one, defined) for one in schema["allOf"]]
    return {
        "properties": {k: v for one in parts for k, v in one.get("properties", {}).items()},
        "required": [name for one in parts for name in one.get("required", ())],
    }


def _names_fault(published: Schema) -> str:
    categories = {*published["TimelineElementCategoryV28"]["enum"]}
    missing = sorted(categories - {*CATEGORIES, STATUSLESS})
    statuses = {*published["NotificationStatusV26"]["enum"]} ^ {*Native}
    return f"{missing} {sorted(statuses)}" if missing or statuses else ""


def _refusal_fault(published: Schema) -> str:
    told = published["NotificationRefusedErrorV27"]["properties"]["errorCode"]["description"]
    listed = {*re.findall(r"- ([A-Z0-9_]+) -", told)}
    strangers = {*Refusal} - listed - UNLISTED
    return f"not published: {sorted(strangers)}" if strangers else ""


def _json(file: Path) -> Any:  # noqa: ANN401 - JSON holds any value
    return json.loads(file.read_text())
