"""Read the vectors: one captured request for each file, its verdict in the names of its folders."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

VECTORS: Final = Path(__file__).parent.parent / "vectors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One request, and what must become of it.

    `verdict` is `accepted`, `rejected` or `refused`, `code` that of the rejection or refusal.
    `stored_anyway` is the rejection code of a refused request that was stored all the same. `peer`
    is the address that the request comes from.
    """

    name: str
    verdict: str
    code: str
    endpoint: str
    received_at: str
    method: str
    target: str
    fields: list[tuple[str, bytes]]
    body: bytes
    stored_anyway: str = ""
    peer: str = "127.0.0.1"
    expected: list[dict[str, Any]] | None = None


def vectors_of(provider: str) -> Iterator[Vector]:
    """Yield the provider's vectors in the order of their names."""
    for file in sorted((VECTORS / provider).rglob("*.http")):
        yield read_vector(file)


def read_vector(file: Path) -> Vector:
    """Return the vector in `file`."""
    head, body = file.read_bytes().split(b"\n\n", 1)
    lines = head.split(b"\n")
    notes = dict(_note(line) for line in lines if line.startswith(b"#"))
    request_line, *fields = [line for line in lines if not line.startswith(b"#")]
    method, target, _ = request_line.decode().split(" ")
    verdict, *code = file.relative_to(VECTORS).parts[1:-1]
    beside = file.with_suffix(".expected.json")
    return Vector(
        name=str(file.relative_to(VECTORS).with_suffix("")),
        verdict=verdict,
        code="".join(code),
        endpoint=notes["endpoint"],
        received_at=notes["received-at"],
        method=method,
        target=target,
        fields=[_field(line) for line in fields],
        body=_filled(body, notes),
        stored_anyway=notes.get("stored-anyway", ""),
        peer=notes.get("peer", "127.0.0.1"),
        expected=json.loads(beside.read_bytes()) if beside.exists() else None,
    )


def _filled(body: bytes, notes: dict[str, str]) -> bytes:
    before = notes.get("body-filled-before", "").encode()
    place = body.rindex(before) if before else len(body)
    return body[:place] + b" " * (int(notes.get("body-filled-to", "0")) - len(body)) + body[place:]


def _note(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode().removeprefix("# ").partition(": ")
    return name, value


def _field(line: bytes) -> tuple[str, bytes]:
    name, _, value = line.partition(b": ")
    return name.decode(), value
