"""Key sets: what becomes a key, what is left out, and what makes the set unusable."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st

from tests.jose import ALGORITHMS, b64, jwk, jwk_members, jwks
from tests.property.strategies import json_values
from workers.verifier.base64url import decode_base64url
from workers.verifier.jwk import (
    JWKS_BYTES_MAX,
    JWKS_KEYS_MAX,
    fitting_algorithms,
    parse_jwk,
    parse_jwks,
)
from workers.verifier.rsa_keys import RSA_BITS_MAX

RSA_ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
# RFC 7638 §3.1, with the thumbprint it gives.
RFC_7638_KEY = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ"
        "ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW"
        "2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQ"
        "Fh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    ),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_key_of_the_algorithm_is_taken(algorithm: str) -> None:
    (key,) = parse_jwks(jwks(jwk_members(algorithm, use="sig", alg=algorithm)))

    assert key.kid == f"{algorithm}-1"
    assert key.algorithms == {algorithm}


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA"])
def test_key_without_alg_verifies_what_its_curve_is_for(algorithm: str) -> None:
    assert jwk(algorithm).algorithms == {algorithm}


def test_rsa_key_without_alg_verifies_both_paddings() -> None:
    assert jwk("RS256").algorithms == RSA_ALGORITHMS


def test_thumbprint_is_that_of_the_standard() -> None:
    assert parse_jwk(RFC_7638_KEY).thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_key_without_a_kid_has_none() -> None:
    members = jwk_members("ES256")
    del members["kid"]

    (key,) = parse_jwks(jwks(members))

    assert key.kid is None


def _changed(
    algorithm: str = "ES256",
    **members: Any,  # noqa: ANN401 - JSON holds any value
) -> dict[str, Any]:
    return jwk_members(algorithm, **members)


UNUSABLE = {
    "another kty": _changed(kty="XYZ"),
    "kty that is no text": _changed(kty=["EC"]),
    "another curve": _changed(crv="secp256k1"),
    "curve that is no text": _changed(crv={}),
    "point off the curve": _changed(x=b64(b"\x01" * 32)),
    "point at zero": _changed(x=b64(bytes(32)), y=b64(bytes(32))),
    "short coordinate": _changed(x=b64(b"\x01" * 31)),
    "coordinate with a zero before it": _changed(
        x=b64(b"\0" + decode_base64url(_changed()["x"].encode()))
    ),
    "padded coordinate": _changed(x=_changed()["x"] + "="),
    "coordinate that is a number": _changed(x=1),
    "coordinate that is not ascii": _changed(x="é"),
    "no coordinate": {name: text for name, text in _changed().items() if name != "y"},
    "for encryption": _changed(use="enc"),
    "use that is no text": _changed(use=["sig"]),
    "to sign with": _changed(key_ops=["sign"]),
    "key_ops that is no list": _changed(key_ops="verify"),
    "alg of another curve": _changed(alg="ES384"),
    "alg of hmac": _changed("RS256", alg="HS256"),
    "alg that is no text": _changed(alg=["ES256"]),
    "alg of null": _changed(alg=None),
    "kid that is a number": _changed(kid=7),
    "kid that is too long": _changed(kid="k" * 201),
    "okp of another curve": _changed("EdDSA", crv="X25519"),
    "okp that is short": _changed("EdDSA", x=b64(b"\x01" * 31)),
    "rsa exponent of 3": _changed("RS256", e=number(3)),
    "rsa exponent that is even": _changed("RS256", e=number(65_538)),
    "rsa exponent of 33 bits": _changed("RS256", e=number(2**32 + 1)),
    "rsa exponent of nothing": _changed("RS256", e=""),
    "rsa modulus that is even": _changed("RS256", n=number(2**2047)),
    "rsa modulus of 1024 bits": _changed("RS256", n=number(2**1023 + 1)),
    "rsa modulus of 2047 bits": _changed("RS256", n=number(2**2046 + 1)),
    "rsa modulus too long": _changed("RS256", n=number(2**RSA_BITS_MAX + 1)),
    "rsa modulus much too long": _changed("RS256", n=number(2 ** (5 * RSA_BITS_MAX) + 1)),
}


@pytest.mark.parametrize("members", UNUSABLE.values(), ids=UNUSABLE)
def test_key_that_is_none_to_verify_with_is_left_out(members: dict[str, Any]) -> None:
    keys = parse_jwks(jwks(members, jwk_members("EdDSA", kid="good")))

    assert [key.kid for key in keys] == ["good"]


@pytest.mark.parametrize("members", UNUSABLE.values(), ids=UNUSABLE)
def test_set_of_such_keys_alone_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="none that verifies signatures"):
        parse_jwks(jwks(members))


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_set_that_publishes_a_secret_is_refused(name: str) -> None:
    leaked = {**jwk_members("RS256"), name: b64(b"secret")}

    with pytest.raises(ValueError, match="private or symmetric key is published"):
        parse_jwks(jwks(jwk_members("ES256"), leaked))
    with pytest.raises(ValueError, match="private or symmetric"):
        parse_jwk(leaked)


def test_set_with_one_kid_twice_is_refused() -> None:
    keys = jwks(jwk_members("ES256", kid="one"), jwk_members("ES256", 2, kid="one"))

    with pytest.raises(ValueError, match="one kid stands twice"):
        parse_jwks(keys)


def test_kid_of_a_key_for_another_use_may_be_the_same() -> None:
    other = jwk_members("RS256", kid="one", use="enc")

    (key,) = parse_jwks(jwks(jwk_members("ES256", kid="one"), other))

    assert key.algorithms == {"ES256"}


def test_longest_set_is_taken_and_one_key_more_is_not() -> None:
    keys = [jwk_members("ES256", kid=str(one)) for one in range(JWKS_KEYS_MAX + 1)]

    assert len(parse_jwks(jwks(*keys[1:]))) == JWKS_KEYS_MAX
    with pytest.raises(ValueError, match=f"more than {JWKS_KEYS_MAX}"):
        parse_jwks(jwks(*keys))


def test_largest_set_is_taken_and_one_byte_more_is_not() -> None:
    document = jwks(jwk_members("ES256")).ljust(JWKS_BYTES_MAX)

    assert parse_jwks(document)
    with pytest.raises(ValueError, match=f"more than {JWKS_BYTES_MAX} bytes"):
        parse_jwks(document + b" ")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>Sign in</html>",
        b"\xff",
        b"[]",
        b"{}",
        b'{"keys":null}',
        b'{"keys":{}}',
        b'{"keys":[]}',
        b'{"keys":[7]}',
        b'{"keys":[],"keys":[]}',
        b'{"keys":' + b"[" * 1_000 + b"]" * 1_000 + b"}",
        b'{"keys":[' + b"9" * 5_000 + b"]}",
    ],
)
def test_document_that_is_no_key_set_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"keys|JSON"):
        parse_jwks(document)


def test_messages_name_no_value() -> None:
    with pytest.raises(ValueError, match="crv") as caught:
        parse_jwk(jwk_members("ES256", crv="canary"))

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "key",
    [
        rsa.RSAPublicNumbers(65_537, 2**1_023 + 1).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        x25519.X25519PrivateKey.generate().public_key(),
        b"the bytes of a PEM",
    ],
)
def test_weak_or_strange_key_fits_no_algorithm(key: object) -> None:
    with pytest.raises(ValueError, match="key"):
        fitting_algorithms(key)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_key_set_or_a_value_error(document: bytes) -> None:
    _parse(document)


@given(
    st.sampled_from(ALGORITHMS),
    st.dictionaries(
        st.sampled_from(
            ["kty", "crv", "x", "y", "n", "e", "alg", "use", "key_ops", "kid", "d", "k"]
        ),
        json_values | st.binary(max_size=70).map(b64) | st.sampled_from(["EC", "RSA", "OKP"]),
    ),
)
def test_any_members_are_a_key_or_a_value_error(algorithm: str, changes: dict[str, Any]) -> None:
    _parse(json.dumps({"keys": [jwk_members(algorithm, **changes)]}).encode())


def _parse(document: bytes) -> None:
    try:
        keys = parse_jwks(document)
    except ValueError:
        return
    assert all(key.algorithms <= set(ALGORITHMS) for key in keys)


@given(st.binary(max_size=50))
def test_base64url_reads_what_was_written(value: bytes) -> None:
    assert decode_base64url(b64(value).encode()) == value


@given(st.text("AQgw_-=+/ \n.Z9é", max_size=9).map(str.encode) | st.binary(max_size=9))
def test_base64url_has_one_spelling_for_each_value(text: bytes) -> None:
    try:
        value = decode_base64url(text)
    except ValueError:
        return
    assert b64(value).encode() == text


@pytest.mark.parametrize(
    "text", [b"A", b"QQ==", b"QQ=", b"QR", b"QUJ", b"QQ\n", b" QQ", b"Q+", b"Q/", b"QUJDR"]
)
def test_base64url_of_another_spelling_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="base64url"):
        decode_base64url(text)
