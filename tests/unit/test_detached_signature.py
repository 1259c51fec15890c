"""Detached signatures: what is signed, by which algorithms, and every way in which one fails."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes

from contracts.codes import RejectionCode as Code
from contracts.errors import Rejected
from tests.certificates import (
    KeyType,
    leaf,
    trust,
)
from tests.signed_requests import (
    BANK,
    ISSUING_CA,
    ROOT,
    TRUST,
    Sign,
    callback,
    ecdsa,
    having,
    pkcs1,
    pss,
    pss_max,
    without,
)
from tests.updates import NOON
from workers.verifier.detached_signature import (
    CERTIFICATE,
    CHAIN,
    canonical_request,
    verify_detached,
)


def test_signed_request_gives_who_signed_it() -> None:
    certificate, key_id, algorithm = verify_detached(callback(), TRUST, at=NOON)

    assert certificate == BANK.certificate
    assert key_id == BANK.fingerprint
    assert algorithm == "rsa-pkcs1v15-sha256"


DIGESTS: Mapping[bytes, hashes.HashAlgorithm] = {
    b"sha256": hashes.SHA256(),
    b"sha384": hashes.SHA384(),
    b"sha512": hashes.SHA512(),
    b"sha3-256": hashes.SHA3_256(),
    b"sha3-384": hashes.SHA3_384(),
    b"sha3-512": hashes.SHA3_512(),
}


@pytest.mark.parametrize("name", DIGESTS)
@pytest.mark.parametrize(
    ("sign", "label"),
    [(pkcs1, "rsa-pkcs1v15"), (pss, "rsa-pss"), (pss_max, "rsa-pss-max-salt")],
)
def test_rsa_signature_by_each_digest_and_padding_is_taken(
    name: bytes, sign: Sign, label: str
) -> None:
    one = callback(digest=DIGESTS[name], digest_name=name, sign=sign)

    assert verify_detached(one, TRUST, at=NOON)[2] == f"{label}-{DIGESTS[name].name}"


@pytest.mark.parametrize("name", DIGESTS)
@pytest.mark.parametrize("key_type", ["ec", "ec-384", "ec-521"])
def test_ecdsa_signature_by_each_digest_and_curve_is_taken(name: bytes, key_type: KeyType) -> None:
    bank = leaf(ISSUING_CA, key_type=key_type)
    one = callback(bank, digest=DIGESTS[name], digest_name=name, sign=ecdsa)

    assert verify_detached(one, TRUST, at=NOON)[2] == f"ecdsa-{DIGESTS[name].name}"


@pytest.mark.parametrize("name", [b"SHA256", b"Sha_256", b"sha-256", b"SHA3_256", b"sha3256"])
def test_digest_is_named_in_any_case_with_or_without_separators(name: bytes) -> None:
    digest = hashes.SHA3_256() if b"3" in name[:5] else hashes.SHA256()

    assert verify_detached(callback(digest=digest, digest_name=name), TRUST, at=NOON)


def test_certificate_may_be_base64_of_pem_and_may_be_pinned() -> None:
    one = having(callback(), CERTIFICATE, b64encode(BANK.pem))

    assert verify_detached(one, trust(pinned=[BANK]), at=NOON)[1] == BANK.fingerprint


def test_chain_of_the_certificate_alone_is_enough_where_the_rest_is_configured() -> None:
    one = having(callback(), CHAIN, b64encode(BANK.pem))

    assert verify_detached(one, trust(ROOT, intermediates=[ISSUING_CA]), at=NOON)


def test_headers_that_are_not_signed_may_come_and_go() -> None:
    one = having(without(callback(), "traceparent"), "x-forwarded-for", b"10.0.0.1\r\n")

    assert verify_detached(one, TRUST, at=NOON)


def test_method_is_signed_in_capitals() -> None:
    assert verify_detached(replace(callback(), method="post"), TRUST, at=NOON)


@pytest.mark.parametrize(
    "uri", ["/v1/resource", "mailto:api@example.com", "", "https:///x", "//h/x", "http://[::1"]
)
def test_target_that_is_no_absolute_uri_is_our_record_that_is_malformed(uri: str) -> None:
    with pytest.raises(Rejected) as caught:
        canonical_request("GET", uri, {}, b"")

    assert caught.value.code is Code.RECORD_MALFORMED


def test_canonical_bytes_are_those_of_the_sheet() -> None:
    fields = {"X-Request-ID": b"b", "Content-Type": b" a ", "Authorization": b"secret"}

    assert canonical_request("get", "https://Api.example.com", fields, b"") == (
        b"GET\nhttps://Api.example.com\ncontent-type:  a \nx-request-id: b"
    )
    assert canonical_request("POST", "https://example.com", {}, b"\xff\0\n") == (
        b"POST\nhttps://example.com\n\xff\0\n"
    )
