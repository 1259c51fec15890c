"""The detached JWS over a raw body: one form, a trusted certificate, and every byte signed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detached_jws import (
    BODY,
    CHAINED,
    CODES,
    HONEST,
    PINNED,
    RSA_BANK,
    TWO_PINNED,
    code,
    header,
    rejected_or_same,
    value,
    verified,
)
from tests.jose import b64, x5c
from tests.property.strategies import json_values, mutated_bytes
from workers.verifier.certificates import Trust
from workers.verifier.detached_jws import VALUE_BYTES_MAX


@pytest.mark.parametrize(
    "changes",
    [
        {"b64": None, "crit": None},
        {"crit": None},
        {"b64": None},
        {"b64": True},
        {"b64": "false"},
        {"b64": 0},
        {"crit": "b64"},
        {"crit": []},
        {"crit": {}},
        {"crit": ["b64", "b64"]},
    ],
)
def test_body_that_is_not_signed_as_it_is_is_malformed(changes: dict[str, object]) -> None:
    assert code(value(header(**changes))) == "signature_malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"crit": ["b64", "canary"]},
        {"crit": ["canary"]},
        {"crit": ["b64", 7]},
        {"crit": ["b64", "exp"], "exp": 1},
        {"jku": "https://canary.example.org"},
        {"x5u": "https://canary.example.org"},
        {"jwk": {"kty": "EC"}},
    ],
)
def test_header_with_a_key_of_its_own_or_more_critical_is_forbidden(
    changes: dict[str, object],
) -> None:
    assert code(value(header(**changes))) == "token_header_forbidden"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", "ES384", "canary", ""])
def test_algorithm_that_is_not_allowed_is_forbidden(algorithm: str) -> None:
    assert code(value(header(alg=algorithm))) == "algorithm_forbidden"


def test_algorithm_that_is_not_allowed_is_forbidden_with_a_good_signature() -> None:
    protected = header(alg="RS256", x5c=x5c(RSA_BANK.der))

    given = value(protected, signer=RSA_BANK, algorithm="RS256")

    assert verified(given, algorithms=("RS256",)) == (RSA_BANK.fingerprint, "RS256")
    assert code(given) == "algorithm_forbidden"


@pytest.mark.parametrize("algorithm", ["PS256", "RS256", "ES384", "EdDSA", "HS256", "none"])
def test_algorithm_of_another_key_is_forbidden(algorithm: str) -> None:
    assert code(value(header(alg=algorithm)), algorithms=(algorithm,)) == "algorithm_forbidden"


@pytest.mark.parametrize(
    "protected",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"alg":7,"b64":false,"crit":["b64"]}',
        b'{"alg":"ES256","alg":"ES256","b64":false,"crit":["b64"]}',
        b'{"alg":"ES256","b64":true,"b64":false,"crit":["b64"]}',
        b'{"alg":"ES256","b64":false,"crit":' + b"[" * 999 + b"]" * 999 + b"}",
    ],
)
def test_header_that_cannot_be_read_in_one_way_is_malformed(protected: bytes) -> None:
    assert code(value(protected), by=PINNED) == "signature_malformed"


def test_value_of_another_structure_is_malformed() -> None:
    good = value()
    protected, _, signed = good.partition(b"..")
    others = [
        b"",
        b"..",
        b".." + signed,
        protected,
        protected + b"..",
        protected + b"." + b64(BODY).encode() + b"." + signed,
        protected + b"..." + signed,
        good + b".",
        good + b"\n",
        b" " + good,
        good + b"=",
        good + b"," + good,
        good[:-1],
        good[:-1] + b"\xff",
        protected + b"=.." + signed,
        good + b"A" * VALUE_BYTES_MAX,
        protected + b".." + b64(bytes(64)).encode(),
    ]

    assert {code(one) for one in others} == {"signature_malformed"}


def test_every_byte_of_the_body_is_signed() -> None:
    given = value()

    for place in range(len(BODY)):
        changed = bytearray(BODY)
        changed[place] ^= 1
        assert code(given, body=bytes(changed)) == "signature_mismatch"
    for other in (b"", BODY + b" ", BODY[:-1], b64(BODY).encode()):
        assert code(given, body=other) == "signature_mismatch"


def test_body_of_any_bytes_is_taken_as_it_is() -> None:
    body = b"\x00.\xff..\r\n" * 9

    assert verified(value(body=body), body=body)


def test_border_between_header_and_body_is_signed() -> None:
    """Moving the dot would move bytes of the body into the header, or back."""
    protected, _, signed = value(body=b"AAAA.x").partition(b"..")

    assert code(protected + b".." + signed, body=b"AAAA") == "signature_mismatch"
    assert code(protected + b".AAAA." + signed, body=b"x") == "signature_malformed"


@given(mutated_bytes(HONEST))
def test_any_change_of_the_value_is_rejected(given: bytes) -> None:
    if given != HONEST:
        assert code(given) in CODES


@given(
    st.dictionaries(
        st.sampled_from(["alg", "b64", "crit", "x5c", "x5t#S256", "kid", "typ", "jwk"]),
        json_values,
    ),
    st.sampled_from([CHAINED, PINNED, TWO_PINNED]),
)
def test_any_header_is_verified_or_rejected(changes: dict[str, Any], by: Trust) -> None:
    rejected_or_same(value({**header(), **changes}), by=by)


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_value_is_rejected(given: bytes, body: bytes) -> None:
    assert code(given, body=body) in CODES
