"""Read one captured request, as JSON or as the raw text of HTTP, and write it as a golden vector.

JSON: `method`, `target_uri` (or `path`), the body as `body_base64` or as text in `body`, and either
`headers` or `timestamp` and `signature` themselves. Raw (`.http`): request line, header fields, an
empty line, the body to the end of the file, or to the Content-Length given.
"""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from contracts.errors import Broken
from runtime.mac import MacInput

_HEAD_END: Final = (b"\r\n\r\n", b"\n\n")


@dataclass(frozen=True, slots=True)
class HeaderNames:
    """Where the timestamp and the signature stand."""

    timestamp: str
    signature: str


@dataclass(frozen=True, slots=True)
class CapturedRequest:
    """One request as the provider sent it: what may be signed, and the signature."""

    signed: MacInput
    signature: bytes

    def golden_vector(self, secret: bytes) -> dict[str, str]:
        """Return it as `runtime.key_source.check_golden_vector` reads it.

        Raises:
            Broken: the secret is not text.
        """
        try:
            text = secret.decode()
        except UnicodeDecodeError:
            raise Broken("the secret is not UTF-8, so it cannot stand in a golden vector") from None
        return {
            "method": self.signed.method,
            "path": self.signed.path,
            "target_uri": self.signed.target_uri,
            "timestamp": self.signed.timestamp.decode(),
            "signature": self.signature.decode(),
            "secret": text,
            "body_base64": b64encode(self.signed.body).decode(),
        }


def write_secretly(file: Path, text: str) -> None:
    """Write a new file that its owner alone may read.

    Raises:
        Broken: the file exists, or cannot be written.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Broken(f"{file}: cannot be created ({error.strerror})") from None
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)


def read_captured(file: Path, names: HeaderNames, *, public_url: str) -> CapturedRequest:
    """Return the request in `file`; `public_url` precedes a target that has no host.

    Raises:
        Broken: the file is no such request; the message says what is missing.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Broken(f"{file}: cannot be read ({error.strerror})") from None
    try:
        if content.lstrip().startswith(b"{"):
            return _from_json(json.loads(content), names, public_url)
        return _from_http(content, names, public_url)
    except _Unreadable as error:
        raise Broken(f"{file}: {error}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise Broken(f"{file}: not a captured request ({type(error).__name__})") from None


class _Unreadable(Exception):
    """The file lacks something; the text says what."""


def _from_json(given: dict[str, Any], names: HeaderNames, public_url: str) -> CapturedRequest:
    fields = {name.lower(): str(value) for name, value in given.get("headers", {}).items()}
    for name, header in (("timestamp", names.timestamp), ("signature", names.signature)):
        if name in given:
            fields[header] = given[name]
    if "body_base64" in given:
        body = b64decode(given["body_base64"], validate=True)
    elif "body" in given:
        body = given["body"].encode()
    else:
        raise _Unreadable("no body_base64 and no body")
    target = given.get("target_uri") or given.get("path")
    if not target:
        raise _Unreadable("no target_uri and no path")
    line = (given.get("method", "POST"), _uri(target, fields, public_url))
    return _request(line, fields, body, names)


def _from_http(content: bytes, names: HeaderNames, public_url: str) -> CapturedRequest:
    ends = [(content.find(end), end) for end in _HEAD_END if end in content]
    if not ends:
        raise _Unreadable("no empty line between head and body")
    at, end = min(ends)
    first, *lines = content[:at].decode("latin-1").splitlines()
    method, _, rest = first.partition(" ")
    target = rest.rpartition(" HTTP/")[0] or rest
    if not target:
        raise _Unreadable("line 1 is no request line such as POST /callbacks/x HTTP/1.1")
    fields = {}
    for number, line in enumerate(lines, start=2):
        name, colon, value = line.partition(":")
        if not colon:
            raise _Unreadable(f"line {number} is no header field")
        fields[name.strip().lower()] = value.strip()
    body = content[at + len(end) :]
    if "content-length" in fields:
        length = int(fields["content-length"])
        if len(body) < length:
            raise _Unreadable(f"Content-Length is {length}, the body has {len(body)} bytes")
        body = body[:length]
    return _request((method, _uri(target, fields, public_url)), fields, body, names)


def _uri(target: str, fields: Mapping[str, str], public_url: str) -> str:
    if "://" in target:
        return target
    base = public_url or (f"https://{fields['host']}" if "host" in fields else "")
    return base.rstrip("/") + target


def _request(
    line: tuple[str, str], fields: Mapping[str, str], body: bytes, names: HeaderNames
) -> CapturedRequest:
    for name in (names.timestamp, names.signature):
        if not fields.get(name):
            raise _Unreadable(f"no header {name}")
    method, uri = line
    signed = MacInput(
        timestamp=fields[names.timestamp].encode("latin-1"),
        method=method,
        path=urlsplit(uri).path,
        target_uri=uri,
        body=body,
    )
    return CapturedRequest(signed, fields[names.signature].encode("latin-1"))
