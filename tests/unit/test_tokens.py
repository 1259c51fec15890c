"""The claims of a token: whose it is, for whom, and when; all of it after its signature."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode
from contracts.errors import Rejected, Unavailable
from contracts.provider import VerifiedToken
from runtime.signature_configuration import TokenIssuer
from tests.jose import (
    ALGORITHMS,
    CLAIMS,
    ISSUER,
    JWKS_URI,
    NOON,
    NOON_SECONDS,
    issuer,
    jwk,
    jwk_members,
    raw_token,
    token,
)
from tests.property.strategies import json_values, mutated_bytes
from workers.verifier.jwk import Jwk, parse_jwk
from workers.verifier.tokens import verify_token

CANARY = "canary-4711"
HONEST = token()


def verified(text: str, *, at: datetime = NOON, **settings: Any) -> VerifiedToken:  # noqa: ANN401 - settings of any type
    return verify_token(text, {ISSUER: issuer(**settings)}, key_of, at=at)


def key_of(_: TokenIssuer, kid: str | None, alg: str, at: datetime) -> Jwk:
    """Return the first key of the algorithm."""
    assert at.tzinfo is not None
    if kid == "unknown":
        raise Rejected(RejectionCode.TOKEN_KEY_UNKNOWN)
    if kid == "away":
        raise Unavailable
    return jwk(alg)


def code(text: str, *, at: datetime = NOON, **settings: Any) -> str:  # noqa: ANN401 - settings of any type
    """Return the code under which the token is rejected, with a detail that gives nothing away."""
    with pytest.raises(Rejected) as caught:
        verified(text, at=at, **settings)
    assert CANARY not in str(caught.value)
    return str(caught.value.code)


def claims(**changes: object) -> dict[str, object]:
    return {**CLAIMS, **changes}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_honest_token_is_verified(algorithm: str) -> None:
    made = verified(token(algorithm=algorithm), algorithms=(algorithm,))

    assert made == VerifiedToken(CLAIMS, ISSUER, f"{algorithm}-1", algorithm)


def test_claims_stand_in_no_representation() -> None:
    assert CANARY not in repr(verified(token(claims(name=CANARY))))


def test_key_without_a_kid_is_named_by_its_thumbprint() -> None:
    members = jwk_members("ES256")
    del members["kid"]
    key = parse_jwk(members)

    made = verify_token(HONEST, {ISSUER: issuer()}, lambda *_: key, at=NOON)

    assert made.key_id == key.thumbprint


@pytest.mark.parametrize("kid", [None, "ES256-1"])
def test_key_is_asked_for_by_issuer_kid_algorithm_and_time(kid: str | None) -> None:
    asked = []

    def recorded(*asking: Any) -> Jwk:  # noqa: ANN401 - whatever is asked
        asked.append(asking)
        return jwk("ES256")

    text = token() if kid else raw_token('{"alg":"ES256"}', json.dumps(CLAIMS))
    verify_token(text, {ISSUER: issuer()}, recorded, at=NOON)

    assert asked == [(issuer(), kid, "ES256", NOON)]


def test_key_that_is_away_or_unknown_is_told() -> None:
    assert code(token(header={"kid": "unknown"})) == "token_key_unknown"
    with pytest.raises(Unavailable):
        verified(token(header={"kid": "away"}))


@pytest.mark.parametrize(
    "iss", ["https://evil.example.org", ISSUER + "/", ISSUER.upper(), "", f" {ISSUER}", CANARY]
)
def test_issuer_is_compared_exactly(iss: str) -> None:
    assert code(token(claims(iss=iss))) == "token_issuer_unknown"


@pytest.mark.parametrize("iss", [None, 7, [ISSUER], {}])
def test_issuer_of_another_shape_is_missing(iss: object) -> None:
    assert code(raw_token('{"alg":"ES256"}', json.dumps(claims(iss=iss)))) == "token_claim_missing"


def test_nobody_is_asked_for_keys_of_an_unknown_issuer() -> None:
    def forbidden(*_: object) -> Jwk:
        raise AssertionError

    with pytest.raises(Rejected, match="token_issuer_unknown"):
        verify_token(token(claims(iss="x")), {ISSUER: issuer()}, forbidden, at=NOON)


def test_nobody_is_asked_for_keys_of_an_algorithm_that_is_not_the_issuers() -> None:
    def forbidden(*_: object) -> Jwk:
        raise AssertionError

    with pytest.raises(Rejected, match="algorithm_forbidden"):
        verify_token(token(algorithm="RS256"), {ISSUER: issuer()}, forbidden, at=NOON)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "nOnE"])
def test_unsigned_token_is_forbidden(algorithm: str) -> None:
    header = json.dumps({"alg": algorithm})

    assert code(raw_token(header, json.dumps(CLAIMS))) == "algorithm_forbidden"


@pytest.mark.parametrize(
    ("typ", "types", "taken"),
    [
        (None, ("JWT",), True),
        ("JWT", ("JWT",), True),
        ("jwt", ("JWT",), True),
        ("application/jwt", ("JWT",), True),
        ("JWT", ("application/jwt",), True),
        ("vp+jwt", ("JWT",), False),
        ("dc+sd-jwt", ("JWT",), False),
        ("JWT", ("vp+jwt",), False),
        (None, ("vp+jwt",), False),
        ("VP+JWT", ("vp+jwt", "JWT"), True),
        (["JWT"], ("JWT",), False),
        (7, ("JWT",), False),
        ("", ("JWT",), False),
    ],
)
def test_type_is_one_of_the_issuers(typ: object, types: tuple[str, ...], *, taken: bool) -> None:
    header = {"alg": "ES256"} if typ is None else {"alg": "ES256", "typ": typ}
    text = raw_token(json.dumps(header), json.dumps(CLAIMS))

    if taken:
        assert verified(text, types=types)
    else:
        assert code(text, types=types) == "token_type_wrong"


def test_type_of_null_is_wrong() -> None:
    header = '{"alg":"ES256","typ":null}'

    assert code(raw_token(header, json.dumps(CLAIMS))) == "token_type_wrong"


@pytest.mark.parametrize(
    "uri", ["https://evil.example.org/jwks.json", JWKS_URI + "?", JWKS_URI.upper(), "", None, [1]]
)
def test_key_source_is_compared_exactly(uri: object) -> None:
    assert code(token(claims(jwks_uri=uri))) == "token_key_source_wrong"


def test_key_source_that_is_pinned_may_be_named() -> None:
    assert verified(token(claims(jwks_uri=JWKS_URI)))


def test_key_source_is_not_compared_where_keys_are_a_file() -> None:
    settings: dict[str, Any] = {"jwks_uri": None, "jwks_file": "keys.json"}

    assert verified(token(claims(jwks_uri="https://anywhere.example.org/")), **settings)


@pytest.mark.parametrize("value", [None, "", [], {}])
@pytest.mark.parametrize("name", ["verification_id", "nonce"])
def test_required_claim_that_says_nothing_is_missing(name: str, value: object) -> None:
    assert code(token(claims(**{name: value})), required_claims=("iss", name)) == (
        "token_claim_missing"
    )


def test_required_claim_that_is_absent_is_missing() -> None:
    assert code(token({"iss": ISSUER})) == "token_claim_missing"
    assert code(HONEST, required_claims=("iss", "exp")) == "token_claim_missing"


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


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"x",
        b"[]",
        b"\xff",
        b'{"iss":"' + ISSUER.encode() + b'","iss":"x"}',
        b'{"iss":"' + ISSUER.encode() + b'","a":{"b":1,"b":2}}',
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'{"a":' + b"[" * 50_000,
    ],
)
def test_payload_that_cannot_be_read_in_one_way_is_malformed(payload: bytes) -> None:
    assert code(raw_token('{"alg":"ES256"}', payload)) == "token_malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"nbf": 10**11},
        {"jwks_uri": "https://evil.example.org"},
        {"aud": "x"},
        {"verification_id": None},
        {"exp": "soon"},
    ],
)
def test_signature_is_the_first_thing_to_fail(changes: dict[str, object]) -> None:
    """What a stranger wrote is judged by nothing but its signature."""
    forged = token(claims(**changes), number=2)

    assert code(forged) == "signature_mismatch"


def test_details_name_no_value() -> None:
    for changes in (
        {"verification_id": "", "x": CANARY},
        {"exp": CANARY},
        {"aud": CANARY},
        {"jwks_uri": CANARY},
        {"sub": [CANARY]},
    ):
        code(raw_token('{"alg":"ES256"}', json.dumps(claims(**changes))))
    code(token(header={"typ": CANARY}))
    code(token(header={"crit": [CANARY], CANARY: 1}))


@given(mutated_bytes(HONEST.encode()).map(lambda text: text.decode("latin-1")))
def test_any_change_is_rejected(text: str) -> None:
    assert (_verdict(text) is None) == (text == HONEST)


@given(
    st.dictionaries(
        st.sampled_from(
            ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "jwks_uri", "verification_id"]
        ),
        json_values | st.integers(NOON_SECONDS - 100, NOON_SECONDS + 100) | st.just(ISSUER),
    ),
    st.dictionaries(st.sampled_from(["typ", "kid", "cty", "crit", "jku"]), json_values),
)
def test_any_signed_claims_are_verified_or_rejected(
    changes: Mapping[str, Any], header: Mapping[str, Any]
) -> None:
    text = raw_token(json.dumps({"alg": "ES256", **header}), json.dumps({**CLAIMS, **changes}))

    _verdict(text)


@given(st.text(max_size=80))
def test_any_text_is_rejected(text: str) -> None:
    assert _verdict(text) is RejectionCode.TOKEN_MALFORMED


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_time_of_receipt_is_judged(at: datetime) -> None:
    _verdict(token(claims(exp=NOON_SECONDS + 5)), at=at)


def _verdict(text: str, *, at: datetime = NOON) -> RejectionCode | None:
    try:
        verified(text, at=at)
    except Rejected as error:
        return error.code
    except Unavailable:
        return None
    return None


def _with_json(name: str, value: str) -> str:
    payload = json.dumps({**CLAIMS, name: 0}).replace(f'"{name}": 0', f'"{name}": {value}')
    return raw_token('{"alg":"ES256"}', payload)
