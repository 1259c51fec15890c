"""An HMAC profile proves itself by one captured request before anything starts."""

import base64
import hashlib
import hmac as library_hmac
import json
from pathlib import Path

import pytest

from contracts.errors import Broken
from runtime.endpoint_configuration import Hmac
from runtime.endpoint_keys import KeyFile
from runtime.mac import Encoding, Hash, Part, TimestampFormat
from tests.unit.test_key_source import ONE, TWO, Reloads, source
from tests.updates import NOON

BODY = b'{"spTransactionID":"golden"}'


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "hmac-key"
    file.write_bytes(ONE)
    return file


def golden(file: Path, **changes: object) -> Hmac:
    """Return an HMAC profile with a golden vector that it reproduces, before `changes`."""
    code = library_hmac.new(ONE, b"1750759001." + BODY, hashlib.sha256).hexdigest()
    vector: dict[str, object] = {
        "method": "POST",
        "path": "/callbacks",
        "target_uri": "https://example.org/callbacks",
        "timestamp": "1750759001",
        "body_base64": base64.b64encode(BODY).decode(),
        "secret": ONE.decode(),
        "signature": code,
        **changes,
    }
    vector_file = file.with_name("golden.json")
    kept = {name: value for name, value in vector.items() if value is not ...}
    vector_file.write_text(json.dumps(kept))
    return Hmac(
        keys=(KeyFile(id="first", file=file),),
        hash=Hash.SHA256,
        parts=(Part.TIMESTAMP, Part.BODY),
        separator=".",
        encoding=Encoding.HEX,
        timestamp_format=TimestampFormat.EPOCH_SECONDS,
        tolerance_seconds=300,
        golden_vector_file=vector_file,
    )


def test_profile_that_reproduces_its_golden_vector_starts(secret: Path) -> None:
    keys = source(secret, Reloads(), hmac=golden(secret))

    ring = keys.of("shop").hmac
    assert ring is not None
    assert ring.secrets(at=NOON) == [("first", ONE)]


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "00" * 32},
        {"timestamp": "1750759002"},
        {"body_base64": base64.b64encode(BODY + b" ").decode()},
        {"secret": TWO.decode()},
        {"signature": ""},
    ],
)
def test_profile_that_does_not_reproduce_its_golden_vector_does_not_start(
    secret: Path, changes: dict[str, str]
) -> None:
    with pytest.raises(Broken, match="does not reproduce this captured signature"):
        source(secret, Reloads(), hmac=golden(secret, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": ...},
        {"secret": None},
        {"body_base64": "%%%"},
        {"body_base64": 5},
        {"timestamp": 1_750_759_001},
        {"method": 5},
        {"path": None},
    ],
)
def test_file_that_is_no_golden_vector_does_not_start(
    secret: Path, changes: dict[str, object]
) -> None:
    hmac = golden(secret, **changes)

    with pytest.raises(Broken, match="not a golden vector"):
        source(secret, Reloads(), hmac=hmac)


@pytest.mark.parametrize("content", [b"", b"[]", b'"text"', b"{", b"\xff"])
def test_golden_vector_of_another_form_does_not_start(secret: Path, content: bytes) -> None:
    hmac = golden(secret)
    hmac.golden_vector_file.write_bytes(content)

    with pytest.raises(Broken, match="not a golden vector"):
        source(secret, Reloads(), hmac=hmac)


def test_golden_vector_that_changes_for_the_worse_is_refused_and_the_keys_stay(
    secret: Path,
) -> None:
    reloads = Reloads()
    hmac = golden(secret)
    keys = source(secret, reloads, hmac=hmac)
    hmac.golden_vector_file.write_text("{}")

    keys.reload()

    assert keys.of("shop").hmac is not None
    assert "not a golden vector" in reloads[0][1]
