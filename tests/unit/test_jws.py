"""The compact JWS: one spelling, a header read in one way, and nothing critical."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from tests.jose import (
    ALGORITHMS,
    CLAIMS,
    b64,
    jwk,
    jws_code,
    raw_token,
    signature,
    token,
)
from tests.property.strategies import json_values, mutated_bytes
from workers.verifier.jws import (
    HEADER_BYTES_MAX,
    JWS_BYTES_MAX,
    OWN_KEY,
    CompactJws,
    read_compact,
    verify_jws,
)

HONEST = raw_token('{"alg":"ES256","kid":"ES256-1"}', json.dumps(CLAIMS))
# The order of P-256 (FIPS 186-5): r and s are below it.


@pytest.mark.parametrize("name", sorted(OWN_KEY))
@pytest.mark.parametrize("value", [None, "", "https://evil.example.org/keys", {}, []])
def test_header_that_brings_its_own_key_is_forbidden(name: str, value: object) -> None:
    own = token(header={name: value}) if value is not None else _with_header({name: None})

    assert jws_code(own) == "token_header_forbidden"


def test_header_may_bring_what_the_caller_checks() -> None:
    jws = read_compact(_with_header({"x5c": ["MA=="]}), forbidden=OWN_KEY - {"x5c"})

    assert jws.header["x5c"] == ["MA=="]


@pytest.mark.parametrize(
    "members",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": None},
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
        {"b64": True},
    ],
)
def test_header_with_anything_critical_is_forbidden(members: dict[str, Any]) -> None:
    assert jws_code(_with_header(members)) == "token_header_forbidden"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"x",
        b"\xff",
        b"[]",
        b'"ES256"',
        b"{}",
        b'{"alg":null}',
        b'{"alg":["ES256"]}',
        b'{"alg":"ES256","alg":"none"}',
        b'{"alg":"ES256","x":{"a":1,"a":2}}',
        b'{"alg":"ES256","x":NaN}',
        b'{"alg":"ES256","x":' + b"9" * 5_000 + b"}",
        b'{"alg":"ES256","x":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"alg":"ES256","kid":7}',
        b'{"alg":"ES256","kid":null}',
        b'{"alg":"ES256","kid":"\\ud800"}',
        b'{"alg":"ES256","kid":"' + b"k" * 201 + b'"}',
        b'{"alg":"ES256","enc":"A128GCM"}',
        b'{"alg":"ES256","cty":"JWT"}',
        b'{"alg":"ES256","cty":"application/jwt"}',
        b'{"alg":"ES256","cty":"dc+sd-jwt"}',
        b'{"alg":"ES256"}'.ljust(HEADER_BYTES_MAX),
    ],
)
def test_header_that_cannot_be_read_in_one_way_is_malformed(header: bytes) -> None:
    assert jws_code(raw_token(header, json.dumps(CLAIMS))) == "token_malformed"


@pytest.mark.parametrize(
    "kid", ["", "../../../dev/null", "' OR 1=1 --", "a\x00b", "/etc/passwd", "é" * 200]
)
def test_kid_is_only_a_name(kid: str) -> None:
    assert read_compact(_with_header({"kid": kid})).kid == kid


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b",
        HONEST + ".",
        "." + HONEST,
        HONEST + "." + "QQ",
        f"{HONEST}.QQ.QQ",
        f"{HONEST}.QQ.QQ.QQ.QQ",
        "Bearer " + HONEST,
        HONEST + "\n",
        " " + HONEST,
        HONEST.replace(".", ". ", 1),
        HONEST.replace(".", "=.", 1),
        HONEST.replace(".", "%2E"),
        HONEST + "=",
        HONEST + "==",
        HONEST[:-1] + "é",
        HONEST[:-1] + "\ud800",
        HONEST[:-1] + "+",
        HONEST.encode()[:-1] + b"\xff",
        json.dumps({"payload": "e30", "signatures": []}),
        json.dumps({"payload": "e30", "protected": "e30", "signature": "QQ"}),
        "A" * (JWS_BYTES_MAX + 1),
        "." * JWS_BYTES_MAX,
        "A" * 10_000_000,
        b64encode(HONEST.encode()).decode(),
    ],
    ids=lambda text: repr(text[:30]),
)
def test_text_that_is_no_compact_jws_is_malformed(text: str | bytes) -> None:
    assert jws_code(text) == "token_malformed"


def test_last_character_of_a_signature_has_one_spelling() -> None:
    """64 bytes leave four bits over in the last of 86 characters: sixteen spellings, one taken."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(HONEST[-1])

    codes = [jws_code(HONEST[:-1] + alphabet[last + more]) for more in range(1, 16)]

    assert codes == ["token_malformed"] * 15


def test_largest_token_is_read_and_one_byte_more_is_not() -> None:
    header, _, good = HONEST.split(".")
    room = JWS_BYTES_MAX - len(header) - len(good) - 2
    payload = "A" * (room - room % 4)

    assert read_compact(f"{header}.{payload}.{good}")
    assert jws_code(f"{header}.{payload}AAAA.{good}") == "token_malformed"


@given(st.binary(max_size=120) | st.text("eyJhbGciOi.-_=\n", max_size=60))
def test_any_text_is_a_jws_or_rejected(text: str | bytes) -> None:
    _verdict(text)


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "cty", "crit", "b64", "jwk", "x5c", "zip", "enc"]),
        json_values | st.sampled_from([*ALGORITHMS, "none", "HS256"]),
    ),
    st.binary(max_size=150),
    st.sampled_from(ALGORITHMS),
)
def test_any_header_and_signature_are_rejected(
    header: dict[str, Any], signed: bytes, algorithm: str
) -> None:
    text = f"{b64(json.dumps({'alg': algorithm, **header}))}.e30.{b64(signed)}"

    assert _verdict(text, algorithm) in {
        RejectionCode.TOKEN_MALFORMED,
        RejectionCode.TOKEN_HEADER_FORBIDDEN,
        RejectionCode.ALGORITHM_FORBIDDEN,
        RejectionCode.SIGNATURE_MALFORMED,
        RejectionCode.SIGNATURE_MISMATCH,
    }


@given(mutated_bytes(HONEST.encode()))
def test_any_change_of_any_stretch_is_rejected(changed: bytes) -> None:
    assert (_verdict(changed) is None) == (changed == HONEST.encode())


def _verdict(text: str | bytes, algorithm: str = "ES256") -> RejectionCode | None:
    try:
        jws = read_compact(text)
        assert isinstance(jws, CompactJws)
        verify_jws(jws, jwk(algorithm), algorithms=ALGORITHMS)
    except Rejected as error:
        return error.code
    return None


def _with_header(members: dict[str, Any]) -> str:
    header = json.dumps({"alg": "ES256", "kid": "ES256-1", **members})
    signing_input = f"{b64(header)}.{b64(json.dumps(CLAIMS))}"
    return f"{signing_input}.{b64(signature(signing_input.encode(), 'ES256'))}"
