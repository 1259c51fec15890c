"""A token: whose it is, of what type, and nothing believed before its signature holds."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode
from contracts.errors import Rejected, Unavailable
from contracts.provider import VerifiedToken
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
from tests.token_verdicts import CANARY, claims, code, verified
from workers.verifier.jwk import Jwk, parse_jwk
from workers.verifier.tokens import verify_token

HONEST = token()


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

    assert [one[:4] for one in asked] == [(issuer(), kid, "ES256", NOON)]


def test_key_of_a_token_without_a_kid_is_the_one_that_signed_it() -> None:
    others = [jwk("ES256", 2), jwk("RS256"), jwk("ES384")]
    asked: list[Jwk | None] = []

    def recorded(*asking: Any) -> Jwk:  # noqa: ANN401 - whatever is asked
        asked.extend((asking[4](others), asking[4]([*others, jwk("ES256")])))
        return jwk("ES256")

    text = raw_token('{"alg":"ES256"}', json.dumps(CLAIMS))
    verify_token(text, {ISSUER: issuer()}, recorded, at=NOON)

    assert asked == [None, jwk("ES256")]


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
