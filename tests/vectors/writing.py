"""Write vectors: a request as text with its raw body, and what an accepted one must become.

The form is a request as it would be captured, after lines that begin with `#`: the endpoint, the
time of receipt, and where a refused request would fail if the ingress had stored it all the same.
`# body-filled-to: n` stands for as many spaces as make the body n bytes long, at its end or before
what `# body-filled-before:` says.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Filled:
    """How many bytes a body is to have by spaces, and what they stand before; empty: its end."""

    to: int
    before: str = ""


# One value for each way in which a JSON body can be read in two ways, or in none.
UNREADABLE: Final[Mapping[str, bytes]] = {
    "encoding_invalid/not-utf-8": b'{"note": "caf\xe9"}',
    "encoding_invalid/utf-16": '{"note": 1}'.encode("utf-16"),
    "encoding_invalid/surrogate-in-utf-8": b'{"note": "\xed\xa0\x80"}',
    "json_invalid/empty-body": b"",
    "json_invalid/not-json": b"status=PAID&id=1",
    "json_invalid/truncated": b'{"note": [1, 2',
    "json_invalid/two-values": b'{"note": 1} {"note": 2}',
    "json_invalid/byte-order-mark": b'\xef\xbb\xbf{"note": 1}',
    "json_invalid/single-quotes": b"{'note': 1}",
    "json_invalid/comment": b'{"note": 1 /* one */}',
    "json_invalid/control-character-in-text": b'{"note": "a\x00b"}',
    "json_invalid/lone-surrogate": b'{"note": ["\\ud800 high"]}',
    "json_invalid/lone-surrogate-low": b'{"note": {"x": "\\udfff low"}}',
    "json_invalid/lone-surrogate-in-name": b'{"note": {"\\ud83d": 1}}',
    "json_duplicate_key/duplicate-key": b'{"note": 1, "note": 1}',
    "json_duplicate_key/duplicate-key-escaped": b'{"note": 1, "\\u006eote": 1}',
    "json_duplicate_key/duplicate-key-nested": b'{"note": [{"a": 1, "b": 2, "a": 3}]}',
    "json_number_forbidden/nan": b'{"note": NaN}',
    "json_number_forbidden/infinity": b'{"note": Infinity}',
    "json_number_forbidden/minus-infinity": b'{"note": [-Infinity]}',
    "json_number_forbidden/huge-integer": b'{"note": ' + b"9" * 5_000 + b"}",
    "json_number_forbidden/huge-exponent": b'{"note": 1e999999}',
    "json_number_forbidden/exponent-beyond-decimal": b'{"note": 1e99999999999999999999999}',
    "json_number_forbidden/tiny-exponent": b'{"note": 1e-99999999999999999999999}',
    "json_too_deep/too-deep": b'{"note": ' + b"[" * 32 + b"]" * 32 + b"}",
    "json_too_deep/too-deep-objects": b'{"n":' * 40 + b"1" + b"}" * 40,
    "json_too_deep/too-deep-to-recurse": b'{"note": ' + b"[" * 30_000,
    "payload_invalid/not-an-object": b'[{"note": 1}]',
    "payload_invalid/a-text": b'"note"',
    "payload_invalid/null": b"null",
}


def request(
    *,
    endpoint: str,
    received_at: str,
    target: str,
    headers: Iterable[tuple[str, bytes]],
    body: bytes,
    filled: Filled | None = None,
    stored_anyway: str = "",
) -> bytes:
    """Return the text of one vector."""
    notes = [("endpoint", endpoint), ("received-at", received_at)]
    if stored_anyway:
        notes.append(("stored-anyway", stored_anyway))
    if filled:
        notes.append(("body-filled-to", str(filled.to)))
    if filled and filled.before:
        notes.append(("body-filled-before", filled.before))
    head = "".join(f"# {name}: {value}\n" for name, value in notes) + f"POST {target} HTTP/1.1\n"
    fields = b"".join(name.encode() + b": " + value + b"\n" for name, value in headers)
    return head.encode() + fields + b"\n" + body


def expected(
    updates: Iterable[Mapping[str, Any]],
    *,
    provider: str,
    endpoint: str,
    received_at: str,
    body: bytes,
    proof: Mapping[str, Any],
) -> bytes:
    """Return the text beside an accepted vector: key and value of each record it must become."""
    origin = {
        "topic": f"callbacks.{provider}.raw.v1",
        "partition": 0,
        "offset": 7,
        "sha256": hashlib.sha256(body).hexdigest(),
        "callback_id": "019a0000-0000-7000-8000-000000000000",
    }
    records = [
        {
            "key": f"{endpoint}:{what['transaction_id']}",
            "value": {
                "provider": provider,
                "endpoint": endpoint,
                "source": "callback",
                "received_at": received_at,
                "what": _without_defaults(what),
                "proof": dict(proof),
                "origin": origin,
            },
        }
        for what in updates
    ]
    return json.dumps(records, indent=2, ensure_ascii=False).encode() + b"\n"


def _without_defaults(what: Mapping[str, Any]) -> dict[str, Any]:
    """Return a statement as it is written: its fact is its status unless said, nothing is empty."""
    fact = {"fact": what["native_status"]} if "native_status" in what else {}
    return {name: value for name, value in {**fact, **what}.items() if value not in ({}, [])}


def compact(value: object) -> bytes:
    """Return `value` as JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def write(directory: Path, files: Files) -> None:
    """Write `files` below `directory`."""
    for name, content in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
