"""The signature of a JWS: our keys, our algorithms, the exact length, and every bit of it."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Rejected
from tests.jose import (
    ALGORITHMS,
    CLAIMS,
    CURVES,
    b64,
    jwk,
    jws_code,
    private_key,
    raw_token,
    token,
)
from workers.verifier.jws import (
    read_compact,
    verify_jws,
    verify_signature,
)

HONEST = raw_token('{"alg":"ES256","kid":"ES256-1"}', json.dumps(CLAIMS))
# The order of P-256 (FIPS 186-5): r and s are below it.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


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

    assert jws_code(changed, jwk(algorithm), (algorithm,)) in {
        "signature_mismatch",
        "token_malformed",
    }


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_token_of_another_key_is_rejected(algorithm: str) -> None:
    forged = token(algorithm=algorithm, number=2)

    assert jws_code(forged, jwk(algorithm), (algorithm,)) == "signature_mismatch"


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "NONE", "", "HS256", "HS512", "es256", "ES256K", "RS1"]
)
def test_algorithm_that_is_not_asymmetric_or_unknown_is_forbidden(algorithm: str) -> None:
    unsigned = f"{b64(json.dumps({'alg': algorithm}))}.{b64(json.dumps(CLAIMS))}."

    assert jws_code(unsigned, algorithms=ALGORITHMS) == "algorithm_forbidden"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_algorithm_is_forbidden_even_where_somebody_allowed_it(algorithm: str) -> None:
    unsigned = f"{b64(json.dumps({'alg': algorithm}))}.{b64(json.dumps(CLAIMS))}."

    assert jws_code(unsigned, algorithms=(algorithm,)) == "algorithm_forbidden"
    with pytest.raises(Rejected, match="algorithm_forbidden"):
        verify_signature(b"", b"", key=jwk("ES256").key, algorithm=algorithm)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_hmac_with_the_public_key_as_its_secret_is_forbidden(encoding: Encoding) -> None:
    secret = jwk("RS256").key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    header = json.dumps({"alg": "HS256", "kid": "RS256-1"})
    signing_input = f"{b64(header)}.{b64(json.dumps(CLAIMS))}"
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)

    forged = f"{signing_input}.{b64(mac.sign(signing_input.encode(), secret))}"

    assert jws_code(forged, jwk("RS256"), ALGORITHMS) == "algorithm_forbidden"


@pytest.mark.parametrize("given_to", ALGORITHMS)
@pytest.mark.parametrize("signed_by", ["ES256", "RS256", "PS256", "EdDSA"])
def test_algorithm_of_another_key_is_forbidden(signed_by: str, given_to: str) -> None:
    other = jwk(given_to, alg=given_to)
    if given_to == signed_by:
        verify_jws(read_compact(token(algorithm=signed_by)), other, algorithms=ALGORITHMS)
        return

    assert jws_code(token(algorithm=signed_by), other, ALGORITHMS) == "algorithm_forbidden"


def test_algorithm_that_is_not_allowed_is_forbidden_with_a_good_signature() -> None:
    assert jws_code(token(algorithm="RS256"), jwk("RS256"), ("ES256",)) == "algorithm_forbidden"


@pytest.mark.parametrize("algorithm", CURVES)
def test_ecdsa_signature_of_zeros_is_malformed(algorithm: str) -> None:
    signing_input, _, good = token(algorithm=algorithm).rpartition(".")
    r, s = _halves(_bytes(good))
    zero = bytes(len(r))

    for forged in (zero + zero, r + zero, zero + s):
        assert (
            jws_code(f"{signing_input}.{b64(forged)}", jwk(algorithm), ALGORITHMS)
            == "signature_malformed"
        )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signature_of_another_length_is_malformed(algorithm: str) -> None:
    signing_input, _, text = token(algorithm=algorithm).rpartition(".")
    good = _bytes(text)

    for forged in (b"", good[:-1], good + b"\0", b"\0" + good, good + good, b"\1" * 100_000):
        assert (
            jws_code(f"{signing_input}.{b64(forged)}", jwk(algorithm), ALGORITHMS)
            == "signature_malformed"
        )


def test_ecdsa_signature_in_der_is_malformed() -> None:
    signing_input = HONEST.rpartition(".")[0]
    key = private_key("ES256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    der = key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))

    assert jws_code(f"{signing_input}.{b64(der)}") == "signature_malformed"
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
        assert jws_code(f"{signing_input}.{b64(forged)}") == "signature_mismatch"


@given(st.binary(max_size=600), st.sampled_from(ALGORITHMS), st.sampled_from(ALGORITHMS))
def test_any_signature_by_any_algorithm_is_rejected(
    signed: bytes, algorithm: str, named: str
) -> None:
    with pytest.raises(Rejected):
        verify_signature(b"input", signed, key=jwk(algorithm).key, algorithm=named)


def _bytes(text: str) -> bytes:
    return jwt.utils.base64url_decode(text)


def _halves(raw: bytes) -> tuple[bytes, bytes]:
    return raw[: len(raw) // 2], raw[len(raw) // 2 :]


def _raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
