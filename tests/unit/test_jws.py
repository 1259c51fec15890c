"""The compact JWS: one spelling, our keys, our algorithms, and nothing critical."""

import json
from base64 import b64encode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode
from contracts.errors import Rejected
from tests.jose import (
    ALGORITHMS,
    CLAIMS,
    CURVES,
    b64,
    jwk,
    private_key,
    raw_token,
    signature,
    token,
)
from tests.property.strategies import json_values, mutated_bytes
from workers.verifier.jwk import Jwk
from workers.verifier.jws import (
    HEADER_BYTES_MAX,
    JWS_BYTES_MAX,
    OWN_KEY,
    CompactJws,
    read_compact,
    verify_jws,
    verify_signature,
)

HONEST = raw_token('{"alg":"ES256","kid":"ES256-1"}', json.dumps(CLAIMS))
# The order of P-256 (FIPS 186-5): r and s are below it.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def code(text: str | bytes, key: Jwk | None = None, algorithms: Any = ("ES256",)) -> str:  # noqa: ANN401 - any collection
    """Return the code under which a token is rejected."""
    with pytest.raises(Rejected) as caught:
        verify_jws(read_compact(text), key or jwk("ES256"), algorithms=algorithms)
    return str(caught.value.code)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_token_that_another_library_signed_is_verified(algorithm: str) -> None:
    jws = read_compact(token(algorithm=algorithm))

    verify_jws(jws, jwk(algorithm), algorithms=(algorithm,))

    assert json.loads(jws.payload) == CLAIMS
    assert (jws.algorithm, jws.kid) == (algorithm, f"{algorithm}-1")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("part", [0, 1, 2])
def test_token_with_one_bit_changed_is_rejected(algorithm: str, part: int) -> None:
    parts = [bytearray(_bytes(one)) for one in token(algorithm=algorithm).split(".")]
    parts[part][len(parts[part]) // 2] ^= 1

    changed = ".".join(b64(bytes(one)) for one in parts)

    assert code(changed, jwk(algorithm), (algorithm,)) in {
        "signature_mismatch",
        "token_malformed",
    }


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_token_of_another_key_is_rejected(algorithm: str) -> None:
    forged = token(algorithm=algorithm, number=2)

    assert code(forged, jwk(algorithm), (algorithm,)) == "signature_mismatch"


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "NONE", "", "HS256", "HS512", "es256", "ES256K", "RS1"]
)
def test_algorithm_that_is_not_asymmetric_or_unknown_is_forbidden(algorithm: str) -> None:
    unsigned = f"{b64(json.dumps({'alg': algorithm}))}.{b64(json.dumps(CLAIMS))}."

    assert code(unsigned, algorithms=ALGORITHMS) == "algorithm_forbidden"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_algorithm_is_forbidden_even_where_somebody_allowed_it(algorithm: str) -> None:
    unsigned = f"{b64(json.dumps({'alg': algorithm}))}.{b64(json.dumps(CLAIMS))}."

    assert code(unsigned, algorithms=(algorithm,)) == "algorithm_forbidden"
    with pytest.raises(Rejected, match="algorithm_forbidden"):
        verify_signature(b"", b"", key=jwk("ES256").key, algorithm=algorithm)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_hmac_with_the_public_key_as_its_secret_is_forbidden(encoding: Encoding) -> None:
    secret = jwk("RS256").key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    header = json.dumps({"alg": "HS256", "kid": "RS256-1"})
    signing_input = f"{b64(header)}.{b64(json.dumps(CLAIMS))}"
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)

    forged = f"{signing_input}.{b64(mac.sign(signing_input.encode(), secret))}"

    assert code(forged, jwk("RS256"), ALGORITHMS) == "algorithm_forbidden"


@pytest.mark.parametrize("given_to", ALGORITHMS)
@pytest.mark.parametrize("signed_by", ["ES256", "RS256", "PS256", "EdDSA"])
def test_algorithm_of_another_key_is_forbidden(signed_by: str, given_to: str) -> None:
    other = jwk(given_to, alg=given_to)
    if given_to == signed_by:
        verify_jws(read_compact(token(algorithm=signed_by)), other, algorithms=ALGORITHMS)
        return

    assert code(token(algorithm=signed_by), other, ALGORITHMS) == "algorithm_forbidden"


def test_algorithm_that_is_not_allowed_is_forbidden_with_a_good_signature() -> None:
    assert code(token(algorithm="RS256"), jwk("RS256"), ("ES256",)) == "algorithm_forbidden"


@pytest.mark.parametrize("algorithm", CURVES)
def test_ecdsa_signature_of_zeros_is_malformed(algorithm: str) -> None:
    signing_input, _, good = token(algorithm=algorithm).rpartition(".")
    r, s = _halves(_bytes(good))
    zero = bytes(len(r))

    for forged in (zero + zero, r + zero, zero + s):
        assert (
            code(f"{signing_input}.{b64(forged)}", jwk(algorithm), ALGORITHMS)
            == "signature_malformed"
        )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signature_of_another_length_is_malformed(algorithm: str) -> None:
    signing_input, _, text = token(algorithm=algorithm).rpartition(".")
    good = _bytes(text)

    for forged in (b"", good[:-1], good + b"\0", b"\0" + good, good + good, b"\1" * 100_000):
        assert (
            code(f"{signing_input}.{b64(forged)}", jwk(algorithm), ALGORITHMS)
            == "signature_malformed"
        )


def test_ecdsa_signature_in_der_is_malformed() -> None:
    signing_input = HONEST.rpartition(".")[0]
    key = private_key("ES256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    der = key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))

    assert code(f"{signing_input}.{b64(der)}") == "signature_malformed"
    r, s = decode_dss_signature(der)
    verify_jws(
        read_compact(f"{signing_input}.{b64(_raw(r, s))}"), jwk("ES256"), algorithms=("ES256",)
    )


def test_ecdsa_signature_beyond_the_order_of_the_curve_does_not_match() -> None:
    signing_input, _, good = HONEST.rpartition(".")
    r, s = (int.from_bytes(half, "big") for half in _halves(_bytes(good)))

    beyond = [_raw(P256_ORDER, s), _raw(r, P256_ORDER)]
    beyond += [_raw(x + P256_ORDER, s) for x in (r,) if x + P256_ORDER < 2**256]

    for forged in beyond:
        assert code(f"{signing_input}.{b64(forged)}") == "signature_mismatch"


@pytest.mark.parametrize("name", sorted(OWN_KEY))
@pytest.mark.parametrize("value", [None, "", "https://evil.example.org/keys", {}, []])
def test_header_that_brings_its_own_key_is_forbidden(name: str, value: object) -> None:
    own = token(header={name: value}) if value is not None else _with_header({name: None})

    assert code(own) == "token_header_forbidden"


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
    assert code(_with_header(members)) == "token_header_forbidden"


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
    assert code(raw_token(header, json.dumps(CLAIMS))) == "token_malformed"


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
    assert code(text) == "token_malformed"


def test_last_character_of_a_signature_has_one_spelling() -> None:
    """64 bytes leave four bits over in the last of 86 characters: sixteen spellings, one taken."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(HONEST[-1])

    codes = [code(HONEST[:-1] + alphabet[last + more]) for more in range(1, 16)]

    assert codes == ["token_malformed"] * 15


def test_largest_token_is_read_and_one_byte_more_is_not() -> None:
    header, _, good = HONEST.split(".")
    room = JWS_BYTES_MAX - len(header) - len(good) - 2
    payload = "A" * (room - room % 4)

    assert read_compact(f"{header}.{payload}.{good}")
    assert code(f"{header}.{payload}AAAA.{good}") == "token_malformed"


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


@given(st.binary(max_size=600), st.sampled_from(ALGORITHMS), st.sampled_from(ALGORITHMS))
def test_any_signature_by_any_algorithm_is_rejected(
    signed: bytes, algorithm: str, named: str
) -> None:
    with pytest.raises(Rejected):
        verify_signature(b"input", signed, key=jwk(algorithm).key, algorithm=named)


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


def _bytes(text: str) -> bytes:
    return jwt.utils.base64url_decode(text)


def _halves(raw: bytes) -> tuple[bytes, bytes]:
    return raw[: len(raw) // 2], raw[len(raw) // 2 :]


def _raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
