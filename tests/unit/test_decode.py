"""Decoding: what the vectors cannot hold, and what must still be taken."""

import time
from decimal import Decimal
from typing import Any

import pytest

from contracts.errors import Rejected
from contracts.json_object import BODY_BYTES_MAX, DEPTH_MAX
from tests.signed_bytes import signed
from workers.verifier.decode import decode_json


def decoded(body: bytes) -> Any:  # noqa: ANN401 - JSON holds any value
    return decode_json(signed(body)).members


def test_largest_body_is_decoded_and_one_byte_more_is_not() -> None:
    body = b'{"a":1}'.ljust(BODY_BYTES_MAX)

    assert decoded(body) == {"a": 1}
    with pytest.raises(Rejected, match=f"body_too_large: more than {BODY_BYTES_MAX} bytes"):
        decoded(body + b" ")


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deepest_body_is_decoded_and_one_level_more_is_not(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    inner = DEPTH_MAX - 1

    assert decoded(b'{"a":' + opening * inner + b"1" + closing * inner + b"}")
    with pytest.raises(Rejected, match=f"json_too_deep: more than {DEPTH_MAX} levels"):
        decoded(b'{"a":' + opening * DEPTH_MAX + b"1" + closing * DEPTH_MAX + b"}")


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":"' + b"[" * 100 + b'"}',
        b'{"a":"\\"' + b"{[" * 100 + b'\\\\"}',
        b'{"a":[' + b"{}," * 100 + b"1]}",
        b'{"' + b"[" * 100 + b'":[[]]}',
    ],
)
def test_brackets_that_do_not_nest_are_no_depth(text: bytes) -> None:
    assert decoded(text)


@pytest.mark.parametrize("string", [b"]" * 100, b'\\"' + b"]" * 100, b"\\\\", b"}" * 9_000])
@pytest.mark.parametrize("many", [0, 5_000])
def test_brackets_in_strings_hide_no_depth(string: bytes, many: int) -> None:
    """Few brackets are judged in another way than very many."""
    nested = b"[" * DEPTH_MAX + b'"' + string + b'"' + b"]" * DEPTH_MAX
    body = b'{"a":"' + string + b'","b":[' + b"[]," * many + b'1],"c":' + nested + b"}"

    with pytest.raises(Rejected, match="json_too_deep"):
        decoded(body)
    assert decoded(body.replace(b'"c":[', b'"c":').replace(b"]}", b"}"))


def test_numbers_keep_every_digit() -> None:
    members = decoded(
        b'{"a":10001,"b":10001.50,"c":0.10,"d":12345678901234567890.123456789,"e":5e2}'
    )

    assert members == {
        "a": 10001,
        "b": Decimal("10001.50"),
        "c": Decimal("0.10"),
        "d": Decimal("12345678901234567890.123456789"),
        "e": Decimal("5e2"),
    }
    assert str(members["b"]) == "10001.50"


@pytest.mark.parametrize(("digits", "taken"), [(32, True), (33, False)])
def test_longest_integer(digits: int, taken: bool) -> None:  # noqa: FBT001 - a parameter of a table
    body = b'{"a":' + b"9" * digits + b"}"

    if taken:
        assert decoded(body) == {"a": int("9" * digits)}
    else:
        with pytest.raises(Rejected, match="json_number_forbidden"):
            decoded(body)


def test_whole_surrogate_pairs_and_escaped_backslashes_are_text() -> None:
    assert decoded(b'{"a":"\\ud83d\\ude00","b":"\\\\ud800"}') == {"a": "\U0001f600", "b": "\\ud800"}


def test_an_array_of_many_objects_is_decoded_in_linear_time() -> None:
    """A quarter of a megabyte of brackets and quotes, against a scan that steps back."""
    bodies = [
        b'{"a":[' + b'{"b":"["},' * 25_000 + b"1]}",
        b'{"a":"' + b'\\"[' * 80_000,
        b'"' * 250_000,
        b"[" * 33 + b'"\\' * 120_000,
    ]

    began = time.process_time()
    for body in bodies:
        try:
            decoded(body)
        except Rejected:
            continue

    assert time.process_time() - began < 5
