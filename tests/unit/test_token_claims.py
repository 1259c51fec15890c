"""The claims of a token: required ones, dates against the time of receipt, the audience."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.jose import (
    CLAIMS,
    ISSUER,
    NOON,
    NOON_SECONDS,
    raw_token,
    token,
)
from tests.token_verdicts import claims, code, verified


@pytest.mark.parametrize("value", [None, "", [], {}])
@pytest.mark.parametrize("name", ["verification_id", "nonce"])
def test_required_claim_that_says_nothing_is_missing(name: str, value: object) -> None:
    assert code(token(claims(**{name: value})), required_claims=("iss", name)) == (
        "token_claim_missing"
    )


def test_required_claim_that_is_absent_is_missing() -> None:
    assert code(token({"iss": ISSUER})) == "token_claim_missing"
    assert code(token(), required_claims=("iss", "exp")) == "token_claim_missing"


def test_required_claim_may_be_of_any_other_value() -> None:
    for value in (0, False, "x", [0], {"a": 1}):
        assert verified(token(claims(verification_id=value)))


NO_DATES = ["true", '"1793620800"', "null", "[]", "{}", "-1", "-0.5", "253402300800", "9" * 32]


@pytest.mark.parametrize("value", NO_DATES)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_date_that_is_no_number_of_seconds_is_missing(name: str, value: str) -> None:
    assert code(_with_json(name, value)) == "token_claim_missing"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "-1e99", "1" * 5_000])
@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "any"])
def test_number_beyond_all_numbers_is_malformed(name: str, value: str) -> None:
    assert code(_with_json(name, value)) == "token_malformed"


@pytest.mark.parametrize(("name", "value"), [("sub", 7), ("jti", ["a"]), ("sub", None)])
def test_known_claim_of_another_shape_is_missing(name: str, value: object) -> None:
    assert code(raw_token('{"alg":"ES256"}', json.dumps(claims(**{name: value})))) == (
        "token_claim_missing"
    )


@pytest.mark.parametrize(
    ("name", "seconds", "expected"),
    [
        ("exp", 100, None),
        ("exp", 0, None),
        ("exp", -59, None),
        ("exp", -59.5, None),
        ("exp", -60, "token_expired"),
        ("exp", -60.5, "token_expired"),
        ("exp", -NOON_SECONDS, "token_expired"),
        ("nbf", -100, None),
        ("nbf", 60, None),
        ("nbf", 60.5, "token_not_yet_valid"),
        ("nbf", 61, "token_not_yet_valid"),
        ("iat", 60, None),
        ("iat", 61, "token_not_yet_valid"),
        ("iat", 10**9, "token_not_yet_valid"),
        ("iat", -NOON_SECONDS, None),
    ],
)
def test_date_against_the_time_of_receipt(name: str, seconds: float, expected: str | None) -> None:
    text = token(claims(**{name: NOON_SECONDS + seconds}))

    if expected is None:
        assert verified(text)
    else:
        assert code(text) == expected


def test_without_leeway_a_token_ends_on_its_second() -> None:
    text = token(claims(exp=NOON_SECONDS))
    before = NOON - timedelta(microseconds=1)

    assert verified(text, at=before, leeway_seconds=0)
    assert code(text, leeway_seconds=0) == "token_expired"


@pytest.mark.parametrize(("age", "expected"), [(3_660, None), (3_661, "token_too_old")])
def test_oldest_token(age: int, expected: str | None) -> None:
    text = token(claims(iat=NOON_SECONDS - age))
    settings: dict[str, Any] = {"age_seconds_max": 3_600, "required_claims": ("iss", "iat")}

    if expected is None:
        assert verified(text, **settings)
    else:
        assert code(text, **settings) == expected


@pytest.mark.parametrize(
    ("aud", "audiences", "expected"),
    [
        (None, (), None),
        (None, ("esito",), "token_audience_wrong"),
        ("esito", ("esito",), None),
        ("esito", ("other", "esito"), None),
        (["other", "esito"], ("esito",), None),
        ("esito", (), "token_audience_wrong"),
        (["esito"], (), "token_audience_wrong"),
        ("Esito", ("esito",), "token_audience_wrong"),
        ("esito2", ("esito",), "token_audience_wrong"),
        (["other"], ("esito",), "token_audience_wrong"),
        ([], ("esito",), "token_claim_missing"),
        ([["esito"]], ("esito",), "token_claim_missing"),
        (["esito", 7], ("esito",), "token_claim_missing"),
        (7, ("esito",), "token_claim_missing"),
        ({"esito": 1}, ("esito",), "token_claim_missing"),
    ],
)
def test_audience(aud: object, audiences: tuple[str, ...], expected: str | None) -> None:
    text = raw_token('{"alg":"ES256"}', json.dumps(CLAIMS if aud is None else claims(aud=aud)))

    if expected is None:
        assert verified(text, audiences=audiences)
    else:
        assert code(text, audiences=audiences) == expected


def _with_json(name: str, value: str) -> str:
    payload = json.dumps({**CLAIMS, name: 0}).replace(f'"{name}": 0', f'"{name}": {value}')
    return raw_token('{"alg":"ES256"}', payload)
