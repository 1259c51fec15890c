"""The detached JWS over a raw body: one form, a trusted certificate, and every byte signed."""

import json
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import get_default_algorithms

from contracts.errors import Rejected
from tests.certificates import YEAR, Issued, intermediate, leaf, root, trust
from tests.jose import NOON, b64, x5c
from tests.property.strategies import json_values, mutated_bytes
from workers.verifier.certificates import Trust
from workers.verifier.detached_jws import VALUE_BYTES_MAX, verify_detached_jws

BODY: Final = b'{"Document":{"status":"ACTC"}}'
ROOT: Final = root()
ISSUING: Final = intermediate(ROOT)
BANK: Final = leaf(ISSUING)
RSA_BANK: Final = leaf(ROOT, "Bank R", key_type="rsa")
OTHER: Final = leaf(ROOT, "Bank B")
STRANGER: Final = leaf(root("Other Root"), "Stranger")
CHAINED: Final = trust(ROOT)
PINNED: Final = trust(pinned=[BANK])
TWO_PINNED: Final = trust(pinned=[BANK, OTHER])
CODES: Final = {
    "signature_malformed",
    "signature_mismatch",
    "token_header_forbidden",
    "algorithm_forbidden",
    "certificate_missing",
    "certificate_malformed",
    "certificate_untrusted",
}


def header(**changes: object) -> dict[str, Any]:
    """Return an honest protected header; a member of None is left out."""
    made = {
        "alg": "ES256",
        "b64": False,
        "crit": ["b64"],
        "x5c": x5c(BANK.der, ISSUING.der),
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def value(
    protected: dict[str, Any] | str | bytes | None = None,
    *,
    body: bytes = BODY,
    signer: Issued = BANK,
    algorithm: str = "ES256",
) -> bytes:
    """Return a header value with a signature that holds over exactly this protected header."""
    given = protected if isinstance(protected, str | bytes) else json.dumps(protected or header())
    first = b64(given).encode()
    made = get_default_algorithms()[algorithm].sign(first + b"." + body, signer.key)
    return first + b".." + b64(made).encode()


def verified(
    given: bytes,
    *,
    body: bytes = BODY,
    by: Trust = CHAINED,
    algorithms: tuple[str, ...] = ("ES256", "PS256"),
    at: datetime = NOON,
) -> tuple[str, str]:
    certificate, key_id, algorithm = verify_detached_jws(given, body, by, algorithms, at=at)
    assert sha256(Issued(certificate, BANK.key).der).hexdigest() == key_id
    return key_id, algorithm


def code(given: bytes, **settings: Any) -> str:  # noqa: ANN401 - settings of any type
    with pytest.raises(Rejected) as caught:
        verified(given, **settings)
    assert "canary" not in str(caught.value)
    return str(caught.value.code)


HONEST: Final = value()


def thumbprint(one: Issued) -> str:
    return b64(sha256(one.der).digest())


def test_chain_in_the_header_leads_to_a_root() -> None:
    assert verified(value()) == (BANK.fingerprint, "ES256")


def test_rsa_certificate_signs_with_the_padding_it_names() -> None:
    protected = header(alg="PS256", x5c=x5c(RSA_BANK.der))

    given = value(protected, signer=RSA_BANK, algorithm="PS256")

    assert verified(given) == (RSA_BANK.fingerprint, "PS256")
    other = value(protected, signer=RSA_BANK, algorithm="RS256")
    assert code(other) == "signature_mismatch"


def test_pinned_certificate_is_found_by_its_digest() -> None:
    protected = header(x5c=None, **{"x5t#S256": thumbprint(OTHER)})

    given = value(protected, signer=OTHER)

    assert verified(given, by=TWO_PINNED) == (OTHER.fingerprint, "ES256")
    assert code(value(protected), by=TWO_PINNED) == "signature_mismatch"


def test_only_pinned_certificate_needs_no_name() -> None:
    assert verified(value(header(x5c=None)), by=PINNED) == (BANK.fingerprint, "ES256")


@pytest.mark.parametrize("by", [CHAINED, TWO_PINNED])
def test_certificate_that_nothing_names_is_missing(by: Trust) -> None:
    assert code(value(header(x5c=None)), by=by) == "certificate_missing"


def test_certificate_of_no_trust_is_untrusted() -> None:
    brought = value(header(x5c=x5c(STRANGER.der)), signer=STRANGER)
    named = header(x5c=None, **{"x5t#S256": thumbprint(STRANGER)})

    assert code(brought) == "certificate_untrusted"
    assert code(brought, by=PINNED) == "certificate_untrusted"
    assert code(value(named, signer=STRANGER), by=PINNED) == "certificate_untrusted"


def test_certificate_is_judged_at_the_time_of_receipt() -> None:
    assert code(value(), at=NOON + 2 * YEAR) == "certificate_expired"
    assert code(value(header(x5c=None)), by=PINNED, at=NOON - 2 * YEAR) == (
        "certificate_not_yet_valid"
    )


def test_certificate_of_another_trusted_bank_does_not_match() -> None:
    assert code(value(header(x5c=x5c(OTHER.der)))) == "signature_mismatch"


def test_two_names_for_the_certificate_must_agree() -> None:
    both = header(**{"x5t#S256": thumbprint(BANK)})
    torn = header(**{"x5t#S256": thumbprint(OTHER)})

    assert verified(value(both))
    assert code(value(torn)) == "certificate_malformed"


@pytest.mark.parametrize(
    "given",
    [
        "",
        [],
        {},
        [""],
        [7],
        ["!"],
        [b64(BANK.der)[:-2] + "-_"],
        x5c(b""),
        x5c(b"\x30"),
        x5c(BANK.pem),
        x5c(BANK.der[:-1]),
        x5c(BANK.der + b"\0"),
        x5c(BANK.der, b"x"),
        x5c(b"\x30" * 20_000),
        x5c(*[BANK.der] * 11),
    ],
    ids=lambda given: str(given)[:20],
)
def test_certificates_that_cannot_be_read_are_malformed(given: object) -> None:
    rejected = code(value(header(x5c=given)))

    # Too many bytes are refused before they are looked into.
    assert rejected in {"certificate_malformed", "signature_malformed"}


@pytest.mark.parametrize("given", ["", "x", 7, [], "é", b64(b"\1" * 31), b64(b"\1" * 32) + "="])
def test_digest_of_a_certificate_that_is_none_is_malformed(given: object) -> None:
    assert code(value(header(x5c=None, **{"x5t#S256": given})), by=PINNED) == "signature_malformed"


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
    _rejected_or_same(value({**header(), **changes}), by=by)


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_value_is_rejected(given: bytes, body: bytes) -> None:
    assert code(given, body=body) in CODES


@given(mutated_bytes(BANK.der))
def test_any_certificate_is_verified_or_rejected(der: bytes) -> None:
    _rejected_or_same(value(header(x5c=x5c(der, ISSUING.der))))


def _rejected_or_same(given: bytes, by: Trust = CHAINED) -> None:
    try:
        key_id, _ = verified(given, by=by)
    except Rejected:
        return
    assert key_id in {BANK.fingerprint, OTHER.fingerprint}
