"""The finder of HMAC profiles, and what it reads and writes."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import Broken
from ops.captured_request import (
    CapturedRequest,
    HeaderNames,
    read_captured,
    write_secretly,
)
from ops.mac_profiles import (
    SEPARATORS,
    find_profiles,
    refusal,
    timestamp_format,
    yaml_block,
)
from runtime.endpoint_configuration import Hmac
from runtime.key_source import check_golden_vector
from runtime.mac import Encoding, Hash, MacInput, MacProfile, Part, TimestampFormat, write_mac

SECRET = b"a-secret-of-thirty-two-characters"
NAMES = HeaderNames(timestamp="x-timestamp", signature="x-uaepass-signature")
SIGNED = MacInput(
    timestamp=b"1790000000",
    method="POST",
    path="/api/v1/consent/transaction/callback",
    target_uri="https://esito.example/api/v1/consent/transaction/callback?a=b",
    body=b'{"spTransactionID":"x","status":"ACCEPTED"}',
)
PROFILE = MacProfile(
    Hash.SHA256,
    (Part.TIMESTAMP, Part.BODY),
    ".",
    Encoding.HEX,
    TimestampFormat.EPOCH_SECONDS,
)


@st.composite
def profiles(draw: st.DrawFn) -> MacProfile:
    others = draw(st.lists(st.sampled_from([Part.METHOD, Part.PATH]), unique=True))
    body = draw(st.sampled_from([Part.BODY, Part.BODY_SHA256_HEX]))
    return MacProfile(
        draw(st.sampled_from(Hash)),
        tuple(draw(st.permutations([body, Part.TIMESTAMP, *others]))),
        draw(st.sampled_from(SEPARATORS)),
        draw(st.sampled_from(Encoding)),
        TimestampFormat.EPOCH_SECONDS,
        draw(st.sampled_from(["", "sha256=", "v1:", "HMAC "])),
    )


@given(profiles())
@settings(max_examples=8, deadline=None)
def test_find_profiles_any_profile_is_found(profile: MacProfile) -> None:
    signature = write_mac(profile, SIGNED, SECRET)

    search = find_profiles(SIGNED, signature, SECRET)

    # Padding or a letter short of it may leave two encodings open: both write this signature.
    assert profile in search.found
    assert {one.parts for one in search.found} == {profile.parts}


def test_find_profiles_exactly_one_profile_fits_a_hexadecimal_signature() -> None:
    search = find_profiles(SIGNED, write_mac(PROFILE, SIGNED, SECRET), SECRET)

    assert search.found == (PROFILE,)


@pytest.mark.parametrize(
    ("secret", "signature"),
    [
        (b"another-secret-of-thirty-two-char", write_mac(PROFILE, SIGNED, SECRET)),
        (SECRET, b"00" * 32),
        (SECRET, b"not a code"),
        (SECRET, b"\xff" * 64),
    ],
)
def test_find_profiles_wrong_secret_or_signature_finds_none(
    secret: bytes, signature: bytes
) -> None:
    assert find_profiles(SIGNED, signature, secret).found == ()


def test_refusal_signature_without_timestamp_is_named() -> None:
    bare = MacProfile(Hash.SHA256, (Part.BODY,), "", Encoding.HEX, TimestampFormat.EPOCH_SECONDS)

    search = find_profiles(SIGNED, write_mac(bare, SIGNED, SECRET), SECRET)

    assert search.found == (bare,)
    assert "timestamp" in (refusal(bare) or "")


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (b"1790000000", TimestampFormat.EPOCH_SECONDS),
        (b"1790000000000", TimestampFormat.EPOCH_MILLISECONDS),
        (b"2026-11-21T10:00:00Z", TimestampFormat.ISO8601),
        (b"2026-11-21T10:00:00", None),
        (b"yesterday", None),
    ],
)
def test_timestamp_format_is_told_from_the_digits(
    written: bytes, form: TimestampFormat | None
) -> None:
    assert timestamp_format(written) == form


@pytest.mark.parametrize("separator", SEPARATORS)
def test_yaml_block_with_its_golden_vector_is_taken_as_configuration(
    separator: str, tmp_path: Path
) -> None:
    """What the command prints and writes is what the processes demand at start."""
    profile = MacProfile(
        PROFILE.hash,
        PROFILE.parts,
        separator,
        PROFILE.encoding,
        PROFILE.timestamp_format,
        "sha256=",
    )
    captured = CapturedRequest(SIGNED, write_mac(profile, SIGNED, SECRET))
    vector = tmp_path / "golden.json"
    write_secretly(vector, json.dumps(captured.golden_vector(SECRET)))

    block = yaml_block(profile, secret_file=str(tmp_path / "h.key"), golden_vector_file=str(vector))

    hmac = Hmac.model_validate(yaml.safe_load(block)["hmac"])
    assert hmac.profile == profile
    check_golden_vector(hmac)


def test_write_secretly_only_the_owner_may_read_and_nothing_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "golden.json"
    write_secretly(file, "{}")

    with pytest.raises(Broken, match="File exists"):
        write_secretly(file, "other")

    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "{}"


HEAD = (
    b"POST /callback?x=1 HTTP/1.1%sHost: esito.example%sX-Timestamp: 1790000000%s"
    b"X-UAEPASS-Signature: c2ln%s"
)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_read_captured_raw_http_is_read_with_its_body_byte_for_byte(
    end: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "captured.http"
    body = b'{"a":\n\n1}\r\n\r\n\xff'
    file.write_bytes(HEAD % (end, end, end, end) + end + body)

    captured = read_captured(file, NAMES, public_url="")

    assert captured.signature == b"c2ln"
    assert captured.signed == MacInput(
        timestamp=b"1790000000",
        method="POST",
        path="/callback",
        target_uri="https://esito.example/callback?x=1",
        body=body,
    )


def test_read_captured_content_length_cuts_what_an_editor_added(tmp_path: Path) -> None:
    file = tmp_path / "captured.http"
    file.write_bytes(HEAD % (b"\n", b"\n", b"\n", b"\n") + b"Content-Length: 2\n\n{}\n")

    assert read_captured(file, NAMES, public_url="").signed.body == b"{}"


@pytest.mark.parametrize(
    "given",
    [
        {"timestamp": "1790000000", "signature": "c2ln"},
        {"headers": {"X-Timestamp": "1790000000", "X-UAEPASS-Signature": "c2ln"}},
    ],
)
@pytest.mark.parametrize("body", [{"body": "{}"}, {"body_base64": b64encode(b"{}").decode()}])
def test_read_captured_json_is_read_in_each_form(
    given: dict[str, object], body: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "captured.json"
    file.write_text(json.dumps({"method": "PUT", "path": "/callback", **given, **body}))

    captured = read_captured(file, NAMES, public_url="https://esito.example/")

    assert captured == CapturedRequest(
        MacInput(b"1790000000", "PUT", "/callback", "https://esito.example/callback", b"{}"),
        b"c2ln",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"POST / HTTP/1.1", "no empty line between head and body"),
        (b"POST\n\n", "line 1 is no request line"),
        (b"POST / HTTP/1.1\nx\n\n", "line 2 is no header field"),
        (b"POST / HTTP/1.1\nX-Timestamp: 1\n\n", "no header x-uaepass-signature"),
        (b"POST / HTTP/1.1\nContent-Length: 9\n\n", "Content-Length is 9, the body has 0 bytes"),
        (b"{}", "no body_base64 and no body"),
        (b'{"body": ""}', "no target_uri and no path"),
        (b"{", "not a captured request"),
    ],
)
def test_read_captured_broken_file_says_what_is_missing(
    content: bytes, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "captured"
    file.write_bytes(content)

    with pytest.raises(Broken, match=said):
        read_captured(file, NAMES, public_url="")


def test_golden_vector_secret_that_is_no_text_is_refused() -> None:
    with pytest.raises(Broken, match="not UTF-8"):
        CapturedRequest(SIGNED, b"").golden_vector(b"\xff" * 32)
