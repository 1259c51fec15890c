"""Compare our tables of the EPC's profile with the documents that they were read from.

The documents are not shipped: EPC133-22 v3.1 and V4.0 as OpenAPI, and the code lists taken from
them. For every row and data set of a table: is the field there, is it required, is it a list, how
long may its text be, which codes may it have. Where the two versions differ, the looser must hold.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Final

import yaml

from contracts.iso20022.profile_table import (
    REASONS,
    REPORT_PROFILE,
    RESOLUTION_PROFILE,
    STATUSES,
    Row,
    parse_profile,
)

OPENAPI: Final = ("epc133-22-v3.1.openapi.yaml", "epc133-22-v4.0.openapi.yaml")
CODES: Final = "codes.json"
PROFILES: Final = {
    "CdtrPmtActvtnReqStsRpt": REPORT_PROFILE,
    "RsltnOfInvstgtn": RESOLUTION_PROFILE,
}

_DATA_SET: Final = re.compile(r"Document_EPC259-22_V[0-9.]+_(\w+)")
Schema = Mapping[str, Any]


def profile_verdicts(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield each document below `directory`/srtp with what our tables differ in, or nothing."""
    folder = directory / "srtp"
    if not folder.is_dir():
        return
    codes = json.loads((folder / CODES).read_text())
    yield str(folder / CODES), "; ".join(code_faults(codes))
    schemas = [
        yaml.load((folder / name).read_text(), Loader=yaml.CSafeLoader)["components"]["schemas"]
        for name in OPENAPI
    ]
    yield f"{folder}/{' + '.join(OPENAPI)}", "; ".join(table_faults(schemas))


def code_faults(codes: Mapping[str, Any]) -> Iterator[str]:
    """Yield each data set whose statuses or reasons are others in our tables."""
    for name, statuses in codes["TxSts"].items():
        data_set = name.partition("(")[0]
        if isinstance(statuses, list) and set(statuses) != STATUSES[data_set]:
            yield f"TxSts of {data_set}"
    reasons: dict[str, set[str]] = {}
    for name, listed in codes["StsRsnInf.Rsn.Cd"].items():
        reasons.setdefault(name.partition("_")[0], set()).update(listed)
    for data_set, known in reasons.items():
        if known != REASONS[data_set]:
            yield f"Rsn.Cd of {data_set}"
    for data_set in ("DS12P", "DS12N"):
        if set(codes["cancellation"][data_set].values()) != STATUSES[data_set]:
            yield f"outcomes of {data_set}"


def table_faults(versions: list[Schema]) -> Iterator[str]:
    """Yield each row and data set where a table and the documents, taken together, differ."""
    for message, profile in PROFILES.items():
        root = parse_profile(profile)
        for data_set in root.below[0].cells:
            fields = [
                dict(_fields(schemas, schemas[name], ""))
                for schemas in versions
                for name in schemas
                if (found := _DATA_SET.fullmatch(name)) and found[1] == data_set
            ]
            yield from _row_faults(root, message, data_set, fields)


def _row_faults(
    above: Row, where: str, data_set: str, versions: list[dict[str, tuple[str, Schema]]]
) -> Iterator[str]:
    for row in above.below:
        path = f"{where}.{row.name}"
        found = [one.get(path, ("-", {})) for one in versions]
        if row.cells[data_set] != reduce(_looser, (cell for cell, _ in found)):
            yield f"{data_set} {path}: {row.cells[data_set]}"
        elif row.cells[data_set] != "-":
            yield from _leaf_faults(
                row, f"{data_set} {path}", data_set, [leaf for _, leaf in found]
            )
        yield from _row_faults(row, path, data_set, versions)


def _leaf_faults(row: Row, where: str, data_set: str, leaves: list[Schema]) -> Iterator[str]:
    if row.kind.startswith("text"):
        longest = max(leaf.get("maxLength", 0) for leaf in leaves)
        if row.kind != f"text{longest}":
            yield f"{where}: {row.kind}, not text{longest}"
    codes = {code for leaf in leaves for code in leaf.get("enum", ())}
    known = {"status": STATUSES, "reason": REASONS}.get(row.kind)
    if known is not None and not codes <= known[data_set]:
        yield f"{where}: {sorted(codes - known[data_set])}"


def _looser(one: str, other: str) -> str:
    return one if one == other else "?"


def _fields(schemas: Schema, schema: Schema, path: str) -> Iterator[tuple[str, tuple[str, Schema]]]:
    """Yield path, cell and schema of every field below; a choice makes each of its fields `?`."""
    choices = list(_choices(schemas, schema))
    for choice in choices:
        if choice.get("type") == "array":
            yield from _fields(schemas, choice["items"], path)
        for name, below in choice.get("properties", {}).items():
            here = f"{path}.{name}" if path else name
            (leaf, *_) = _choices(schemas, below)
            required = name in choice.get("required", ()) and len(choices) == 1
            cell = "*" if leaf.get("type") == "array" else "1" if required else "?"
            while leaf.get("type") == "array":
                (leaf, *_) = _choices(schemas, leaf["items"])
            yield here, (cell, leaf)
            yield from _fields(schemas, below, here)


def _choices(schemas: Schema, schema: Schema) -> Iterator[Schema]:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "oneOf" not in schema:
        yield schema
    for one in schema.get("oneOf", ()):
        yield from _choices(schemas, one)
