"""Every way in which a detached signature fails, under its own code and in the sheet's order."""

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode as Code
from contracts.errors import Rejected
from contracts.raw import RawCallback
from tests.certificates import (
    YEAR,
    Issued,
    issue,
    leaf,
    pem,
    revocation_list,
    root,
    trust,
)
from tests.signed_requests import (
    BANK,
    BODY,
    ISSUING_CA,
    ROOT,
    TRUST,
    URI,
    callback,
    having,
    pss_short,
    without,
)
from tests.updates import NOON
from workers.verifier.certificates import Trust
from workers.verifier.detached_signature import (
    CERTIFICATE,
    CHAIN,
    DIGEST,
    SIGNATURE,
    verify_detached,
)


def refusal(one: RawCallback, by: Trust = TRUST) -> Code:
    with pytest.raises(Rejected) as caught:
        verify_detached(one, by, at=NOON)
    return caught.value.code


@pytest.mark.parametrize(
    "name", [b"sha1", b"SHA-1", b"md5", b"sha224", b"none", b"", b" ", b"\xff", b"sha256,sha1"]
)
def test_digest_that_is_none_of_six_is_forbidden(name: bytes) -> None:
    assert refusal(callback(digest_name=name)) is Code.ALGORITHM_FORBIDDEN


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (SIGNATURE, Code.SIGNATURE_MISSING),
        (CERTIFICATE, Code.CERTIFICATE_MISSING),
        (CHAIN, Code.CERTIFICATE_MISSING),
    ],
)
def test_mandatory_header_that_is_absent_or_empty_is_missing(name: str, code: Code) -> None:
    assert refusal(without(callback(), name)) is code
    assert refusal(having(callback(), name, b"")) is code


NOT_BASE64 = [b"!!!!", b"YQ", b"YR==", b" YQ==", b"YQ==\n", b"YQ==YQ==", b"YQ-_", b"\xff\xfe"]


@pytest.mark.parametrize("text", NOT_BASE64)
@pytest.mark.parametrize(
    ("name", "code"),
    [
        (SIGNATURE, Code.SIGNATURE_MALFORMED),
        (CERTIFICATE, Code.CERTIFICATE_MALFORMED),
        (CHAIN, Code.CERTIFICATE_MALFORMED),
    ],
)
def test_header_that_is_not_strict_base64_is_malformed(name: str, code: Code, text: bytes) -> None:
    assert refusal(having(callback(), name, text)) is code


def test_signature_of_absurd_length_is_malformed() -> None:
    assert refusal(having(callback(), SIGNATURE, b"AAAA" * 1_000)) is Code.SIGNATURE_MALFORMED


@pytest.mark.parametrize("content", [BANK.der[:-1], pem(BANK, ISSUING_CA), b"junk", b"\x30\x80"])
def test_certificate_that_cannot_be_read_is_malformed(content: bytes) -> None:
    one = having(callback(), CERTIFICATE, b64encode(content))

    assert refusal(one) is Code.CERTIFICATE_MALFORMED


@pytest.mark.parametrize("content", [BANK.der, b"junk", BANK.pem[:-60]])
def test_chain_that_is_no_pem_is_malformed(content: bytes) -> None:
    assert refusal(having(callback(), CHAIN, b64encode(content))) is Code.CERTIFICATE_MALFORMED


def other_bytes() -> dict[str, RawCallback]:
    one = callback()
    key = callback(leaf(ISSUING_CA, "Bank B", key_type="rsa"))
    return {
        "body": replace(one, body=BODY + b" "),
        "empty body": replace(one, body=b""),
        "method": replace(one, method="PUT"),
        "host in capitals": replace(one, target_uri=URI.replace("callbacks", "Callbacks")),
        "percent-encoding": replace(one, target_uri=URI.replace("%2F", "%2f")),
        "query": replace(one, target_uri=URI.partition("?")[0]),
        "content type": replace(one, content_type="application/json; charset=utf-8"),
        "no content type": replace(one, content_type=""),
        "request id": having(one, "x-request-id", b"r-2"),
        "no request id": without(one, "x-request-id"),
        "space at the end": having(one, "x-request-id", b"r-1 "),
        "location added": having(one, "location", b"https://callbacks.example.org/"),
        "another's certificate": having(one, CERTIFICATE, key.http[CERTIFICATE]),
        "another's signature": having(one, SIGNATURE, key.http[SIGNATURE]),
        "another digest": having(one, DIGEST, b"sha512"),
        "salt of no length": callback(sign=pss_short),
        "no bytes of a signature": having(one, SIGNATURE, b64encode(b"\0" * 256)),
        "a key of another kind": having(one, CERTIFICATE, b64encode(leaf(ISSUING_CA).der)),
    }


@pytest.mark.parametrize("case", other_bytes())
def test_signature_over_other_bytes_is_a_mismatch(case: str) -> None:
    assert refusal(other_bytes()[case]) is Code.SIGNATURE_MISMATCH


@pytest.mark.parametrize("value", [b"r-1\nx: y", b"r-1\r"])
def test_signed_header_with_a_line_feed_is_malformed(value: bytes) -> None:
    assert refusal(having(callback(), "x-request-id", value)) is Code.SIGNATURE_MALFORMED


def test_reasons_come_in_the_order_of_the_sheet() -> None:
    """Each callback has the faults of all that follow it as well."""
    expired = issue(ISSUING_CA, "Bank A", ca=True, key_type="rsa", not_after=NOON - YEAR / 2)
    ca = issue(ISSUING_CA, "Bank A", ca=True, key_type="rsa")
    lists = [revocation_list(ISSUING_CA, expired, ca, BANK)]
    by = trust(ROOT, lists=lists)
    one = having(having(callback(), DIGEST, b"sha1"), SIGNATURE, b"!")

    def bearing(bank: Issued) -> RawCallback:
        return having(one, CERTIFICATE, b64encode(bank.der))

    worst = having(having(one, CERTIFICATE, b"!"), SIGNATURE, b"")
    assert [
        refusal(worst, by),
        refusal(having(one, CERTIFICATE, b"!"), by),
        refusal(bearing(leaf(root("Other"))), by),
        refusal(bearing(expired), by),
        refusal(bearing(ca), by),
        refusal(one, by),
        refusal(one),
        refusal(without(one, DIGEST)),
        refusal(replace(callback(), body=b"")),
    ] == [
        Code.SIGNATURE_MISSING,
        Code.CERTIFICATE_MALFORMED,
        Code.CERTIFICATE_UNTRUSTED,
        Code.CERTIFICATE_EXPIRED,
        Code.CERTIFICATE_PROFILE_INVALID,
        Code.CERTIFICATE_REVOKED,
        Code.ALGORITHM_FORBIDDEN,
        Code.SIGNATURE_MALFORMED,
        Code.SIGNATURE_MISMATCH,
    ]


def test_certificate_is_judged_at_the_time_of_receipt_each_time() -> None:
    verify_detached(callback(), TRUST, at=NOON)

    with pytest.raises(Rejected) as caught:
        verify_detached(callback(), TRUST, at=NOON + YEAR + timedelta(minutes=2))

    assert caught.value.code is Code.CERTIFICATE_EXPIRED


WHOLE = callback()


@given(place=st.integers(0, len(BODY) - 1), mask=st.integers(1, 255))
def test_any_changed_byte_of_the_body_is_a_mismatch(place: int, mask: int) -> None:
    body = bytearray(BODY)
    body[place] ^= mask

    assert refusal(replace(WHOLE, body=bytes(body))) is Code.SIGNATURE_MISMATCH


@given(name=st.sampled_from([SIGNATURE, CERTIFICATE]), data=st.data())
def test_any_changed_byte_of_signature_or_certificate_is_refused(
    name: str, data: st.DataObject
) -> None:
    value = bytearray(WHOLE.http[name])
    place = data.draw(st.integers(0, len(value) - 1))
    value[place] ^= data.draw(st.integers(1, 255))

    refusal(having(WHOLE, name, bytes(value)))


@given(name=st.sampled_from([SIGNATURE, CERTIFICATE, CHAIN, DIGEST]), value=st.binary())
def test_arbitrary_headers_are_refused_as_declared(name: str, value: bytes) -> None:
    refusal(having(WHOLE, name, value))
    refusal(having(WHOLE, name, b64encode(value)))
