"""The certificate of a detached JWS: brought, named or pinned, and always trusted."""

import pytest
from hypothesis import given

from tests.certificates import YEAR
from tests.detached_jws import (
    BANK,
    CHAINED,
    ISSUING,
    OTHER,
    PINNED,
    RSA_BANK,
    STRANGER,
    TWO_PINNED,
    code,
    header,
    rejected_or_same,
    thumbprint,
    value,
    verified,
)
from tests.jose import NOON, b64, x5c
from tests.property.strategies import mutated_bytes
from workers.verifier.certificates import Trust


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
        pytest.param("", id="text"),
        pytest.param([], id="none"),
        pytest.param({}, id="an object"),
        pytest.param([""], id="an empty one"),
        pytest.param([7], id="a number"),
        pytest.param(["!"], id="no base64"),
        pytest.param([b64(BANK.der)[:-2] + "-_"], id="base64url"),
        pytest.param(x5c(b""), id="nothing"),
        pytest.param(x5c(b"\x30"), id="one byte"),
        pytest.param(x5c(BANK.pem), id="PEM"),
        pytest.param(x5c(BANK.der[:-1]), id="cut short"),
        pytest.param(x5c(BANK.der + b"\0"), id="a byte more"),
        pytest.param(x5c(BANK.der, b"x"), id="a second that is none"),
        pytest.param(x5c(b"\x30" * 20_000), id="20 kB"),
        pytest.param(x5c(*[BANK.der] * 11), id="eleven"),
    ],
)
def test_certificates_that_cannot_be_read_are_malformed(given: object) -> None:
    rejected = code(value(header(x5c=given)))

    # Too many bytes are refused before they are looked into.
    assert rejected in {"certificate_malformed", "signature_malformed"}


@pytest.mark.parametrize("given", ["", "x", 7, [], "é", b64(b"\1" * 31), b64(b"\1" * 32) + "="])
def test_digest_of_a_certificate_that_is_none_is_malformed(given: object) -> None:
    assert code(value(header(x5c=None, **{"x5t#S256": given})), by=PINNED) == "signature_malformed"


@given(mutated_bytes(BANK.der))
def test_any_certificate_is_verified_or_rejected(der: bytes) -> None:
    rejected_or_same(value(header(x5c=x5c(der, ISSUING.der))))
